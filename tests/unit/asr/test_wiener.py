"""The Wiener filter on made signals."""

from __future__ import annotations

import numpy as np
import pytest

from asr.types import Samples
from asr.vad import WINDOW
from asr.wiener import wiener

SECOND = 16_000


def _noise(seconds: float, level: float, seed: int = 1) -> Samples:
    return (level * np.random.default_rng(seed).standard_normal(int(seconds * SECOND))).astype(np.float32)


def _buzz(seconds: float) -> Samples:
    at_s = np.arange(int(seconds * SECOND)) / SECOND
    buzz = np.sum([np.sin(2 * np.pi * 120 * n * at_s + n * n) for n in range(1, 31)], axis=0)
    return (0.3 * buzz / np.sqrt(np.mean(buzz**2))).astype(np.float32)


def _db(power: float) -> float:
    return 10 * float(np.log10(power))


def test_without_noise_speech_is_what_it_was() -> None:
    speech = _buzz(1.0)
    clean = wiener(speech, np.zeros(8 * WINDOW, np.float32))
    assert (clean.shape, clean.dtype) == (speech.shape, np.float32)
    assert np.abs(clean - speech).max() < 1e-4
    assert wiener(speech, np.zeros(0, np.float32)) is speech


@pytest.mark.parametrize("n_samples", [0, 1, WINDOW - 1, WINDOW, WINDOW + 1, 7_777])
def test_a_chunk_of_any_length_keeps_it(n_samples: int) -> None:
    assert wiener(_noise(1.0, 0.1)[:n_samples], _noise(1.0, 0.1)).shape == (n_samples,)


def test_speech_comes_closer_to_what_it_was_before_the_noise() -> None:
    speech, noise = _buzz(2.0), _noise(2.0, 0.1, seed=2)
    clean = wiener(speech + noise, _noise(2.0, 0.1, seed=3))
    before, after = np.mean(noise**2), np.mean((clean - speech) ** 2)
    assert _db(float(after)) < _db(float(before)) - 2


def test_noise_alone_is_lowered_to_the_floor_and_does_not_sing() -> None:
    noise = _noise(4.0, 0.1, seed=4)
    clean = wiener(noise, _noise(4.0, 0.1, seed=5))[SECOND:]
    assert _db(float(np.mean(clean**2) / np.mean(noise**2))) == pytest.approx(-6, abs=0.5)
    # Musical noise is single bands that flare up: their spread over time would exceed that of the noise itself.
    spectra = [np.abs(np.fft.rfft(x[: len(x) // WINDOW * WINDOW].reshape(-1, WINDOW))) for x in (noise, clean)]
    spread = [float(np.mean(spectrum.std(axis=0) / spectrum.mean(axis=0))) for spectrum in spectra]
    assert spread[1] < 1.2 * spread[0]


def test_louder_noise_and_speech_are_treated_alike() -> None:
    heard, noise = _buzz(1.0) + _noise(1.0, 0.1), _noise(1.0, 0.1, seed=6)
    assert np.allclose(wiener(4 * heard, 4 * noise), 4 * wiener(heard, noise), atol=1e-5)
