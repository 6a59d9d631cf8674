"""Changing the sample rate on torch: the extra `torch`."""

from __future__ import annotations

from math import ceil, gcd

import numpy as np
import torch
import torchaudio

from asr.timebase import resampled_length
from asr.types import MODEL_RATE_HZ, Samples

_WIDTH, _ROLLOFF, _BETA = 64, 0.9475937167399596, 14.769656459379492
"""Zero crossings on each side, cut-off and Kaiser window that make of torchaudio's resampler librosa's "kaiser_best"
(Audio Resampling, torchaudio's tutorials)."""


class TorchResampler:
    """One channel to MODEL_RATE_HZ, block by block: see asr.resample.BlockResampler."""

    def __init__(self, from_rate_hz: int) -> None:
        self._from_rate_hz = from_rate_hz
        self._resample = torchaudio.transforms.Resample(
            from_rate_hz, MODEL_RATE_HZ, "sinc_interp_kaiser", _WIDTH, _ROLLOFF, _BETA
        )
        # Blocks begin where both rates have a sample, and are heard with what the filter reaches on both sides.
        self._step = from_rate_hz // gcd(from_rate_hz, MODEL_RATE_HZ)
        reach = _WIDTH * from_rate_hz / (min(from_rate_hz, MODEL_RATE_HZ) * _ROLLOFF)
        self._margin = self._step * (ceil(reach / self._step) + 1)
        self._before = 0
        self._held = np.zeros(0, np.float32)
        self._taken = self._given = 0

    def hear(self, samples: Samples) -> Samples:
        """See BlockResampler.hear."""
        self._taken += len(samples)
        if self._from_rate_hz == MODEL_RATE_HZ:
            return samples
        self._held = np.concatenate([self._held, samples])
        certain = (len(self._held) - self._before - self._margin) // self._step * self._step
        return self._give(certain) if certain > 0 else np.zeros(0, np.float32)

    def end(self) -> Samples:
        """See BlockResampler.end."""
        left = len(self._held) - self._before
        if not left:
            return np.zeros(0, np.float32)
        wanted = resampled_length(self._taken, self._from_rate_hz, MODEL_RATE_HZ) - self._given
        rest = self._give(left)[:wanted]
        return np.pad(rest, (0, wanted - len(rest)), mode="edge" if len(rest) else "constant")

    def _give(self, n: int) -> Samples:
        """The next n native samples at the other rate; what the filter will reach back for stays held."""
        resampled: Samples = self._resample(torch.from_numpy(self._held)).numpy()
        first = self._before * MODEL_RATE_HZ // self._from_rate_hz
        last = ceil((self._before + n) * MODEL_RATE_HZ / self._from_rate_hz)
        keep_from = max(0, self._before + n - self._margin)
        self._held, self._before = self._held[keep_from:], self._before + n - keep_from
        self._given += last - first
        return resampled[first:last]
