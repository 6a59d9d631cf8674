"""Spans of words in one turn."""

from __future__ import annotations

from bisect import bisect_right

WordSpan = tuple[int, int]
"""First word and the one after the last."""


def words_of(text: str, first_char: int, last_char: int) -> WordSpan:
    """The words, counted by single spaces, that characters [first_char, last_char) touch."""
    starts = [0, *(index + 1 for index, char in enumerate(text) if char == " ")]
    return bisect_right(starts, first_char) - 1, bisect_right(starts, last_char - 1)
