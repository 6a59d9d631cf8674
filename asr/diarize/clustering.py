"""Voices to speakers: agglomerative clustering by mean cosine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_EXCHANGE = 0.25
"""People who talk with each other take turns: after more than this share of the voices comes the other's."""

_BRIEF_S, _BRIEF = 3.0, 0.2
"""Who is heard for less, all windows together, and for a smaller share takes no turns that tell."""

_MOST = 2_000
"""Voices that are clustered at once, 16 MB of cosines; more are clustered in blocks, and then the blocks' clusters."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When voices are one speaker's: groups are joined while their mean cosine is over `same_voice`, the last two over
    `one_voice`, or while there are more than `most`, but never to fewer than `least`. Of two voices in one window, the
    segmentation's word counts too: `apart` is taken off their cosine if it holds them for two, and `together` added if
    for one."""

    same_voice: float
    one_voice: float
    apart: float
    together: float
    least: int
    most: int


def cluster(voices: NDArray[np.float32], windows: NDArray[np.int64], rule: Rule) -> NDArray[np.int64]:
    """The speaker of each voice, (n,), counted from 0, by average linkage (UPGMA).

    `voices` are embeddings of unit length, (n, width), and `windows` the window and the speaker within it that each is
    from, (n, 2), in the order of the call.
    """
    n = len(voices)
    if n <= _MOST:
        return _joined(_cosines(voices, windows, rule), np.ones(n), rule)
    labels = np.empty(n, np.int64)
    known = 0
    for at in range(0, n, _MOST):
        part = slice(at, at + _MOST)
        found = _joined(_cosines(voices[part], windows[part], rule), np.ones(len(voices[part])), rule)
        labels[part] = found + known
        known += int(found.max()) + 1
    members = np.eye(known, dtype=np.float32)[labels]
    sizes = members.sum(axis=0)
    means = (members.T @ voices) / sizes[:, None]
    return _joined(means @ means.T, sizes, rule)[labels]


def is_one(voices: NDArray[np.float32], labels: NDArray[np.int64], talk_s: NDArray[np.float64], alone: float) -> bool:
    """Whether two clusters, labelled 0 and 1, are one speaker after all: they do not take turns, and their mean cosine
    is over `alone`. The limits are from docs/speakers.md.

    `voices` (n, width), `labels` and `talk_s`, how long each is heard, both (n,), are in the order of the call.
    """
    first, second = labels == 0, labels == 1
    least_s = min(talk_s[first].sum(), talk_s[second].sum())
    brief = least_s < min(_BRIEF_S, _BRIEF * talk_s.sum())
    take_turns = np.count_nonzero(np.diff(labels)) > _EXCHANGE * len(labels) and not brief
    return bool(not take_turns and (voices[first] @ voices[second].T).mean() > alone)


def without_brief(
    voices: NDArray[np.float32], labels: NDArray[np.int64], talk_s: NDArray[np.float64], least_s: float, least: int
) -> NDArray[np.int64]:
    """The same labels, (n,), with every cluster of which no voice is as long as `least_s` joined to the one that it is
    most like, the one that is heard least first, while there are more than `least` clusters.

    Short voices are less like each other, and a person who says little at a time is soon two. `voices` (n, width), and
    `talk_s`, how long each is heard, (n,).
    """
    labels = labels.copy()
    while labels.max() >= least:
        members = np.eye(int(labels.max()) + 1, dtype=np.float32)[labels]
        brief = np.flatnonzero((members * talk_s[:, None]).max(axis=0) < least_s)
        if not len(brief):
            break
        lost = int(brief[(talk_s @ members)[brief].argmin()])
        means = members.T @ voices / members.sum(axis=0)[:, None]
        likeness = means @ means[lost]
        likeness[lost] = -np.inf
        labels[labels == lost] = likeness.argmax()
        labels = np.unique(labels, return_inverse=True)[1].astype(np.int64)
    return labels


def _cosines(voices: NDArray[np.float32], windows: NDArray[np.int64], rule: Rule) -> NDArray[np.float32]:
    one_window = windows[:, None, 0] == windows[:, 0]
    one_speaker = windows[:, None, 1] == windows[:, 1]
    told = np.where(one_speaker, np.float32(rule.together), np.float32(-rule.apart))
    return np.asarray(voices @ voices.T + one_window * told, np.float32)


def _joined(likeness: NDArray[np.float32], sizes: NDArray[np.floating], rule: Rule) -> NDArray[np.int64]:
    """The cluster of each row. A joined pair's likeness to a third is the mean over its members."""
    n = len(likeness)
    likeness, sizes = likeness.copy(), sizes.astype(np.float64)
    np.fill_diagonal(likeness, -np.inf)
    label = np.arange(n)
    nearest, best = likeness.argmax(axis=1), likeness.max(axis=1)
    for left in range(n, rule.least, -1):
        a = int(best.argmax())
        b = int(nearest[a])
        if left <= rule.most and best[a] <= (rule.same_voice if left > 2 else rule.one_voice):
            break
        row = (sizes[a] * likeness[a] + sizes[b] * likeness[b]) / (sizes[a] + sizes[b])
        row[[a, b]] = -np.inf
        sizes[a] += sizes[b]
        label[label == b] = a
        likeness[a], likeness[:, a] = row, row
        likeness[b], likeness[:, b] = -np.inf, -np.inf
        best[b] = -np.inf
        stale = np.flatnonzero(((nearest == a) | (nearest == b) | (row > best)) & (best > -np.inf))
        nearest[stale], best[stale] = likeness[stale].argmax(axis=1), likeness[stale].max(axis=1)
        nearest[a], best[a] = row.argmax(), row.max()
    return np.unique(label, return_inverse=True)[1].astype(np.int64)
