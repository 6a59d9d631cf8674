"""Whether cost and memory grow with the length and the number of calls.

`python -m tests.benchmarks.endurance lengths FOLDER` makes a call of 5 minutes, 48 of them, and one of 4 hours of the
folder's calls and transcribes each lot in a process of its own, as many at a time as a run groups.
`python -m tests.benchmarks.endurance calls FOLDER` transcribes 500 calls in one process, all of them different, and
prints its memory after every 50.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from itertools import cycle
from pathlib import Path

import soundfile

from asr.decode import identify
from asr.engines.registry import load_engine
from asr.vad import SileroVad
from configs.load import load
from flows import preparation, stages, wiring

_LOTS = ((1, 300), (48, 300), (1, 14_400))
"""How many calls, and of how many seconds."""

_AT_ONCE = 4
"""Calls of 5 minutes in a group: batch.group_audio_s is 20 minutes."""

_CALLS, _EVERY = 500, 50
_CALL_S = 60
_RATE_HZ = 8_000


def joined(folder: Path, out: Path, length_s: int, skip_s: int = 0) -> None:
    """Write a two-channel mu-law call of that length: the calls end to end, over and over, from `skip_s` on."""
    left, skip = length_s * _RATE_HZ, skip_s * _RATE_HZ
    with soundfile.SoundFile(out, "w", _RATE_HZ, 2, subtype="ULAW") as file:
        for path in cycle(sorted(folder.glob("*.wav"))):
            samples, _ = soundfile.read(path, dtype="float32", always_2d=True)
            skip, samples = max(0, skip - len(samples)), samples[min(skip, len(samples)) :]
            file.write(samples[:left])
            left -= len(samples[:left])
            if not left:
                return


def transcribe(paths: list[Path], at_once: int, every: int) -> None:
    """Transcribe the recordings, so many at once, and print what that took and the memory after every so many."""
    settings = load(None, [], os.environ, None)
    engine = load_engine(wiring.fetch_model(settings, settings.transcribe.model), settings.transcribe)
    detector = SileroVad(wiring.vad_file(settings))
    for first in range(0, len(paths), every):
        began_s, began_cpu_s, audio_s = time.perf_counter(), time.process_time(), 0.0
        lot = paths[first : first + every]
        for at in range(0, len(lot), at_once):
            prepared = [preparation.prepare(identify(path), detector, settings) for path in lot[at : at + at_once]]
            for item, heard in zip(prepared, stages.hear(prepared, engine, settings, lambda _: None), strict=True):
                stages.assemble(item, heard, wiring.provenance(engine, settings), settings)
            audio_s += sum(item.facts.duration_s for item in prepared)
        wall_s, cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
        print(
            f"{first + len(lot)} calls, {audio_s / 60:.0f} min more: {audio_s / wall_s:.1f} x realtime, "
            f"{cpu_s / audio_s * 3600:.0f} CPU s an hour, {_rss_mb():.0f} MB now, "
            f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB at most",
            flush=True,
        )


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def main(what: str, folder: str) -> None:
    """Make the calls in a folder that goes away, and transcribe them."""
    if what == "of":
        paths = sorted(Path(folder).glob("*.wav"))
        transcribe(paths, _AT_ONCE, len(paths))
        return
    with tempfile.TemporaryDirectory() as made:
        if what == "calls":
            paths = [Path(made) / f"{number:03}.wav" for number in range(_CALLS)]
            for number, path in enumerate(paths):
                joined(Path(folder), path, _CALL_S, number * 7)
            transcribe(paths, _EVERY, _EVERY)
            return
        for number, (calls, length_s) in enumerate(_LOTS):
            lot = Path(made) / str(number)
            lot.mkdir()
            for call in range(calls):
                joined(Path(folder), lot / f"{call:02}.wav", length_s, call * length_s)
            subprocess.run([sys.executable, "-m", "tests.benchmarks.endurance", "of", str(lot)], check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
