"""When each token was said: a path through the attention of the heads that follow the words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MEDIAN_WIDTH = 7
"""Positions in the median filter (openai/whisper, timing.py)."""


def token_starts(attention: NDArray[np.float32]) -> NDArray[np.int64]:
    """The audio position at which each token begins, (n_tokens,), never falling, from attention (A, n_tokens, P).

    As in openai/whisper's timing.py: each head's weights are standardised over the tokens, smoothed along time by
    a median, and averaged over the heads; the path through them that rises in both is found by dynamic time warping.
    """
    spread = attention.std(axis=1, keepdims=True)
    standard = (attention - attention.mean(axis=1, keepdims=True)) / np.maximum(spread, 1e-9)
    return _warped(-_median(standard).mean(axis=0))


def _median(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """The running median of _MEDIAN_WIDTH along the last axis, mirrored at its ends.

    By 16 exchanges that sort the middle of seven (Devillard, Fast median search, 1998): whole arrays at a time,
    ten times as fast as sorting each window.
    """
    half = _MEDIAN_WIDTH // 2
    if x.shape[-1] <= half:
        return x
    padded = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(half, half)], mode="reflect")
    p = [padded[..., shift : shift + x.shape[-1]] for shift in range(_MEDIAN_WIDTH)]
    for a, b in _EXCHANGES:
        p[a], p[b] = np.minimum(p[a], p[b]), np.maximum(p[a], p[b])
    return p[half]


_EXCHANGES = (
    *((0, 5), (0, 3), (1, 6), (2, 4), (0, 1), (3, 5), (2, 6), (2, 3)),
    *((3, 6), (4, 5), (1, 4), (1, 3), (3, 4)),
)
"""Pairs to put in order so that the fourth of seven is their median."""


def _warped(cost: NDArray[np.float32]) -> NDArray[np.int64]:
    """Where each row of a cost matrix (rows, columns) begins on the cheapest path from corner to corner.

    A row's best costs follow from the row above at once: D[i, j] = C[j] + min over k <= j of (M[k] - C[k - 1]),
    with C the row's running sum and M[k] the cheapest way to enter the row at column k.
    """
    columns = np.arange(cost.shape[1])
    entered = np.zeros(cost.shape, np.int64)
    slanted = np.zeros(cost.shape, np.bool_)
    enter = np.full(cost.shape[1], np.inf)
    enter[0] = 0.0
    for row, running in enumerate(np.cumsum(cost, axis=1, dtype=np.float64)):
        before = np.concatenate(([0.0], running[:-1]))
        best = np.minimum.accumulate(enter - before)
        entered[row] = np.maximum.accumulate(np.where(enter - before <= best, columns, 0))
        above = best + running
        # The row below is entered from straight above, or from one column to the left.
        left = np.concatenate(([np.inf], above[:-1]))
        slanted[row] = left <= above
        enter = np.minimum(left, above)
    starts = np.zeros(len(cost), np.int64)
    column = cost.shape[1] - 1
    for row in range(len(cost) - 1, -1, -1):
        starts[row] = entered[row, column]
        column = starts[row] - int(row > 0 and slanted[row - 1, starts[row]])
    return starts
