"""Reads damaged recordings for test_fuzz, in a process that may die: `python -m tests.external.fuzz_worker FOLDER`.

Standard input brings the name and the bytes of one recording after another, standard output a line for each: what
became of it and how much memory the process has taken. The system limits it to what the imports took and LIMIT_MB.
"""

from __future__ import annotations

import faulthandler
import json
import resource
import struct
import sys
from pathlib import Path

from asr.cutting import cut_chunks
from asr.decode import identify
from asr.errors import PipelineError
from asr.files.options import DecodeOptions
from asr.survey import survey
from asr.types import Chunk, Span
from tests.deaf import DeafDetector

LIMIT_MB = 500
OPTIONS = DecodeOptions.model_validate(
    {
        "channel_maps": [["agent", "customer", *["ignored"] * n] for n in range(1, 7)],
        "headerless": {
            **{f".{codec}": {"codec": codec} for codec in ("mulaw", "pcm_s16le", "gsm", "vox", "g726")},
            ".g722": {"codec": "g722", "sample_rate_hz": 16_000},
        },
        "max_clipped_share": 1.0,
    }
)


def read(path: Path) -> str:
    """Survey a recording and cut a chunk out of it, as a run does."""
    recording = identify(path)
    found = survey(recording, DeafDetector(), OPTIONS)
    plans = [()] * (max(channel.index for channel in found.channels) + 1)
    for channel in found.channels:
        plans[channel.index] = (Chunk(channel.channel, (Span(0, min(16_000, channel.n_samples)),)),)
    assert len(list(cut_chunks(recording, plans, OPTIONS))) == len(found.channels)
    return f"read {found.container} {found.codec}"


def main(folder: Path) -> None:
    """Read what comes, until nothing does."""
    faulthandler.enable()
    import av  # noqa: F401
    import soundfile  # noqa: F401

    started_mb = _peak_mb()
    virtual = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    # Threads' stacks are addresses too, if hardly memory: what is taken is checked by the test.
    limit = virtual + (LIMIT_MB << 20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    while len(sizes := sys.stdin.buffer.read(8)) == 8:
        name_size, size = struct.unpack("<II", sizes)
        path = folder / sys.stdin.buffer.read(name_size).decode()
        path.write_bytes(sys.stdin.buffer.read(size))
        try:
            verdict = read(path)
        except PipelineError as error:
            memory = isinstance(error.__cause__, MemoryError)
            verdict = f"{'memory' if memory else 'refused'}: {error.reason}"
        except BaseException as error:  # noqa: BLE001
            verdict = f"fault: {type(error).__name__}: {error}"
        path.unlink()
        sys.stdout.write(json.dumps({"verdict": verdict, "grown_mb": _peak_mb() - started_mb}) + "\n")
        sys.stdout.flush()


def _peak_mb() -> float:
    # Not getrusage: its figure begins with the peak of the process that started this one.
    (peak,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1024


if __name__ == "__main__":
    main(Path(sys.argv[1]))
