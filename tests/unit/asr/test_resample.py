"""Resampling keeps time, pitch and phase."""

from __future__ import annotations

import numpy as np
import pytest

from asr.resample import Resampler, resample
from asr.timebase import resampled_length


@pytest.mark.parametrize("from_hz", [4_000, 8_000, 11_025, 12_345, 22_050, 32_000, 44_100, 48_000])
def test_a_tone_keeps_frequency_phase_and_level(from_hz: int) -> None:
    """The resampled tone is the tone as it would have been sampled at 16 kHz: a shift by a sample would show."""
    at_s = np.arange(2 * from_hz) / from_hz
    tone = 0.5 * np.sin(2 * np.pi * 440 * at_s + 0.7)
    resampled = resample(tone.astype(np.float32), from_hz)
    wanted = 0.5 * np.sin(2 * np.pi * 440 * np.arange(32_000) / 16_000 + 0.7)
    assert len(resampled) == 32_000
    assert np.abs(resampled - wanted)[800:-800].max() < 1e-3


@pytest.mark.parametrize("n_samples", [0, 1, 2, 7])
@pytest.mark.parametrize("from_hz", [4_000, 8_000, 44_100, 48_000])
def test_next_to_nothing_is_resampled_too(n_samples: int, from_hz: int) -> None:
    resampled = resample(np.full(n_samples, 0.5, np.float32), from_hz)
    assert resampled.shape == (resampled_length(n_samples, from_hz, 16_000),)
    assert resampled.dtype == np.float32


def test_the_same_rate_is_left_as_it_is() -> None:
    samples = np.linspace(-1, 1, 100, dtype=np.float32)
    assert resample(samples, 16_000) is samples


def test_what_lies_above_the_new_rate_is_filtered_and_not_folded_back() -> None:
    tone = np.sin(2 * np.pi * 12_000 * np.arange(48_000) / 48_000).astype(np.float32)
    assert np.abs(resample(tone, 48_000)[800:-800]).max() < 1e-3


@pytest.mark.parametrize("from_hz", [4_000, 8_000, 11_025, 16_000, 44_100, 48_000])
@pytest.mark.parametrize("n_samples", [0, 1, 7, 3_333, 50_000])
def test_block_by_block_gives_what_the_whole_gives(from_hz: int, n_samples: int) -> None:
    samples = np.random.default_rng(from_hz).standard_normal(n_samples).astype(np.float32)
    resampler = Resampler(from_hz)
    blocks = [resampler.hear(samples[at : at + 1_001]) for at in range(0, n_samples, 1_001)]
    assert np.array_equal(np.concatenate([*blocks, resampler.end()]), resample(samples, from_hz))
