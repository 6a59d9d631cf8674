"""Dates and ages as they are said."""

from __future__ import annotations

import re
from collections.abc import Iterator

from compliance.readers.spans import WordSpan
from compliance.spoken_numbers import NumberRun, read_numbers
from compliance.utterance import Utterance
from compliance.vocabulary import word_set

_MONTHS = word_set(
    """
    january february march april may june july august september october november december jan feb mar apr jun
    jul aug sep sept oct nov dec
    """
)
_ORDINALS = word_set(
    """
    first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth
    fifteenth sixteenth seventeenth eighteenth nineteenth twentieth thirtieth
    """
)
_TENS = word_set("twenty thirty")
_GLUE = word_set("of the and in day month year um uh er slash dash stroke hyphen dot")
_SUFFIXED = re.compile(r"\d{1,2}(?:st|nd|rd|th)")
_FIGURES = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}")
_SHORT_FIGURES = re.compile(r"\d{1,2}[-/.]\d{2}(?:\d{2})?")
OLDEST_YEAR, LATEST_YEAR = 1900, 2008
"""Years of a whole date that nothing explains and that is yet taken for a birth; callwright's own choice."""

MAX_AGE = 89
"""Ages over this are identifiers (45 CFR 164.514(b)(2)(i)(C))."""


def is_ordinal(token: str) -> bool:
    """Whether a token is a day's number: "fifth", "twenty-first", "3rd"."""
    return token.rpartition("-")[2] in _ORDINALS or bool(_SUFFIXED.fullmatch(token))


def find_dates(turn: Utterance, *, asked: bool = False) -> Iterator[WordSpan]:
    """Dates with a month's name and at least one number, or three numbers with strokes or dashes.

    Where a date was `asked` for, two numbers or ordinals are one: "third of the fourth eighty", "12/27".
    """
    words, tokens = turn.words, turn.tokens
    numeric = turn.numeric | {
        index for index, token in enumerate(tokens) if is_ordinal(token) or _SHORT_FIGURES.fullmatch(token)
    }
    months = {index for index, token in enumerate(tokens) if token in _MONTHS}
    at = 0
    while at < len(words):
        if at not in numeric and at not in months:
            at += 1
            continue
        last = at
        for index in range(at, len(words)):
            if index in numeric or index in months:
                last = index + 1
            elif tokens[index] not in _GLUE or index - last > 2:
                break
        inside = set(range(at, last))
        figures = any(_FIGURES.fullmatch(tokens[index]) for index in inside)
        short = asked and (
            any(_SHORT_FIGURES.fullmatch(tokens[index]) for index in inside) or len(inside & numeric) > 1
        )
        if (inside & months and inside & numeric) or figures or short:
            yield at, last
        at = last


def find_births(turn: Utterance) -> Iterator[WordSpan]:
    """Whole dates, with day, month and a year that most callers were born in, that no phrase announces."""
    words, tokens = turn.words, turn.tokens
    if not any(token in _MONTHS or _FIGURES.fullmatch(token) for token in tokens):
        return
    for first, last in find_dates(turn):
        runs = read_numbers(words[first:last])
        ordinals = sum(map(is_ordinal, tokens[first:last]))
        written = _FIGURES.fullmatch(tokens[first]) if last - first == 1 else None
        if written:
            years = [int(part) for part in re.split(r"\D", tokens[first]) if len(part) == 4]
        else:
            years = [year for run in runs if (year := _year(run)) is not None]
        day = ordinals or written or len(runs) > 1 or any(len(run.digits) > 4 for run in runs)
        if day and any(OLDEST_YEAR <= year <= LATEST_YEAR for year in years):
            yield first, last


def _year(run: NumberRun) -> int | None:
    return int(run.digits[-4:]) if len(run.digits) in (4, 5, 6) else None


def find_ages(turn: Utterance) -> Iterator[WordSpan]:
    """Ages over MAX_AGE: "ninety two years old", "aged 94"."""
    tokens = turn.tokens
    for run in turn.runs:
        if len(run.digits) > 3 or int(run.digits) <= MAX_AGE or int(run.digits) > 120:
            continue
        after = tokens[run.last_word : run.last_word + 3]
        before = tokens[run.first_word - 1] if run.first_word else ""
        if after[:2] in (["years", "old"], ["year", "old"]) or before in {"aged", "age"}:
            yield run.first_word, run.last_word
