"""Voices to speakers: agglomerative clustering by mean cosine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MOST = 2_000
"""Voices that are clustered at once, 16 MB of cosines; more are clustered in blocks, and then the blocks' clusters."""


def cluster(
    voices: NDArray[np.float32],
    windows: NDArray[np.int64],
    same_voice: float,
    apart: float,
    bounds: tuple[int, int],
) -> NDArray[np.int64]:
    """The speaker of each voice, (n,), counted from 0.

    `voices` are embeddings of unit length, (n, width), and `windows` the window that each is from: of two voices in one
    window `apart` is taken off their cosine. The two closest groups are joined while their mean cosine is over
    `same_voice`, or there are more than bounds[1], but never to fewer than bounds[0] (average linkage, UPGMA).
    """
    if len(voices) <= _MOST:
        return _joined(_cosines(voices, windows, apart), np.ones(len(voices)), same_voice, bounds)
    labels = np.empty(len(voices), np.int64)
    known = 0
    for at in range(0, len(voices), _MOST):
        part = slice(at, at + _MOST)
        found = _joined(_cosines(voices[part], windows[part], apart), np.ones(len(voices[part])), same_voice, bounds)
        labels[part] = found + known
        known += int(found.max()) + 1
    members = np.eye(known, dtype=np.float32)[labels]
    sizes = members.sum(axis=0)
    means = (members.T @ voices) / sizes[:, None]
    blocks = np.array([int(np.flatnonzero(labels == one)[0]) // _MOST for one in range(known)])
    return _joined(_cosines(means, blocks, apart), sizes, same_voice, bounds)[labels]


def _cosines(voices: NDArray[np.float32], windows: NDArray[np.int64], apart: float) -> NDArray[np.float32]:
    return voices @ voices.T - np.float32(apart) * (windows[:, None] == windows)


def _joined(
    likeness: NDArray[np.float32], sizes: NDArray[np.float64], same_voice: float, bounds: tuple[int, int]
) -> NDArray[np.int64]:
    """The cluster of each row. A joined pair's likeness to a third is the mean over its members."""
    n = len(likeness)
    likeness, sizes = likeness.copy(), sizes.astype(np.float64)
    np.fill_diagonal(likeness, -np.inf)
    label = np.arange(n)
    nearest = likeness.argmax(axis=1) if n else label
    best = likeness.max(axis=1) if n else np.zeros(0)
    for left in range(n, bounds[0], -1):
        a = int(best.argmax())
        b = int(nearest[a])
        if left <= bounds[1] and best[a] <= same_voice:
            break
        row = (sizes[a] * likeness[a] + sizes[b] * likeness[b]) / (sizes[a] + sizes[b])
        sizes[a] += sizes[b]
        label[label == b] = a
        likeness[b], likeness[:, b] = -np.inf, -np.inf
        row[[a, b]] = -np.inf
        likeness[a], likeness[:, a] = row, row
        best[b] = -np.inf
        stale = np.flatnonzero((nearest == a) | (nearest == b) | (row > best))
        stale = stale[(stale != b) & (best[stale] > -np.inf)]
        nearest[stale] = likeness[stale].argmax(axis=1)
        best[stale] = likeness[stale].max(axis=1)
        nearest[a], best[a] = row.argmax(), row.max()
    return np.unique(label, return_inverse=True)[1].astype(np.int64)
