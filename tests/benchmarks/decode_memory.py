"""What it takes to read a call of four hours: `python -m tests.benchmarks.decode_memory [deaf] [FORMAT ...]`.

Made in each format of the sample calls, over and over, it goes through both passes in a process of its own: a survey,
and every second of both channels cut into chunks, which are let go. Memory is what the process took at most,
over what it had taken once the model that finds speech was loaded; `deaf` leaves that model out of the survey.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

from asr.cutting import cut_chunks
from asr.decode import identify
from asr.files.options import DecodeOptions
from asr.survey import ChannelSurvey, survey
from asr.types import Chunk, Span
from asr.vad import SileroVad
from configs.load import load
from flows import wiring
from tests.deaf import DeafDetector

SAMPLES = Path(__file__).parents[2] / "sample_audio"
LENGTH_S = 14_400
RATE_HZ = 8_000
FORMATS = {"wav": "ULAW", "flac": "PCM_16", "mp3": "libmp3lame", "opus": "libopus", "m4a": "aac"}


def make(path: Path, coder: str) -> None:
    """Write the call, two channels at 8 kHz."""
    calls = [soundfile.read(call, dtype="float32", always_2d=True)[0] for call in sorted(SAMPLES.glob("*.wav"))]
    once = np.concatenate(calls)
    rounds = -(-LENGTH_S * RATE_HZ // len(once))
    if path.suffix in (".wav", ".flac"):
        with soundfile.SoundFile(path, "w", RATE_HZ, 2, subtype=coder) as file:
            for samples in repeat(once, rounds):
                file.write(samples)
        return
    with av.open(str(path), "w", format="ogg" if path.suffix == ".opus" else None) as container:
        stream: Any = container.add_stream(coder, rate=RATE_HZ, layout="stereo")
        packets = _packets(stream, once)
        step = sum(packet.duration or 0 for packet in packets)
        # Encoded once; joints click, which costs no memory.
        for number, packet in chain.from_iterable(zip(repeat(at), packets, strict=False) for at in range(rounds)):
            copy = av.Packet(bytes(packet))
            copy.stream, copy.time_base = stream, packet.time_base
            copy.pts = copy.dts = (packet.pts or 0) + number * step
            copy.duration = packet.duration
            container.mux(copy)


def _packets(stream: Any, samples: NDArray[np.float32]) -> list[Any]:
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), format="fltp", layout="stereo")
    frame.sample_rate, frame.pts = RATE_HZ, 0
    packets = [packet for packet in [*stream.encode(frame), *stream.encode(None)] if packet.size]
    # The last one is shorter where a coder can say so, which none may be in the middle.
    return [packet for packet in packets if packet.duration == packets[0].duration]


def read(path: Path, deaf: bool) -> None:  # noqa: FBT001
    """Take the call through both passes, and print what that took."""
    model = SileroVad(wiring.vad_file(load(None, [], os.environ, None)))
    model.probabilities(np.zeros(16_000 * 30, np.float32))
    loaded_mb, began_s, began_cpu_s = _peak_mb(), time.perf_counter(), time.process_time()
    recording = identify(path)
    found = survey(recording, DeafDetector() if deaf else model, DecodeOptions())
    surveyed_mb, surveyed_cpu_s = _peak_mb(), time.process_time()
    plans = [_all_of(channel) for channel in found.channels]
    cut_s = sum(len(samples) for _, _, samples in cut_chunks(recording, plans, DecodeOptions())) / 16_000
    cpu_s = surveyed_cpu_s - began_cpu_s, time.process_time() - began_cpu_s
    print(
        f"{found.container} {found.codec}: {recording.size_bytes / 1e6:.0f} MB, {found.duration_s / 3600:.2f} h, "
        f"{cut_s / 3600:.2f} h of chunks; memory {surveyed_mb - loaded_mb:.0f} MB in the first pass, "
        f"{_peak_mb() - loaded_mb:.0f} MB in both, over {loaded_mb:.0f} MB; CPU {cpu_s[0]:.0f} s in the first, "
        f"{cpu_s[1]:.0f} s in both; {time.perf_counter() - began_s:.0f} s of wall time",
        flush=True,
    )


def _all_of(channel: ChannelSurvey) -> list[Chunk]:
    """The whole channel, 30 s after 30 s."""
    size, end = 30 * 16_000, channel.n_samples
    return [Chunk(channel.channel, (Span(at, min(at + size, end)),)) for at in range(0, end, size)]


def _peak_mb() -> float:
    (peak,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1024


def main(words: list[str]) -> None:
    """Make the call in each format, in a folder that goes away, and read it."""
    how = [word for word in words if word == "deaf"]
    if "of" in words:
        read(Path(words[-1]), deaf=bool(how))
        return
    for name in [word for word in words if word in FORMATS] or FORMATS:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"call.{name}"
            make(path, FORMATS[name])
            line = [sys.executable, "-m", "tests.benchmarks.decode_memory", *how, "of", str(path)]
            subprocess.run(line, check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
