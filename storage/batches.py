"""Long lists of values, a bounded number to a statement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

_T = TypeVar("_T")

_AT_ONCE = 500
"""SQLite takes 32,766 parameters, PostgreSQL 65,535; a plan for more than some hundreds wins nothing."""


def batches(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """Give the values in their order, some hundreds at once; of none, nothing."""
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]
