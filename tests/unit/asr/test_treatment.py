"""A channel's treatment, from what the first pass measured of it."""

from __future__ import annotations

import numpy as np
import pytest

from asr.options import DenoiseOptions, LoudnessOptions
from asr.survey import ChannelSurvey
from asr.treatment import plan
from asr.types import Channel, Span
from asr.vad import WINDOW

BURSTS = (Span(0, 10 * WINDOW),)
NOISE = (0.01 * np.random.default_rng(1).standard_normal(20 * WINDOW)).astype(np.float32)
WIENER = DenoiseOptions(method="wiener", max_snr_db=12.0)


def _channel(snr_db: float) -> ChannelSurvey:
    """Ten windows of speech at -46 dBov and twenty of noise under it."""
    speech = 10**-4.6
    noise = speech / (1 + 10 ** (snr_db / 10))
    power = np.array([speech] * 10 + [noise] * 20, np.float32)
    return ChannelSurvey(0, Channel.AGENT, 30 * WINDOW, np.zeros(30, np.float32), power, 0.02, NOISE)


def test_the_level_is_that_inside_the_bursts_and_the_rule_decides_on_the_noise() -> None:
    noisy, good = (plan(_channel(snr), BURSTS, WIENER, LoudnessOptions()) for snr in (11.9, 12.1))
    assert noisy.gain == good.gain == pytest.approx(10.0)
    assert (noisy.method, good.method) == ("wiener", "off")
    assert noisy.snr_db == pytest.approx(11.9, abs=0.01)
    assert noisy.noise is NOISE


def test_noise_is_taken_out_and_the_gain_applied() -> None:
    treatment = plan(_channel(0.0), BURSTS, WIENER, LoudnessOptions())
    assert np.mean(treatment.apply(NOISE)[WINDOW:-WINDOW] ** 2) < 0.3 * np.mean((10 * NOISE) ** 2)


def test_a_channel_that_is_to_be_left_alone_is_not_copied() -> None:
    untouched = plan(_channel(30.0), BURSTS, WIENER, LoudnessOptions(max_gain_db=0.0))
    assert untouched.apply(NOISE) is NOISE
    assert plan(_channel(0.0), (), WIENER, LoudnessOptions()).apply(NOISE) is NOISE
