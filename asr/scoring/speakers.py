"""Word errors that know who spoke: cpWER, and tcpWER, which knows when as well.

cpWER (Watanabe et al., CHiME-6, 2020): all words of each speaker in a row, under the naming of speakers with the fewest
errors. tcpWER (von Neumann et al., MeetEval, 2023): words may only be put together if their times overlap. Speakers
that are too many on either side have only words that were lost, or put in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from asr.scoring import alignment
from asr.scoring.alignment import align
from asr.scoring.assignment import cheapest
from asr.scoring.errors import EditErrors, pooled
from asr.scoring.marks import Mark, Token, trace

COLLAR_S = 5.0
"""How far apart two words may lie in tcpWER (MeetEval's usual collar)."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TimedTurn:
    """What one speaker says in a row, with the times in seconds at which it begins and ends."""

    tokens: tuple[Token, ...] = field(repr=False)
    start_s: float
    end_s: float


def cp_errors(reference: Mapping[str, Sequence[Token]], hypothesis: Mapping[str, Sequence[Token]]) -> EditErrors:
    """The errors of cpWER; words by speaker. Marks are as for `align`."""
    return _named(list(reference.values()), list(hypothesis.values()), (), _errors)


def tcp_errors(
    reference: Mapping[str, Sequence[TimedTurn]],
    hypothesis: Mapping[str, Sequence[TimedTurn]],
    collar_s: float = COLLAR_S,
) -> EditErrors:
    """The errors of tcpWER; turns by speaker, in the order of their start.

    As in MeetEval a word of the reference fills that part of its turn that its letters are of the turn's letters, one
    of the hypothesis lies in the middle of that part, and reaches `collar_s` to both sides of it.
    """

    def errors(own: Sequence[TimedTurn], theirs: Sequence[TimedTurn]) -> EditErrors:
        (said, at), (heard, where) = _timed(own), _timed(theirs)
        middle = where.mean(axis=1, keepdims=True)
        reach = np.concatenate([middle - collar_s, middle + collar_s], axis=1)
        together = (at[:, None, 0] < reach[None, :, 1]) & (at[:, None, 1] > reach[None, :, 0])
        return trace(said, heard, together).errors

    return _named(list(reference.values()), list(hypothesis.values()), (), errors)


def _errors(own: Sequence[Token], theirs: Sequence[Token]) -> EditErrors:
    return alignment.errors(align(own, theirs))


def _named(own: list[T], theirs: list[T], nobody: T, errors: Callable[[T, T], EditErrors]) -> EditErrors:
    """The errors under the best naming of speakers; `nobody` is a speaker who says nothing."""
    most = max(len(own), len(theirs))
    own, theirs = ([*said, *[nobody] * (most - len(said))] for said in (own, theirs))
    found = [[errors(one, other) for other in theirs] for one in own]
    counts = [[one.count for one in row] for row in found]
    names = cheapest(np.array(counts, dtype=float).reshape(most, most))
    return pooled(found[row][column] for row, column in enumerate(names))


def _timed(turns: Sequence[TimedTurn]) -> tuple[list[Token], NDArray[np.float64]]:
    """The tokens of turns, and when each is said, (n_tokens, 2) in seconds."""
    tokens: list[Token] = []
    times: list[tuple[float, float]] = []
    for turn in turns:
        letters = [len(token.name if isinstance(token, Mark) else token) for token in turn.tokens]
        each_s = (turn.end_s - turn.start_s) / max(1, sum(letters))
        # Not summed up from word to word: what that rounds off would make touching words overlap.
        edges = [turn.start_s + each_s * count for count in accumulate(letters, initial=0)]
        tokens += turn.tokens
        times += pairwise(edges)
    return tokens, np.array(times, dtype=float).reshape(-1, 2)
