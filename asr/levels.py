"""How loud a channel is, counted block by block."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from asr.types import Samples

_STEPS = 8_192
"""Steps of magnitude up to full scale: finer than the least step of mu-law relative to a peak that matters."""

_HIGHEST = 2.0
"""What decoders of floating-point files may exceed full scale by; anything above counts as this much."""

_CLIP_PEAK = 0.05
"""-26 dBFS. Below it many samples at the peak are an idle line in few steps: one step of 8-bit PCM is 0.0078."""

_CLIP_MARGIN = 0.985
"""Samples above this share of the peak are taken to sit on it; one mu-law step at full scale is 3 %."""


class Levels:
    """Counts of one channel's samples by their magnitude: of those that may turn out to sit at the peak."""

    def __init__(self) -> None:
        self.n_samples = 0
        self.not_numbers = 0
        self.peak = 0.0
        self._counts: NDArray[np.int64] = np.zeros(int(_HIGHEST * _STEPS) + 1, np.int64)

    def add(self, samples: Samples) -> None:
        """Count a block in, (n,) float32."""
        magnitudes = np.abs(samples)
        self.n_samples += len(samples)
        highest = float(magnitudes.max(initial=0.0))
        if not np.isfinite(highest):
            magnitudes = magnitudes[np.isfinite(magnitudes)]
            self.not_numbers += len(samples) - len(magnitudes)
            highest = float(magnitudes.max(initial=0.0))
        self.peak = max(self.peak, highest)
        # What is lower than the peak so far by more than the margin is lower than the peak at last.
        near = magnitudes[magnitudes >= min(self.peak, _HIGHEST) * _CLIP_MARGIN * _CLIP_MARGIN]
        steps = (np.minimum(near, np.float32(_HIGHEST)) * np.float32(_STEPS)).astype(np.intp)
        self._counts += np.bincount(steps, minlength=len(self._counts))

    @property
    def peak_dbfs(self) -> float:
        """The largest magnitude relative to full scale, at least -120."""
        return 20 * float(np.log10(max(self.peak, 1e-6)))

    @property
    def clipped_share(self) -> float:
        """The share of samples that sit at the peak, in [0, 1]; the peak of a limited line is below full scale. None do
        on a line that is idle."""
        if self.peak < _CLIP_PEAK:
            return 0.0
        lowest = min(int(self.peak * _CLIP_MARGIN * _STEPS) + 1, len(self._counts) - 1)
        return float(self._counts[lowest:].sum()) / max(1, self.n_samples)
