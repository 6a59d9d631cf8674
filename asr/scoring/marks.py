"""Edit distance between texts some of whose words were removed: what the marks that stand for them take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asr.scoring.edits import Costs, first_row, next_row, numbered, with_insertions
from asr.scoring.errors import EditErrors

_ERROR = 1 << 16
"""What an error costs, where a word that a mark takes costs 1: of alignments with the fewest errors, the one that
scores most words."""

_NEVER = 1 << 29
"""More than losing one word and adding another."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What stands where words were removed from a text. It may stand for at most `room` words of the other, above 0."""

    name: str
    room: int


Token = str | Mark
"""A normalised word, or a mark."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Tokens [start, stop) of both texts: a mark of one, and what it stands for in the other."""

    reference: tuple[int, int]
    hypothesis: tuple[int, int]

    def moved(self, by: int, other_by: int) -> Taken:
        """The same in longer texts, by so many tokens further on in the reference and in the hypothesis."""
        (start, stop), (other_start, other_stop) = self.reference, self.hypothesis
        return Taken((start + by, stop + by), (other_start + other_by, other_stop + other_by))


@dataclass(frozen=True, slots=True)
class Traced:
    """The alignment with the fewest errors: what marks take, in order, and the errors of all other words."""

    taken: tuple[Taken, ...]
    errors: EditErrors


def trace(reference: Sequence[Token], hypothesis: Sequence[Token], together: NDArray[np.bool_] | None = None) -> Traced:
    """Align two texts with marks.

    A mark costs nothing, takes nothing or up to its room of tokens in a row, and of ways with as few errors the one is
    chosen in which fewest words are taken. `together` (n_reference, n_hypothesis) says which tokens may be put together
    at all; None is all. The table is (n_reference + 1, n_hypothesis + 1) of 4 bytes each.
    """
    table = _Table(reference, hypothesis, together)
    taken: list[Taken] = []
    errors = EditErrors()
    row, column = len(reference), len(hypothesis)
    while row or column:
        found = _taken_at(table, row, column)
        if found is not None:
            taken.append(found)
            row, column = found.reference[0], found.hypothesis[0]
            continue
        before = _before(table, row, column)
        step = (row - before[0], column - before[1])
        wrong = int(table.costs[row, column] != table.costs[before])
        errors += EditErrors(wrong * (step == (1, 1)), int(step == (1, 0)), int(step == (0, 1)), step[0])
        row, column = before
    return Traced(tuple(taken[::-1]), errors)


class _Table:
    """What the cheapest alignment of the first so many tokens of each text costs."""

    def __init__(
        self, reference: Sequence[Token], hypothesis: Sequence[Token], together: NDArray[np.bool_] | None
    ) -> None:
        self.reference, self.hypothesis, self._together = reference, hypothesis, together
        self.taking = [_words_before(tokens) for tokens in (reference, hypothesis)]
        """How many words lie before each place of a text: what it costs to take those between two places."""
        self._own, self._theirs = numbered(*([str(token) for token in tokens] for tokens in (reference, hypothesis)))
        self._is_mark = np.array([isinstance(token, Mark) for token in hypothesis], dtype=bool)
        insert = np.where(self._is_mark, 0, _ERROR).astype(np.int32)
        self.costs = np.empty((len(reference) + 1, len(hypothesis) + 1), dtype=np.int32)
        self.costs[0] = first_row(insert)
        for row, token in enumerate(reference, start=1):
            above = self.costs[row - 1]
            if isinstance(token, Mark):
                below = self._marked_row(above, token.room)
            else:
                below = next_row(above, self.replace(row - 1), _ERROR, insert)
            for column in np.flatnonzero(self._is_mark):
                below[column + 1] = min(int(below[column + 1]), self._entering(row, int(column)))
            self.costs[row] = with_insertions(below, insert)

    def replace(self, row: int) -> Costs:
        """What it costs to put a token of the reference and each one of the hypothesis together, (n_hypothesis,)."""
        costs = np.where(self._theirs == self._own[row], 0, _ERROR).astype(np.int32)
        apart = self._is_mark | isinstance(self.reference[row], Mark)
        costs[apart if self._together is None else apart | ~self._together[row]] = _NEVER
        return costs

    def _marked_row(self, above: Costs, room: int) -> Costs:
        """The row of a mark of the reference, which takes words of the hypothesis."""
        below, before = above.copy(), self.taking[1]
        for taken in range(1, min(room, len(above) - 1) + 1):
            below[taken:] = np.minimum(below[taken:], above[:-taken] + before[taken:] - before[:-taken])
        return below

    def _entering(self, row: int, column: int) -> int:
        """What it costs at the least if a mark of the hypothesis takes the words of the reference up to a row."""
        token, before = self.hypothesis[column], self.taking[0]
        first = max(0, row - token.room) if isinstance(token, Mark) else 0
        return int((self.costs[first:row, column] + before[row] - before[first:row]).min())


def _words_before(tokens: Sequence[Token]) -> Costs:
    return first_row(np.array([isinstance(token, str) for token in tokens], dtype=np.int32))


def _taken_at(table: _Table, row: int, column: int) -> Taken | None:
    """What the mark that ends at a cell takes, if the cheapest way to that cell is by one."""
    costs, (before, other_before) = table.costs, table.taking
    mark = table.hypothesis[column - 1] if column else None
    if isinstance(mark, Mark):
        for start in range(row, max(0, row - mark.room) - 1, -1):
            if costs[row, column] == costs[start, column - 1] + before[row] - before[start]:
                return Taken((start, row), (column - 1, column))
    mark = table.reference[row - 1] if row else None
    if isinstance(mark, Mark):
        for start in range(column, max(0, column - mark.room) - 1, -1):
            if costs[row, column] == costs[row - 1, start] + other_before[column] - other_before[start]:
                return Taken((row - 1, row), (start, column))
    return None


def _before(table: _Table, row: int, column: int) -> tuple[int, int]:
    """The cell before one that is reached by words: two of them together, one that was lost, or one that was added."""
    costs = table.costs
    here = int(costs[row, column])
    if row and column and here == int(costs[row - 1, column - 1]) + int(table.replace(row - 1)[column - 1]):
        return row - 1, column - 1
    if row and here == int(costs[row - 1, column]) + _ERROR:
        return row - 1, column
    return row, column - 1
