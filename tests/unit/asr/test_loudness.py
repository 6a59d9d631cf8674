"""Active speech levels of made signals, and the gain that follows from one."""

from __future__ import annotations

import math

import numpy as np
import pytest

from asr.loudness import active_level_dbov, gain_for_listening, gain_to_target
from asr.options import LoudnessOptions

RULE = LoudnessOptions()


def _power(*levels_dbov: float) -> np.ndarray:
    return np.array([10 ** (level / 10) for level in levels_dbov], np.float32)


def test_the_level_is_that_of_speech_whether_or_not_there_are_pauses() -> None:
    assert active_level_dbov(_power(-26.0)) == pytest.approx(-26.0, abs=1e-4)
    assert active_level_dbov(_power(*[-26.0] * 10, *[-60.0] * 100)) == pytest.approx(-26.0, abs=1e-4)
    # Two levels 10 dB apart are both speech: the mean of 1 and 0.1.
    assert active_level_dbov(_power(-20.0, -30.0)) == pytest.approx(-20 + 10 * math.log10(0.55), abs=1e-4)


def test_what_lies_over_15_9_db_under_the_level_is_no_speech() -> None:
    near, far = _power(-20.0, -20.0 - 15.8), _power(-20.0, -20.0 - 22.0)
    assert active_level_dbov(far) == pytest.approx(-20.0, abs=1e-4)
    # The mean of the two is 2.9 dB under the louder one: the fainter lies within 15.9 dB of that.
    assert active_level_dbov(near) == pytest.approx(-20 + 10 * math.log10((1 + 10**-1.58) / 2), abs=1e-4)


def test_silence_and_nothing_have_no_level() -> None:
    assert active_level_dbov(np.zeros(0, np.float32)) == -math.inf
    assert active_level_dbov(np.zeros(9, np.float32)) == -math.inf
    assert gain_to_target(-math.inf, 0.5, RULE) == 1.0
    assert gain_for_listening(np.zeros(9, np.float32), np.zeros(9, bool), 0.0, RULE) == 1.0


def test_the_gain_brings_speech_to_the_target_within_its_bounds() -> None:
    assert gain_to_target(-46.0, 0.01, RULE) == pytest.approx(10.0)
    assert gain_to_target(-69.0, 1e-5, RULE) == pytest.approx(100.0)
    assert gain_to_target(-46.0, 0.01, LoudnessOptions(max_gain_db=6.0)) == pytest.approx(10**0.3)
    assert gain_to_target(-46.0, 1.2, LoudnessOptions(max_gain_db=0.0)) == 1.0


def test_a_click_limits_the_gain_and_a_float_file_over_full_scale_is_made_to_fit() -> None:
    assert gain_to_target(-46.0, 0.5, RULE) == pytest.approx(2.0, rel=0.01)
    assert gain_to_target(-46.0, 0.9995, RULE) == 1.0
    assert gain_to_target(64.0, 32_768.0, RULE) == 1 / 32_768


def test_speech_that_is_loud_enough_is_left_to_the_last_bit() -> None:
    """A gain is no gift: Whisper hears other words in the same speech a little louder."""
    assert gain_to_target(-40.0, 0.1, RULE) == 1.0
    assert gain_to_target(-13.0, 1.2, RULE) == 1.0
    assert gain_to_target(-40.1, 0.1, RULE) > 5.0


def test_only_a_faint_channel_is_listened_to_again() -> None:
    unheard = np.zeros(1, bool)
    assert gain_for_listening(_power(-39.0), unheard, 0.1, RULE) == 1.0
    assert gain_for_listening(_power(-46.0), unheard, 0.01, RULE) == pytest.approx(10.0)


def test_where_speech_was_heard_its_level_decides_and_not_that_of_long_pauses() -> None:
    power = _power(*[-26.0] * 40, *[-60.0] * 4_000)
    heard = np.arange(4_040) < 40
    assert gain_for_listening(power, heard, 0.2, RULE) == 1.0
    assert gain_for_listening(power, np.zeros(4_040, bool), 0.2, RULE) > 1.0
