"""Noise reduction for channels that need it: which they are, and the methods behind one protocol."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from asr.errors import ConfigError
from asr.options import DenoiseOptions
from asr.types import MODEL_RATE_HZ, Samples


class Denoiser(Protocol):
    """Anything that takes noise out of a chunk."""

    def __call__(self, samples: Samples, noise: Samples) -> Samples:
        """The chunk, (n_samples,) float32 at 16 kHz, less the noise that is learned from `noise`, of the same channel:
        windows of asr.vad.WINDOW samples in which nobody speaks, which need not have followed each other."""
        ...


METHODS = {
    "spectral-gate": "asr.denoise:spectral_gate",
    "spectral-gate-nonstationary": "asr.denoise:moving_spectral_gate",
    "wiener": "asr.wiener:wiener",
}
"""Name to "module:function"."""


def denoiser(method: str) -> Denoiser:
    """The method of that name, imported when it is asked for."""
    module, _, name = METHODS[method].partition(":")
    found: Denoiser = getattr(import_module(module), name)
    return found


def snr_db(power: NDArray[np.float32], spoken: NDArray[np.bool_], quiet: NDArray[np.bool_]) -> float:
    """Signal-to-noise ratio of a channel in dB: the mean power of what is spoken over the median of what is noise.

    `power` is the mean square of each of the detector's windows, (n_windows,); `spoken` and `quiet` tell which of them
    are speech and which the line's noise. Noise is in the speech too: its power is taken off first. Infinite if there
    is no noise, or if it is digital silence; -inf if there is no speech.
    """
    if not spoken.any():
        return float("-inf")
    noise = float(np.median(power[quiet])) if quiet.any() else 0.0
    speech = max(float(np.mean(power[spoken])) - noise, 1e-12)
    return float("inf") if noise == 0.0 else 10 * float(np.log10(speech / noise))


def is_noisy(ratio_db: float, options: DenoiseOptions) -> bool:
    """Whether a channel with this signal-to-noise ratio is to be cleaned: not if nobody speaks in it."""
    return options.method != "off" and float("-inf") < ratio_db <= options.max_snr_db


def spectral_gate(samples: Samples, noise: Samples) -> Samples:
    """See Denoiser: a gate for each band, at a threshold over the band's mean in the noise (noisereduce, stationary).

    Raises ConfigError if the package that does it is not installed.
    """
    cleaned: Samples = _noisereduce("spectral-gate").reduce_noise(
        y=samples, sr=MODEL_RATE_HZ, y_noise=noise, stationary=True
    )
    return cleaned.astype(np.float32, copy=False)


def moving_spectral_gate(samples: Samples, noise: Samples) -> Samples:  # noqa: ARG001
    """See Denoiser: a gate whose threshold follows the chunk itself over 2 s, and learns nothing from the sample of
    noise (noisereduce, non-stationary).

    Raises ConfigError if the package that does it is not installed.
    """
    cleaned: Samples = _noisereduce("spectral-gate-nonstationary").reduce_noise(
        y=samples, sr=MODEL_RATE_HZ, stationary=False
    )
    return cleaned.astype(np.float32, copy=False)


def _noisereduce(method: str) -> Any:
    try:
        return import_module("noisereduce")
    except ImportError as error:
        raise ConfigError(
            f"denoise.method is {method}, and the package noisereduce is not installed",
            "Install it: .venv/bin/pip install -e '.[denoise]', or set denoise.method to wiener",
        ) from error
