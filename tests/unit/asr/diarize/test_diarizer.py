"""Windows put together, with a segmentation and voices that are made up: who talks is in the sound itself."""

from __future__ import annotations

import numpy as np
import pytest

from asr.diarize.diarizer import WindowDiarizer
from asr.diarize.local import MEMBERS
from asr.diarize.options import DiarizeOptions
from asr.diarize.windows import FIELD, FRAME, FRAMES, WINDOW, windows
from asr.types import Span

RATE = 16_000


def segment(samples: np.ndarray) -> np.ndarray:
    """A sample's value is one speaker's number from 1 on; the window counts its own from the first that it hears."""
    heard = samples[np.arange(FRAMES) * FRAME + FIELD // 2].round().astype(int)
    order = [who for who in dict.fromkeys(heard.tolist()) if who]
    logits = np.full((FRAMES, len(MEMBERS)), -10.0, np.float32)
    logits[np.arange(FRAMES), [1 + order.index(who) if who else 0 for who in heard.tolist()]] = 10.0
    return logits


class Voices:
    """Embeddings that are one direction for each loudness, which is what the made-up speakers differ in."""

    def __call__(self, features: np.ndarray) -> np.ndarray:
        raise NotImplementedError


def call(*turns: tuple[float, float, int]) -> np.ndarray:
    sound = np.zeros(int(max(end for _, end, _ in turns) * RATE), np.float32)
    for start, end, who in turns:
        sound[int(start * RATE) : int(end * RATE)] = who
    return sound


@pytest.mark.parametrize("size", [1_000, 50_000, 10_000_000])
def test_windows_cover_the_sound_and_do_not_depend_on_blocks(size: int) -> None:
    sound = np.arange(400_001, dtype=np.float32)
    found = list(windows((sound[at : at + size] for at in range(0, len(sound), size)), 80_000))
    assert [start for start, _ in found] == [0, 80_000, 160_000, 240_000, 320_000]
    for start, samples in found:
        assert len(samples) == WINDOW
        assert np.array_equal(samples[: len(sound) - start], sound[start : start + WINDOW])


def test_nobody_talks_where_there_is_no_speech() -> None:
    diarizer = WindowDiarizer(segment, Voices(), DiarizeOptions())
    assert diarizer.diarize([call((0, 30, 1))], []) == ()
    assert diarizer.diarize([], [Span(0, 100)]) == ()


def test_speakers_keep_their_number_over_windows_and_stay_inside_speech(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = call((0, 6, 1), (7, 13, 2), (14, 20, 1), (21, 33, 2))
    # The made-up features are the speaker's number itself: an embedding is a direction for each.
    monkeypatch.setattr("asr.diarize.local.fbank", _numbers)
    monkeypatch.setattr(
        "asr.diarize.local._embedded", lambda features, _: np.eye(4, dtype=np.float32)[int(np.median(features[:, 0]))]
    )
    speech = [Span(0, 20 * RATE), Span(21 * RATE, 30 * RATE)]
    found = WindowDiarizer(segment, Voices(), DiarizeOptions()).diarize([sound], speech)
    assert [one.speaker for one in found] == [0, 1, 0, 1]
    for one, (start, end) in zip(found, [(0, 6), (7, 13), (14, 20), (21, 30)], strict=True):
        assert abs(one.span.start - start * RATE) < 3 * FRAME
        assert abs(one.span.stop - end * RATE) < 3 * FRAME
        assert any(span.start <= one.span.start and one.span.stop <= span.stop for span in speech)


def test_a_side_has_a_second_speaker_only_if_another_voice_is_heard_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asr.diarize.local.fbank", _numbers)
    monkeypatch.setattr(
        "asr.diarize.local._embedded", lambda features, _: np.eye(4, dtype=np.float32)[int(np.median(features[:, 0]))]
    )
    diarizer = WindowDiarizer(segment, Voices(), DiarizeOptions())
    joined, once = call((0, 12, 1), (13, 25, 2)), call((0, 12, 1), (13, 16, 2), (17, 25, 1))
    for sound, shared, speakers in ((joined, False, {0, 1}), (once, False, {0}), (once, True, {0, 1})):
        found = diarizer.diarize([sound], [Span(0, len(sound))], shared=shared)
        assert {one.speaker for one in found} == speakers


def _numbers(samples: np.ndarray) -> np.ndarray:
    middles = np.arange(998) * 160 + 200
    return np.repeat(samples[middles].round()[:, None], 80, axis=1).astype(np.float32)
