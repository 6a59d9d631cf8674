"""Noise reduction for channels that need it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from asr.errors import ConfigError
from asr.options import DenoiseOptions
from asr.types import MODEL_RATE_HZ, Samples, Span


def snr_db(samples: Samples, bursts: Sequence[Span]) -> float:
    """Signal-to-noise ratio of a channel in dB: the power inside the bursts of speech over that outside.

    `samples` is (n_samples,) float32. Noise is in the speech too, so its power is taken off first. Infinite if
    nothing lies outside, or if the outside is digital silence; -inf if there is no speech.
    """
    inside = _inside(samples, bursts)
    if not inside.any():
        return float("-inf")
    noise = float(np.mean(np.square(samples[~inside]))) if not inside.all() else 0.0
    speech = max(float(np.mean(np.square(samples[inside]))) - noise, 1e-12)
    return float("inf") if noise == 0.0 else 10 * float(np.log10(speech / noise))


def denoise(samples: Samples, bursts: Sequence[Span], options: DenoiseOptions) -> Samples:
    """The channel, (n_samples,) float32 at 16 kHz, cleaned if the options say so and its SNR is poor.

    The noise is learned from what lies outside the bursts. A channel without speech is given back as it is.

    Raises ConfigError if the method is asked for and its package is not installed.
    """
    if options.method == "off" or not bursts or snr_db(samples, bursts) > options.max_snr_db:
        return samples
    try:
        import noisereduce
    except ImportError as error:
        raise ConfigError(
            "denoise.method is spectral-gate, and the package noisereduce is not installed",
            "Install it: .venv/bin/pip install -e '.[denoise]'",
        ) from error
    noise = samples[~_inside(samples, bursts)]
    cleaned: Samples = noisereduce.reduce_noise(y=samples, sr=MODEL_RATE_HZ, y_noise=noise, stationary=True)
    return cleaned.astype(np.float32, copy=False)


def _inside(samples: Samples, bursts: Sequence[Span]) -> NDArray[np.bool_]:
    inside = np.zeros(len(samples), bool)
    for burst in bursts:
        inside[burst.start : burst.stop] = True
    return inside
