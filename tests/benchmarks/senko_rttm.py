"""Speakers as senko finds them: `python -m tests.benchmarks.senko_rttm FOLDER OUT`, where senko 0.2.2 is installed.

FOLDER's two-channel calls are mixed to one channel of 16 kHz, as senko takes it, and an RTTM file of each goes to OUT.
`python -m tests.benchmarks.rttm FOLDER OUT` scores them. The seconds that senko took are printed, loading apart.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import senko
import soundfile
import soxr

from asr.diarize.rttm import Talk, as_rttm

_RATE_HZ = 16_000


def main(folder: Path, out: Path) -> None:
    """Write what is found in each call, by the segments of senko's result."""
    out.mkdir(exist_ok=True)
    diarizer = senko.Diarizer(device="cpu", warmup=False)
    audio_s, took_s, cpu_s = 0.0, 0.0, 0.0
    for path in sorted(folder.glob("*.wav")):
        samples, rate_hz = soundfile.read(path, dtype="float32")
        with tempfile.NamedTemporaryFile(suffix=".wav") as mixed:
            soundfile.write(mixed.name, soxr.resample(samples.mean(axis=1), rate_hz, _RATE_HZ), _RATE_HZ, "PCM_16")
            began_s, began_cpu_s = time.perf_counter(), time.process_time()
            found = diarizer.diarize(mixed.name) or {"merged_segments": []}
            took_s, cpu_s = took_s + time.perf_counter() - began_s, cpu_s + time.process_time() - began_cpu_s
        audio_s += len(samples) / rate_hz
        talk = [Talk(one["speaker"], one["start"], one["end"]) for one in found["merged_segments"]]
        (out / f"{path.stem}.rttm").write_text(as_rttm(path.stem, talk))
    print(f"{audio_s:.0f} s told apart in {took_s:.1f} s, {cpu_s:.1f} s of CPU time")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
