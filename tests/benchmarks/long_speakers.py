"""A long mixed call told apart: `python -m tests.benchmarks.long_speakers FOLDER HOURS` prints memory and speed.

FOLDER's two-channel calls, mixed, one after another and again, are read block by block as from a file.
"""

from __future__ import annotations

import flows  # noqa: F401 - before numpy: OpenBLAS's threads spin, and would count as time of the diarizer

# isort: split
import resource
import sys
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import soundfile

from asr.resample import resample
from asr.types import Samples, Span
from configs.settings import Settings
from flows import wiring

_RATE_HZ = 16_000


def blocks(folder: Path, n_samples: int) -> Iterator[Samples]:
    """So many samples of the folder's calls."""
    left = n_samples
    for path in cycle(sorted(folder.glob("*.wav"))):
        samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
        sound = resample(samples.mean(axis=1), rate_hz)[:left]
        left -= len(sound)
        yield sound
        if not left:
            return


def main(folder: Path, hours: float) -> None:
    """Print what it took."""
    n_samples = int(hours * 3_600 * _RATE_HZ)
    before_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
    diarizer = wiring.diarizer(Settings())
    assert diarizer is not None
    began_s = time.process_time()
    found = diarizer.diarize(blocks(folder, n_samples), [Span(0, n_samples)])
    cpu_s = time.process_time() - began_s
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
    speakers = len({one.speaker for one in found})
    print(
        f"{hours:g} h: {n_samples / _RATE_HZ / cpu_s:.0f}x on one core, "
        f"{before_mb:.0f} MB before, {peak_mb:.0f} MB at most"
    )
    print(f"{len(found)} stretches of {speakers} speakers")


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
