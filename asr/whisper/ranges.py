"""How far a tensor's values reach: what int8 holds of activations, from the values that were seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Method = Literal["minmax", "entropy", "percentile"]

_BINS = 2_048
"""TensorRT's entropy calibrator counts in 2,048 bins too (Migacz, 8-bit Inference with TensorRT, GTC 2017)."""

_STEPS = 128
"""Magnitudes that int8 tells apart."""

_PERCENTILE = 99.99
"""TensorRT's pytorch-quantization offers 99.9, 99.99 and 99.999; at the lowest Whisper's texts run on."""

_EVERY = 4
"""Every so many bins a threshold is tried: 480 of them say as much as 1,920."""


_NEXT_TO_NOTHING = 1e-9
"""The chance of a bin in which nothing lies of what was kept: the divergence from it is large, not infinite."""


@dataclass(frozen=True, slots=True)
class Range:
    """The lowest and the highest value that is kept; those beyond are held to it."""

    low: float
    high: float


class Histogram:
    """Magnitudes of a tensor's values, counted window by window. The bins grow as larger values come."""

    def __init__(self) -> None:
        self.lowest = self.highest = 0.0
        self.width = 0.0
        self.counts: NDArray[np.int64] = np.zeros(_BINS, np.int64)

    def add(self, values: NDArray[np.float32]) -> None:
        """Count values in, of any shape."""
        self.lowest = min(self.lowest, float(values.min()))
        self.highest = max(self.highest, float(values.max()))
        magnitudes = np.abs(values).ravel()
        self._reach(float(magnitudes.max()))
        if self.width:
            bins = np.minimum((magnitudes / self.width).astype(np.int64), _BINS - 1)
            self.counts += np.bincount(bins, minlength=_BINS)

    def _reach(self, largest: float) -> None:
        if not self.width:
            self.width = largest / _BINS
        while self.width and largest > self.width * _BINS:
            self.counts = np.concatenate([self.counts.reshape(-1, 2).sum(axis=1), np.zeros(_BINS // 2, np.int64)])
            self.width *= 2


def find_range(seen: Histogram, method: Method) -> Range:
    """What range of the values to keep.

    `minmax` keeps all that was seen, `percentile` 99.99 % of the magnitudes, `entropy` so many that the distribution
    in 128 steps tells least apart from the whole (Kullback-Leibler divergence; Migacz 2017). Where values reach less
    far below zero than that, as after GELU, the steps are not spent there.
    """
    reach = {"minmax": _minmax, "percentile": _percentile, "entropy": _entropy}[method](seen)
    return Range(max(-reach, seen.lowest), min(reach, seen.highest))


def _minmax(seen: Histogram) -> float:
    return max(-seen.lowest, seen.highest)


def _percentile(seen: Histogram) -> float:
    shares = np.cumsum(seen.counts) / max(1, seen.counts.sum())
    return float((np.searchsorted(shares, _PERCENTILE / 100) + 1) * seen.width)


def _entropy(seen: Histogram) -> float:
    if not seen.counts.any():
        return _minmax(seen)
    tried = range(_STEPS, _BINS + 1, _EVERY)
    return float(min(tried, key=lambda kept: _divergence(seen.counts, kept)) * seen.width)


def _divergence(counts: NDArray[np.int64], kept: int) -> float:
    """Of the distribution whose first bins are kept, with all beyond in the last, from its own in 128 steps."""
    whole = counts[:kept].astype(np.float64)
    edges = np.linspace(0, kept, _STEPS + 1).astype(np.int64)
    sums = np.add.reduceat(whole, edges[:-1])
    filled = np.add.reduceat((whole > 0).astype(np.float64), edges[:-1])
    coarse = np.repeat(sums / np.maximum(filled, 1), np.diff(edges)) * (whole > 0)
    whole[-1] += counts[kept:].sum()
    both = whole > 0
    p, q = whole / whole.sum(), np.maximum(coarse / coarse.sum(), _NEXT_TO_NOTHING)
    return float(np.sum(p[both] * np.log(p[both] / q[both])))
