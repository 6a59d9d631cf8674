"""The log-mel spectrogram that Whisper hears."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from asr.types import MODEL_RATE_HZ, Samples

N_FFT = 400
"""Samples in one analysis window: 25 ms."""

HOP = 160
"""Samples between two frames: 10 ms."""

N_FRAMES = 3_000
"""Frames in one encoder window: 30 s."""


@cache
def mel_filters(n_mels: int) -> NDArray[np.float32]:
    """Slaney's mel filter bank, (n_mels, N_FFT // 2 + 1) float32, area-normalised, 0 to 8 kHz.

    Linear below 1 kHz, logarithmic above (Slaney, Auditory Toolbox, 1998): what librosa gives by default and
    Whisper was trained on.
    """
    per_mel_hz, break_hz = 200.0 / 3, 1_000.0
    break_mel, log_step = break_hz / per_mel_hz, np.log(6.4) / 27.0
    top_mel = break_mel + np.log(MODEL_RATE_HZ / 2 / break_hz) / log_step
    mels = np.linspace(0.0, top_mel, n_mels + 2)
    edges_hz = np.where(mels < break_mel, mels * per_mel_hz, break_hz * np.exp(log_step * (mels - break_mel)))
    bins_hz = np.fft.rfftfreq(N_FFT, 1 / MODEL_RATE_HZ)
    rising = (bins_hz - edges_hz[:-2, None]) / np.diff(edges_hz)[:-1, None]
    falling = (edges_hz[2:, None] - bins_hz) / np.diff(edges_hz)[1:, None]
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    filters: NDArray[np.float32] = (triangles * (2.0 / (edges_hz[2:] - edges_hz[:-2]))[:, None]).astype(np.float32)
    return filters


def log_mel(samples: Samples, n_mels: int = 80) -> NDArray[np.float32]:
    """Whisper's input for at most 30 s at 16 kHz: (n_mels, N_FRAMES) float32, as if zeros followed.

    Takes (n_samples,) float32. Same values as openai/whisper's log_mel_spectrogram on audio padded with zeros
    to 30 s, but frames of pure padding are filled in, not computed.
    """
    n_real = min(N_FRAMES, -(-(len(samples) + N_FFT // 2) // HOP))
    padded = np.zeros((n_real - 1) * HOP + N_FFT, np.float32)
    # A reflection needs one sample more than it makes; what is shorter is followed by zeros, as all is.
    followed = np.pad(samples, (0, max(0, N_FFT // 2 + 1 - len(samples))))
    reflected = np.pad(followed, (N_FFT // 2, 0), mode="reflect")
    usable = min(len(padded), len(reflected))
    padded[:usable] = reflected[:usable]
    frames = np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::HOP]
    window = np.hanning(N_FFT + 1)[:-1].astype(np.float32)
    spectrum = np.fft.rfft(frames * window, axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    log_power = np.log10(np.maximum(mel_filters(n_mels) @ power.T, 1e-10))
    floor = log_power.max() - 8.0
    features = np.full((n_mels, N_FRAMES), max(floor, -10.0), np.float32)
    features[:, :n_real] = np.maximum(log_power, floor)
    return (features + 4.0) / 4.0
