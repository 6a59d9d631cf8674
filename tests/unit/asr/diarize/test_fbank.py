from __future__ import annotations

import numpy as np
import pytest

from asr.diarize.fbank import fbank


def tone(hz: float, n_samples: int = 16_000) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hz * np.arange(n_samples) / 16_000)).astype(np.float32)


@pytest.mark.parametrize(("n_samples", "frames"), [(0, 0), (399, 0), (400, 1), (559, 1), (560, 2), (16_000, 98)])
def test_a_frame_has_all_of_its_samples(n_samples: int, frames: int) -> None:
    assert fbank(np.zeros(n_samples, np.float32)).shape == (frames, 80)


def test_a_tone_is_in_its_band() -> None:
    mel = 1127 * np.log1p(np.array([20.0, 8_000.0]) / 700)
    centres = 700 * np.expm1((mel[0] + (mel[1] - mel[0]) / 81 * np.arange(1, 81)) / 1127)
    for hz in (300, 1_000, 3_000):
        loudest = int(fbank(tone(hz)).mean(axis=0).argmax())
        assert abs(centres[loudest] - hz) < 0.05 * hz


def test_twice_as_loud_is_ln_4_more_and_an_offset_is_nothing() -> None:
    sound = tone(440) + 0.1 * np.random.default_rng(0).standard_normal(16_000).astype(np.float32)
    assert np.allclose((fbank(2 * sound) - fbank(sound))[:, 10:], np.log(4), atol=1e-2)
    assert np.allclose(fbank(sound + np.float32(0.1))[:, 10:], fbank(sound)[:, 10:], atol=2e-2)


def test_it_is_kaldis_as_torchaudio_computes_it() -> None:
    """torchaudio 2.11, compliance.kaldi.fbank(sound, num_mel_bins=80, sample_frequency=16000, dither=0)."""
    at = np.arange(800)
    sound = (0.5 * np.sin(at * at / 3_000)).astype(np.float32)
    found = fbank(sound)
    assert found.shape == (3, 80)
    assert np.allclose(found[[0, 1, 2], [5, 20, 60]], REFERENCE, atol=1e-3)


REFERENCE = (-0.4171, 3.7586, -15.9424)
