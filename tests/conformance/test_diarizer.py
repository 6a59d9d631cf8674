"""What a diarizer does, on the sample calls mixed to one channel, whose speakers are made by two voices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from asr.decode import decode, identify
from asr.diarize.diarizer import WindowDiarizer
from asr.diarize.rttm import read_rttm
from asr.files.options import DecodeOptions
from asr.resample import resample
from asr.timebase import to_samples
from asr.types import Span

SAMPLES = Path(__file__).parents[2] / "sample_audio"


def _call(name: str) -> tuple[np.ndarray, list[tuple[int, int, str]]]:
    audio = decode(identify(SAMPLES / f"{name}.wav"), DecodeOptions())
    sound = resample(audio.samples.mean(axis=0), audio.sample_rate_hz)
    talk = read_rttm((SAMPLES / f"{name}.rttm").read_text())
    return sound, [(to_samples(one.start_s), to_samples(one.end_s), one.speaker) for one in talk]


@pytest.mark.parametrize("name", ["order", "bank"])
def test_two_speakers_are_told_apart(name: str, diarizer: WindowDiarizer) -> None:
    sound, talk = _call(name)
    speech = [Span(0, len(sound))]
    found = diarizer.diarize(iter(np.array_split(sound, 7)), speech)
    assert {one.speaker for one in found} == {0, 1}
    assert found == diarizer.diarize([sound], speech)
    truth = np.zeros((2, len(sound)), bool)
    for start, stop, who in talk:
        truth[int(who == talk[0][2]), start:stop] = True
    told = np.zeros((2, len(sound)), bool)
    for one in found:
        assert 0 <= one.span.start < one.span.stop <= len(sound)
        told[one.speaker, one.span.start : one.span.stop] = True
    shared = truth.astype(np.int64) @ told.T.astype(np.int64)
    right = max(shared[0, 0] + shared[1, 1], shared[0, 1] + shared[1, 0])
    assert right / shared.sum() > 0.95
