from __future__ import annotations

import numpy as np
import pytest

from asr.bleeping import TONE_HZ, Bleeper
from asr.types import Samples, Span

RATE_HZ = 8_000
SPAN = Span(2_000, 6_000)


def loud(n: int = 8_000) -> Samples:
    return np.full((2, n), 0.5, np.float32)


def test_the_tone_is_a_kilohertz_at_26_db_below_overload_and_fades() -> None:
    copy = Bleeper([[SPAN], []], RATE_HZ, "beep").hear(loud())
    tone = copy[0, SPAN.start : SPAN.stop]
    spectrum = np.abs(np.fft.rfft(tone))
    assert np.argmax(spectrum) * RATE_HZ / len(tone) == TONE_HZ
    assert 10 * np.log10(np.mean(tone[100:-100] ** 2)) == pytest.approx(-26.0, abs=0.1)
    assert (tone[0], tone[-1]) == (0.0, 0.0)
    assert np.abs(tone[:8]).max() < np.abs(tone).max() / 4
    assert np.array_equal(copy[1], loud()[1])


def test_a_muted_channel_is_silent_from_end_to_end() -> None:
    bleeper = Bleeper([[], []], RATE_HZ, "beep", muted=[1])
    copy = np.concatenate([bleeper.hear(loud(100)), bleeper.hear(loud(100))], axis=1)
    assert not copy[1].any()
    assert copy[0].all()
    assert Bleeper([[], []], RATE_HZ, "beep", muted=[1]).left(loud(100), 1e-2) == 1


@pytest.mark.parametrize("cover", ["beep", "silence"])
def test_a_copy_in_which_a_tenth_of_a_second_was_put_back_shows(cover: str) -> None:
    rng = np.random.default_rng(1)
    said = rng.normal(0.0, 0.05, (2, 8_000)).astype(np.float32)
    copy = Bleeper([[SPAN], []], RATE_HZ, cover).hear(said)  # type: ignore[arg-type]
    assert Bleeper([[SPAN], []], RATE_HZ, cover).left(copy, 1e-2) == 0  # type: ignore[arg-type]
    copy[0, 3_000:3_800] = said[0, 3_000:3_800]
    assert Bleeper([[SPAN], []], RATE_HZ, cover).left(copy, 1e-2) == 1  # type: ignore[arg-type]
