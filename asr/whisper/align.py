"""When each token was said: a path through the attention of the heads that follow the words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MEDIAN_WIDTH = 7
"""Positions in the median filter (openai/whisper, timing.py)."""

_ROWS_AT_A_TIME = 16
"""Of the median filter: eight arrays of so many rows of 30 s take 0.8 MB."""


def token_starts(attention: NDArray[np.float32]) -> NDArray[np.int64]:
    """The audio position at which each token begins, (n_tokens,), never falling, from attention (A, n_tokens, P).

    As in openai/whisper's timing.py: each head's weights are standardised over the tokens, smoothed along time by
    a median, and averaged over the heads; the path through them that rises in both is found by dynamic time warping.
    """
    cost = np.zeros(attention.shape[1:], np.float32)
    for head in attention:
        spread = np.maximum(head.std(axis=0), 1e-9)
        cost -= _median((head - head.mean(axis=0)) / spread)
    return _warped(cost / np.float32(len(attention)))


def _median(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """The running median of _MEDIAN_WIDTH along each row of (rows, P), mirrored at its ends.

    By 13 exchanges that sort the middle of seven (Devillard, Fast median search, 1998), on so many rows at a time that
    they stay in the cache: five times as fast as sorting each window.
    """
    half, length = _MEDIAN_WIDTH // 2, x.shape[-1]
    if length <= half:
        return x
    padded = np.pad(x, [(0, 0), (half, half)], mode="reflect")
    scratch = np.empty((_MEDIAN_WIDTH + 1, min(len(x), _ROWS_AT_A_TIME), length), np.float32)
    found = np.empty_like(x)
    for at in range(0, len(x), _ROWS_AT_A_TIME):
        rows = padded[at : at + _ROWS_AT_A_TIME]
        *p, free = scratch[:, : len(rows)]
        for shift, shifted in enumerate(p):
            shifted[:] = rows[:, shift : shift + length]
        for a, b in _EXCHANGES:
            np.minimum(p[a], p[b], out=free)
            np.maximum(p[a], p[b], out=p[b])
            p[a], free = free, p[a]
        found[at : at + len(rows)] = p[half]
    return found


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
