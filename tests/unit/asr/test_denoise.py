"""Signal-to-noise ratios of made signals, and what all methods do."""

from __future__ import annotations

import math
import sys
from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from asr.denoise import METHODS, denoiser, is_noisy, snr_db
from asr.errors import ConfigError
from asr.options import DenoiseOptions
from asr.types import Span
from asr.vad import WINDOW, inside

SECOND = 16_000
BURSTS = (Span(SECOND, 2 * SECOND),)
NOISE = slice(2 * SECOND, 4 * SECOND)
GATE = DenoiseOptions(method="spectral-gate", max_snr_db=60.0)


def _call(noise: float) -> NDArray[np.float32]:
    """4 s of white noise of that standard deviation; from 1 s to 2 s a buzz of power 0.125 over it."""
    samples = noise * np.random.default_rng(4).standard_normal(4 * SECOND)
    at_s = np.arange(SECOND) / SECOND
    buzz = np.sum([np.sin(2 * np.pi * 120 * n * at_s + n * n) for n in range(1, 31)], axis=0)
    samples[SECOND : 2 * SECOND] += buzz * math.sqrt(0.125 / np.mean(buzz**2))
    return samples.astype(np.float32)


def _ratio_db(samples: NDArray[np.float32], bursts: tuple[Span, ...] = BURSTS) -> float:
    power = np.mean(np.square(samples.reshape(-1, WINDOW)), axis=1)
    spoken = inside(len(power), bursts)
    return snr_db(power, spoken, ~spoken)


@pytest.mark.parametrize("wanted_db", [-3.0, 0.0, 10.0, 30.0])
def test_the_ratio_is_that_of_the_powers_which_were_mixed(wanted_db: float) -> None:
    noise = math.sqrt(0.125 / 10 ** (wanted_db / 10))
    assert _ratio_db(_call(noise)) == pytest.approx(wanted_db, abs=0.3)


def test_the_ratio_has_a_value_where_speech_or_noise_is_missing() -> None:
    assert _ratio_db(_call(0.1), ()) == -math.inf
    assert _ratio_db(_call(0.0)) == math.inf
    assert _ratio_db(_call(0.1), (Span(0, 4 * SECOND),)) == math.inf
    nothing = np.zeros(0, bool)
    assert snr_db(np.zeros(0, np.float32), nothing, nothing) == -math.inf


def test_off_a_good_line_and_a_silent_channel_are_left_alone() -> None:
    assert is_noisy(10.0, GATE)
    assert not is_noisy(10.0, DenoiseOptions(method="off"))
    assert not is_noisy(10.0, DenoiseOptions(method="spectral-gate", max_snr_db=9.0))
    assert not is_noisy(-math.inf, GATE)
    assert not is_noisy(math.inf, GATE)


@pytest.mark.parametrize("method", ["spectral-gate", "spectral-gate-nonstationary"])
def test_without_its_package_a_gate_is_refused(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    monkeypatch.setitem(sys.modules, "noisereduce", None)
    with pytest.raises(ConfigError, match=f"{method}, and the package noisereduce is not installed"):
        denoiser(method)(_call(0.1), _call(0.1)[NOISE])


def test_every_method_of_the_options_is_known() -> None:
    assert {"off", *METHODS} == set(get_args(DenoiseOptions.model_fields["method"].annotation))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("method", "by_db"), [("spectral-gate", 10), ("spectral-gate-nonstationary", 10), ("wiener", 5)]
)
def test_noise_is_lowered_more_than_speech(method: str, by_db: float) -> None:
    noisy = _call(0.05)
    clean = denoiser(method)(noisy, noisy[NOISE])
    assert (clean.shape, clean.dtype) == (noisy.shape, np.float32)
    assert _ratio_db(clean) > _ratio_db(noisy) + 3
    assert np.mean(clean[NOISE] ** 2) < np.mean(noisy[NOISE] ** 2) / 10 ** (by_db / 10)
