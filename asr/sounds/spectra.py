"""A channel at 8 kHz as power spectra, frame by frame: what tones and music are told by."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from asr.types import Samples

RATE_HZ = 8_000
"""Everything that a telephone line carries is in the 4 kHz below half of this (ITU-T G.711)."""

FRAME = 1_024
"""Samples in a frame, 128 ms: 7.8 Hz a bin, so that 440 and 480 Hz are two peaks."""

HOP = 512
"""Samples from one frame to the next, 64 ms: a quarter of a second, the shortest part of a cadence, has three."""

BIN_HZ = RATE_HZ / FRAME

_SILENT = 10.0 ** (-50 / 10)
"""Mean square of a frame, -50 dBFS, below which nothing is looked for: an idle line is under it."""

_WINDOW: NDArray[np.float32] = np.hanning(FRAME + 1)[:FRAME].astype(np.float32)


class Framer:
    """Cuts samples that come block by block into frames, and turns the audible ones into spectra."""

    def __init__(self) -> None:
        self._left: Samples = np.zeros(0, np.float32)

    def hear(self, samples: Samples) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Of each frame that is complete by now, after (n,) float32 at RATE_HZ more: its mean square (n_frames,), zero
        if it is silent, and its power spectrum (n_audible, FRAME // 2 + 1) if it is not."""
        heard = np.concatenate([self._left, samples])
        n_frames = max(0, (len(heard) - FRAME) // HOP + 1)
        self._left = heard[n_frames * HOP :].copy()
        if not n_frames:
            return np.zeros(0, np.float32), np.zeros((0, FRAME // 2 + 1), np.float32)
        halves = np.square(heard[: (n_frames + 1) * HOP]).reshape(-1, HOP).mean(axis=1)
        power = (halves[:-1] + halves[1:]) / 2
        power[power < _SILENT] = 0.0
        frames = np.lib.stride_tricks.sliding_window_view(heard, FRAME)[::HOP][:n_frames][power > 0.0]
        spectra = np.fft.rfft(frames * _WINDOW, axis=1)
        return power, np.square(spectra.real) + np.square(spectra.imag)

    def end(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """That of the last frame, filled up with zeros."""
        missing = -(len(self._left) - FRAME) % HOP if len(self._left) > FRAME else FRAME - len(self._left)
        return self.hear(np.zeros(missing, np.float32))
