"""Edit distance a row at a time, for what rapidfuzz does not know: marks that stand for words, and word times."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Costs = NDArray[np.int32]


def next_row(above: Costs, replace: Costs, delete: int, insert: Costs) -> Costs:
    """The next row of a table of edit distances, which is (n_hypothesis + 1,) as `above` is.

    `replace` (n_hypothesis,) is what it costs to put the row's word and each word of the hypothesis together, `delete`
    what losing the row's word costs, `insert` (n_hypothesis,) what adding each word of the hypothesis does.
    """
    below = above + np.int32(delete)
    below[1:] = np.minimum(below[1:], above[:-1] + replace)
    return with_insertions(below, insert)


def with_insertions(row: Costs, insert: Costs) -> Costs:
    """A row, once words of the hypothesis may be added wherever that is cheaper."""
    added = first_row(insert)
    return np.asarray(np.minimum.accumulate(row - added) + added, dtype=np.int32)


def first_row(insert: Costs) -> Costs:
    """The first row: every word of the hypothesis is added."""
    return np.concatenate(([0], np.cumsum(insert))).astype(np.int32)


def numbered(*texts: Sequence[str]) -> list[NDArray[np.int32]]:
    """Words as numbers, the same for the same word in all texts, (n_words,) each."""
    numbers: dict[str, int] = {}
    return [np.array([numbers.setdefault(word, len(numbers)) for word in text], dtype=np.int32) for text in texts]
