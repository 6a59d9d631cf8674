"""Spans of samples, or of frames, taken together and apart: all are in order, and none overlaps the next."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from asr.types import Span


def runs(flags: NDArray[np.bool_]) -> list[Span]:
    """Where flags, (n,), are set.

    >>> runs(np.array([True, True, False, True]))
    [Span(start=0, stop=2), Span(start=3, stop=4)]
    """
    edges = np.flatnonzero(np.diff(np.pad(flags.astype(np.int8), 1)))
    return [Span(start, stop) for start, stop in edges.reshape(-1, 2).tolist()]


def join(spans: Iterable[Span], max_gap: int) -> tuple[Span, ...]:
    """The spans with gaps of fewer than `max_gap` samples closed.

    >>> join([Span(0, 2), Span(3, 5), Span(7, 8)], 2)
    (Span(start=0, stop=5), Span(start=7, stop=8))
    """
    joined: list[Span] = []
    for span in spans:
        if joined and span.start - joined[-1].stop < max_gap:
            joined[-1] = Span(joined[-1].start, span.stop)
        else:
            joined.append(span)
    return tuple(joined)


def pad(spans: tuple[Span, ...], pad_samples: int, n_samples: int) -> tuple[Span, ...]:
    """The spans widened on both sides, at most half-way into the gap to a neighbour or to the ends."""
    if not spans:
        return ()
    halves = [(after.start - before.stop) // 2 for before, after in pairwise(spans)]
    lefts = [min(pad_samples, room) for room in [spans[0].start, *halves]]
    rights = [min(pad_samples, room) for room in [*halves, n_samples - spans[-1].stop]]
    return tuple(
        Span(span.start - left, span.stop + right) for span, left, right in zip(spans, lefts, rights, strict=True)
    )


def outside(span: Span, others: Iterable[Span]) -> list[Span]:
    """What of a span lies in none of the others, which may come in any order and overlap.

    >>> outside(Span(0, 10), [Span(8, 12), Span(2, 3)])
    [Span(start=0, stop=2), Span(start=3, stop=8)]
    """
    pieces = []
    at = span.start
    for other in sorted(others, key=lambda other: other.start):
        if other.stop > at and other.start < span.stop:
            if other.start > at:
                pieces.append(Span(at, other.start))
            at = other.stop
    if at < span.stop:
        pieces.append(Span(at, span.stop))
    return pieces
