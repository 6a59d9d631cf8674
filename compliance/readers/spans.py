"""Spans of words in one turn, and the turn as one text of bare words."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from compliance.spoken_numbers import bare

WordSpan = tuple[int, int]
"""First word and the one after the last."""


def tokens_of(words: Sequence[str]) -> list[str]:
    """Every word in lower case without punctuation at its ends; one of marks alone is "_"."""
    return [bare(word).replace(" ", "") or "_" for word in words]


def words_of(text: str, first_char: int, last_char: int) -> WordSpan:
    """The words, counted by single spaces, that characters [first_char, last_char) touch."""
    starts = [0, *(index + 1 for index, char in enumerate(text) if char == " ")]
    return bisect_right(starts, first_char) - 1, bisect_right(starts, last_char - 1)


def is_cased(words: Sequence[str]) -> bool:
    """Whether the turn has capitals at all, "I" aside."""
    return any(word[:1].isupper() and bare(word) not in {"i", "i'm", "i'll", "i've", "i'd"} for word in words)
