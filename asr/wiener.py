"""A Wiener filter that follows speech from frame to frame, so that what it leaves of noise does not sing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from asr.types import Samples
from asr.vad import WINDOW

_HOP = WINDOW // 2
"""Frames of 32 ms overlap by half; with the root of a Hann window on both sides they add up to what went in."""

_MEMORY = 0.98
"""Of the a priori ratio, the share that comes from the frame before (Ephraim and Malah 1984, alpha)."""

_LOWEST_RATIO = 10 ** (-25 / 10)
"""The a priori ratio is held above -25 dB, where noise that is left stays even (Cappe 1994)."""

_FLOOR = 10 ** (-6 / 20)
"""No more than 6 dB is taken out: what is left masks what the filter does to it. 15 dB cost words that 6 dB save
(docs/front-end.md)."""

_SILENCE = 1e-12
"""Power of a band, in squares of samples, under which there is nothing to take out."""


def wiener(samples: Samples, noise: Samples) -> Samples:
    """A chunk, (n_samples,) float32 at 16 kHz, less noise whose spectrum is that of `noise`, whole windows of it.

    Decision-directed: with the ratio of frame to noise g = |Y|^2 / N, the a priori ratio is
    x = a |G' Y'|^2 / N + (1 - a) max(g - 1, 0), the dashes being the frame before, and the gain G = x / (1 + x)
    (Ephraim and Malah, IEEE ASSP-32, 1984; Scalart and Filho, ICASSP 1996).
    """
    if not len(samples) or not len(noise):
        return samples
    window = np.sqrt(np.hanning(WINDOW + 1)[:WINDOW]).astype(np.float32)
    padded = np.pad(samples, (_HOP, _HOP + -len(samples) % _HOP))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::_HOP] * window
    spectra = np.fft.rfft(frames).astype(np.complex64)
    cleaned = np.fft.irfft(spectra * _gains(_power(spectra), _spectrum(noise, window))) * window
    laid = np.zeros(len(padded), np.float32)
    for offset in (0, 1):
        every_other = cleaned[offset::2].reshape(-1)
        laid[offset * _HOP : offset * _HOP + len(every_other)] += every_other
    return laid[_HOP : _HOP + len(samples)]


def _gains(power: NDArray[np.float32], noise: NDArray[np.float32]) -> NDArray[np.float32]:
    """The gain of each band of each frame, (n_frames, n_bands)."""
    ratios = power / noise
    directed = (1 - _MEMORY) * np.maximum(ratios - 1, 0)
    gains = np.empty_like(ratios)
    before = np.ones_like(noise)
    for at, ratio in enumerate(ratios):
        a_priori = np.maximum(_MEMORY * before + directed[at], _LOWEST_RATIO)
        gains[at] = a_priori / (1 + a_priori)
        before = gains[at] ** 2 * ratio
    return np.maximum(gains, _FLOOR)


def _spectrum(noise: Samples, window: Samples) -> NDArray[np.float32]:
    """Mean power of the noise in each band; its windows do not follow each other."""
    windows = noise[: len(noise) // WINDOW * WINDOW].reshape(-1, WINDOW)
    mean: NDArray[np.float32] = _power(np.fft.rfft(windows * window).astype(np.complex64)).mean(axis=0)
    return np.maximum(mean, np.float32(_SILENCE))


def _power(spectra: NDArray[np.complex64]) -> NDArray[np.float32]:
    return np.square(spectra.real) + np.square(spectra.imag)
