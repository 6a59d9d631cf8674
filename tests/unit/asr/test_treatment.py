"""A channel's treatment, from what the first pass measured of it."""

from __future__ import annotations

import numpy as np
import pytest

from asr.options import DenoiseOptions, LoudnessOptions
from asr.treatment import plan
from asr.vad import WINDOW
from tests.unit.asr.test_listener import NOISE, heard

WIENER = DenoiseOptions(method="wiener", max_snr_db=12.0)


def test_the_level_is_that_of_speech_and_the_rule_decides_on_the_noise() -> None:
    noisy, good = (plan(heard(snr), WIENER, LoudnessOptions()) for snr in (11.9, 12.1))
    assert noisy.gain == good.gain == pytest.approx(10.0)
    assert (noisy.method, good.method) == ("wiener", "off")
    assert noisy.snr_db == pytest.approx(11.9, abs=0.01)
    assert len(noisy.noise) > WINDOW


def test_noise_is_taken_out_and_the_gain_applied() -> None:
    samples = NOISE.reshape(-1)
    treatment = plan(heard(0.0), WIENER, LoudnessOptions())
    assert np.mean(treatment.apply(samples)[WINDOW:-WINDOW] ** 2) < 0.3 * np.mean((10 * samples) ** 2)


def test_a_channel_that_is_to_be_left_alone_is_not_copied() -> None:
    samples = NOISE.reshape(-1)
    untouched = plan(heard(30.0), WIENER, LoudnessOptions(max_gain_db=0.0))
    assert untouched.apply(samples) is samples
    assert plan(heard(0.0, n_spoken=0), WIENER, LoudnessOptions()).apply(samples) is samples
