"""What may follow in a text with timestamps, by examples worked out by hand from openai/whisper's decoding.py."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from asr.whisper.network import MASKED
from asr.whisper.timestamps import ruled

A, B, END, NO_TIMESTAMPS = 0, 1, 2, 3
ZERO = 4
"""The timestamp of 0 s."""

TIMES = range(ZERO, ZERO + 101)
"""A window of 2 s in a vocabulary that has times up to 3 s."""

VOCABULARY = ZERO + 151


def _logits(**likely: float) -> NDArray[np.float32]:
    """All are equally unlikely but for a, b, end, notimestamps and times such as t0 or t50."""
    logits = np.full(VOCABULARY, -50.0, np.float32)
    names = {"a": A, "b": B, "end": END, "notimestamps": NO_TIMESTAMPS}
    for name, value in likely.items():
        logits[names[name] if name in names else ZERO + int(name[1:])] = value
    return logits


def _allowed(tokens: Sequence[int], logits: NDArray[np.float32]) -> set[int]:
    return {int(token) for token in np.flatnonzero(ruled(logits, tokens, TIMES, END) > MASKED)}


TEXT = {A, B, END}


def _times(first: int, last: int) -> set[int]:
    return set(range(ZERO + first, ZERO + last + 1))


def test_a_text_begins_with_a_time_within_its_first_second() -> None:
    assert _allowed([], _logits(a=9.0, end=9.0, t80=9.0)) == _times(0, 50)


def test_a_short_window_begins_within_itself() -> None:
    short = range(ZERO, ZERO + 11)
    assert set(np.flatnonzero(ruled(_logits(), [], short, END) > MASKED)) == _times(0, 10)


def test_after_the_time_that_opens_a_segment_come_words_or_the_end() -> None:
    assert _allowed([ZERO + 5], _logits(t5=9.0, t6=9.0)) == TEXT
    assert _allowed([ZERO, A, ZERO + 20, ZERO + 20], _logits(t30=9.0)) == TEXT


def test_after_words_come_words_the_end_or_a_time_later_than_the_one_that_opened_the_segment() -> None:
    assert _allowed([ZERO + 5, A], _logits(a=9.0)) == TEXT | _times(6, 100)
    assert _allowed([ZERO, A, ZERO + 20, ZERO + 30, A, B], _logits(a=9.0)) == TEXT | _times(31, 100)


def test_after_the_time_that_closes_a_segment_comes_the_end_or_a_time_that_is_not_earlier() -> None:
    assert _allowed([ZERO, A, ZERO + 20], _logits(a=9.0, end=9.0)) == {END} | _times(20, 100)


def test_a_segment_that_closes_with_the_window_may_be_followed_by_one_that_never_closes() -> None:
    last = ZERO + 100
    assert _allowed([ZERO, A, last], _logits(end=9.0)) == {END, last}
    assert _allowed([ZERO, A, last, last], _logits(t100=9.0)) == TEXT
    assert _allowed([ZERO, A, last, last, A], _logits(t100=9.0)) == TEXT


def test_times_that_are_together_likelier_than_any_word_come_first() -> None:
    """Three times at 0.4 each against a word: e^1 + e^1 + e^1 is more than e^2."""
    even = {"t10": 1.0, "t11": 1.0, "t12": 1.0}
    assert _allowed([ZERO, A], _logits(a=2.0, **even)) == _times(1, 100)
    assert _allowed([ZERO, A], _logits(a=2.2, **even)) == TEXT | _times(1, 100)


def test_times_that_are_forbidden_count_for_nothing() -> None:
    assert _allowed([ZERO + 20, A], _logits(a=2.0, t10=9.0, t20=9.0, t120=9.0)) == TEXT | _times(21, 100)


def test_the_token_for_no_timestamps_is_never_allowed() -> None:
    for tokens in ([], [ZERO], [ZERO, A], [ZERO, A, ZERO + 9], [ZERO, A, ZERO + 9, ZERO + 9]):
        assert NO_TIMESTAMPS not in _allowed(tokens, _logits(notimestamps=99.0))


def test_what_is_allowed_keeps_its_logit_and_the_row_given_is_left_alone() -> None:
    logits = _logits(a=2.0, b=1.0)
    before = logits.copy()
    allowed = ruled(logits, [ZERO, A], TIMES, END)
    assert (allowed[A], allowed[B]) == (2.0, 1.0)
    assert np.array_equal(logits, before)
