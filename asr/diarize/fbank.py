"""Kaldi's log mel filter bank, as CAM++ was trained with: 80 bands, windows of 25 ms every 10 ms."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from asr.types import MODEL_RATE_HZ, Samples

FRAME_STEP = 160
"""Samples from one frame to the next: 10 ms."""
FRAME_WINDOW = 400
"""Samples of a frame: 25 ms."""
N_MELS = 80
_FFT = 512
_LOW_HZ = 20.0
_PREEMPHASIS = np.float32(0.97)
_FLOOR = np.finfo(np.float32).eps
_BLOCK = 1_000


def fbank(samples: Samples) -> NDArray[np.float32]:
    """Log energies of the bands, (n_frames, 80) float32, of samples (n,) in [-1, 1] at 16 kHz.

    Kaldi's compute-fbank-feats without dither: offset removed, preemphasis of 0.97, Povey's window, power, edges
    snipped: a frame has all of its samples. No frame if there are fewer than 400 samples.
    """
    n_frames = max(0, 1 + (len(samples) - FRAME_WINDOW) // FRAME_STEP)
    found = np.empty((n_frames, N_MELS), np.float32)
    if not n_frames:
        return found
    frames = np.lib.stride_tricks.sliding_window_view(samples, FRAME_WINDOW)[::FRAME_STEP]
    for at in range(0, n_frames, _BLOCK):
        found[at : at + _BLOCK] = _energies(frames[at : min(at + _BLOCK, n_frames)])
    return found


def _energies(frames: Samples) -> NDArray[np.float32]:
    centred = frames - frames.mean(axis=1, keepdims=True)
    before = np.concatenate([centred[:, :1], centred[:, :-1]], axis=1)
    spectrum = np.fft.rfft((centred - _PREEMPHASIS * before) * _window(), _FFT)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    return np.asarray(np.log(np.maximum(power[:, :-1] @ _bands(), _FLOOR)), np.float32)


@cache
def _window() -> Samples:
    """Povey's window: a Hann window to the power of 0.85."""
    return np.asarray(np.hanning(FRAME_WINDOW) ** 0.85, np.float32)


@cache
def _bands() -> NDArray[np.float32]:
    """Triangles on Kaldi's mel scale, 1127 ln(1 + f / 700), from 20 Hz to half of the rate: (256, 80)."""
    low, high = (_mel(hz) for hz in (_LOW_HZ, MODEL_RATE_HZ / 2))
    edges = low + (high - low) / (N_MELS + 1) * np.arange(N_MELS + 2)
    bins = _mel(np.arange(_FFT // 2) * MODEL_RATE_HZ / _FFT)[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)


def _mel(hz: float | NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1127.0 * np.log1p(np.asarray(hz) / 700.0))
