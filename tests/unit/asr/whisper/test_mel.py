"""The log-mel spectrogram against the one that faster-whisper computes."""

from __future__ import annotations

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor

from asr.whisper.mel import N_FRAMES, log_mel, mel_filters

THIRTY_S = 480_000


@pytest.mark.parametrize("n_mels", [80, 128])
def test_filters_are_those_of_the_reference(n_mels: int) -> None:
    reference = FeatureExtractor(feature_size=n_mels).mel_filters
    assert mel_filters(n_mels).shape == reference.shape
    assert np.abs(mel_filters(n_mels) - reference).max() < 1e-7


@pytest.mark.parametrize("n_mels", [80, 128])
@pytest.mark.parametrize("n_samples", [0, 1, 150, 200, 201, 399, 400, 16_000, 16_001, 123_457, 479_900, THIRTY_S])
def test_features_are_those_of_the_reference_on_padded_audio(n_samples: int, n_mels: int) -> None:
    rng = np.random.default_rng(n_samples)
    loudness = np.interp(np.arange(n_samples), [0, 1e5, 2e5, 5e5], [0.3, 0.01, 0.5, 0.001])
    samples = (rng.standard_normal(n_samples) * loudness).astype(np.float32)
    padded = np.zeros(THIRTY_S, np.float32)
    padded[:n_samples] = samples
    reference = FeatureExtractor(feature_size=n_mels)(padded)[:, :N_FRAMES]
    found = log_mel(samples, n_mels)
    assert found.shape == (n_mels, N_FRAMES)
    assert found.dtype == np.float32
    assert np.abs(found - reference).max() < 1e-4


def test_more_than_the_window_holds_is_left_out() -> None:
    samples = np.random.default_rng(3).standard_normal(THIRTY_S + 5_000).astype(np.float32)
    assert np.abs(log_mel(samples) - log_mel(samples[: THIRTY_S + 200])).max() == 0
