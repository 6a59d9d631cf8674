"""Noise reduction for channels that need it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from asr.errors import ConfigError
from asr.options import DenoiseOptions
from asr.types import MODEL_RATE_HZ, Samples, Span
from asr.vad import WINDOW


def snr_db(power: NDArray[np.float32], bursts: Sequence[Span]) -> float:
    """Signal-to-noise ratio of a channel in dB: the power inside the bursts of speech over that outside.

    `power` is the mean square of each of the detector's windows, (n_windows,). Noise is in the speech too, so its
    power is taken off first. Infinite if nothing lies outside, or if the outside is digital silence; -inf if there
    is no speech.
    """
    inside = _inside(len(power), bursts)
    if not inside.any():
        return float("-inf")
    noise = float(np.mean(power[~inside])) if not inside.all() else 0.0
    speech = max(float(np.mean(power[inside])) - noise, 1e-12)
    return float("inf") if noise == 0.0 else 10 * float(np.log10(speech / noise))


def denoise(samples: Samples, noise: Samples) -> Samples:
    """A chunk, (n_samples,) float32 at 16 kHz, less the noise that is learned from `noise`, of the same channel.

    Raises ConfigError if the package that does it is not installed.
    """
    try:
        import noisereduce
    except ImportError as error:
        raise ConfigError(
            "denoise.method is spectral-gate, and the package noisereduce is not installed",
            "Install it: .venv/bin/pip install -e '.[denoise]'",
        ) from error
    cleaned: Samples = noisereduce.reduce_noise(y=samples, sr=MODEL_RATE_HZ, y_noise=noise, stationary=True)
    return cleaned.astype(np.float32, copy=False)


def is_noisy(ratio_db: float, options: DenoiseOptions) -> bool:
    """Whether a channel with this signal-to-noise ratio is to be cleaned: not if nobody speaks in it."""
    return options.method != "off" and float("-inf") < ratio_db <= options.max_snr_db


def _inside(n_windows: int, bursts: Sequence[Span]) -> NDArray[np.bool_]:
    inside = np.zeros(n_windows, bool)
    for burst in bursts:
        inside[burst.start // WINDOW : -(-burst.stop // WINDOW)] = True
    return inside
