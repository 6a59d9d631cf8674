"""Dates and ages as they are said."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from compliance.quantities import is_quantity
from compliance.readers.spans import WordSpan, words_of
from compliance.spoken_numbers import NumberRun, read_numbers
from compliance.topics import Topic
from compliance.utterance import Utterance
from compliance.vocabulary import word_set

MONTHS = word_set(
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
_VERBS = word_set("may march mar second first sun")
_ASIDE = word_set("yes yeah yep it's its no sorry so oh okay ok is that that's i said then year sir ma'am madam please")
_AFTER_DAY = word_set("of not no and so sorry yes but isn't is um uh") | MONTHS
YEAR_GAP_WORDS = 6
"""Words between day and year at most; callwright's own choice."""

_CALLED = word_set("day month year")
_BEFORE_DATE = word_set("on in and then um uh er")
"""Of what joins the parts of a date, what may stand before its first and is not of it."""

_GLUE = word_set("of the and in day month year um uh er slash dash stroke hyphen dot then end on")
_HOLIDAY = re.compile(
    r"(?<!\S)(?:(?:on )?(?:christmas(?: (?:day|eve))?|new year's(?: (?:day|eve))?|boxing day|halloween|leap day"
    r"|(?:saint|st) (?:patrick's|valentine's|david's|george's|andrew's) day|valentine's(?: day)?|independence day"
    r"|april fools?'?s? day|groundhog day|bonfire night|guy fawkes(?: night)?|juneteenth|cinco de mayo))(?!\S)"
)
"""Days of the year with a name and no number; those that move are no date."""

_SUFFIXED = re.compile(r"\d{1,2}(?:st|nd|rd|th)")
_FIGURES = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.](?:\d{4}|\d{1,2})")
_SHORT_FIGURES = re.compile(r"\d{1,2}[-/.]\d{2}(?:\d{2})?")
OLDEST_YEAR, LATEST_YEAR, LATEST_CHILDS_YEAR = 1900, 2008, 2099
"""Years of a whole date that nothing explains and that is yet taken for a birth, a child's if one was asked for;
callwright's own choice."""

FEW_WORDS = 8
"""Words of a question for somebody's child at most; callwright's own choice."""

_CHILD = word_set(
    """
    son daughter child children kid baby infant newborn toddler grandson granddaughter nephew niece twins sons
    daughters
    """
)

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
    months = {index for index, token in enumerate(tokens) if token in MONTHS}
    at = 0
    while at < len(words):
        if at not in numeric and at not in months:
            at += 1
            continue
        last = at
        for index in range(at, len(words)):
            if index in numeric or index in months:
                last = index + 1
            elif not _is_glue(tokens, index) or index - last > 2:
                break
        inside = set(range(at, last))
        figures = any(_FIGURES.fullmatch(tokens[index]) for index in inside)
        short = asked and (
            any(_SHORT_FIGURES.fullmatch(tokens[index]) for index in inside) or len(inside & numeric) > 1
        )
        if (inside & months and inside & numeric) or figures or short:
            yield _with_article(turn, at), last
        at = last


def _with_article(turn: Utterance, at: int) -> int:
    """Where a date begins, with the "the" before its day."""
    return at - 1 if at and turn.tokens[at - 1] == "the" and not turn.closes(at - 1) else at


def find_holidays(turn: Utterance) -> Iterator[WordSpan]:
    """Days with a name, and the year after them: "Christmas Eve nineteen sixty", "on Halloween"."""
    years = {run.first_word: run.last_word for run in turn.runs if len(run.digits) in (2, 4)}
    for match in _HOLIDAY.finditer(turn.text):
        first, last = words_of(turn.text, *match.span())
        after = last + (turn.tokens[last : last + 1] in (["of"], ["in"]))
        yield first, years.get(after, last)


def find_date_parts(turn: Utterance) -> Iterator[WordSpan]:
    """What is said of a date that was asked for and is not whole: "seventeenth", "of November", "the, uh, 18th".

    Months and ordinals are of it wherever they stand, and any number in a turn that has no other words.
    """
    tokens, numeric = turn.tokens, turn.numeric
    alone = all(
        at in numeric or _is_dated(token) or token in _GLUE or token in _ASIDE for at, token in enumerate(tokens)
    )
    for at, token in enumerate(tokens):
        dated = _is_dated(token) and (token not in _VERBS or alone or _beside(turn, at))
        if dated or (alone and at in numeric):
            first = at
            while first and _is_glue(tokens, first - 1) and first - 1 not in numeric:
                first -= 1
            while tokens[first] in _BEFORE_DATE:
                first += 1
            yield first, at + 1


def find_days(turn: Utterance) -> Iterator[WordSpan]:
    """Days by their number alone, where a turn itself speaks of the date: "it's the sixth", "on the 21st"."""
    tokens = turn.tokens
    for at, token in enumerate(tokens):
        first = at - 1 if at and tokens[at - 1] in _TENS and token in _ORDINALS else at
        if is_ordinal(token) and tokens[max(0, first - 1) : first] in (["the"], ["on"]):
            after = tokens[at + 1 : at + 2]
            if turn.closes(at) or not after or after[0] in _AFTER_DAY:
                yield _with_article(turn, first), at + 1


def _is_glue(tokens: Sequence[str], at: int) -> bool:
    """Whether a word joins the parts of a date, or says which of them comes next: "month is ten"."""
    return tokens[at] in _GLUE or (tokens[at] == "is" and tokens[max(0, at - 1)] in _CALLED)


def _is_dated(token: str) -> bool:
    return token in MONTHS or is_ordinal(token) or bool(_FIGURES.fullmatch(token) or _SHORT_FIGURES.fullmatch(token))


def _beside(turn: Utterance, at: int) -> bool:
    """Whether a number stands beside a word."""
    near = (at - 2, at - 1, at + 1, at + 2)
    return any(
        0 <= place < len(turn.tokens) and (place in turn.numeric or is_ordinal(turn.tokens[place])) for place in near
    )


def find_years(turn: Utterance, dates: Sequence[WordSpan]) -> Iterator[WordSpan]:
    """The year that follows day and month after a few words: "june the sixth so that's fifty five"."""
    for _, last in dates:
        for run in turn.runs:
            near = 0 <= run.first_word - last <= YEAR_GAP_WORDS
            year = len(run.digits) == 2 or (len(run.digits) == 4 and run.digits[:2] in {"19", "20"})
            if near and year and not is_quantity(turn.words, run, strict=True):
                yield run.first_word, run.last_word


def asks_child(turn: Utterance) -> bool:
    """Whether a short turn speaks of somebody who may be young: "and for your daughter?"."""
    return len(turn.tokens) <= FEW_WORDS and not _CHILD.isdisjoint(turn.tokens)


def find_births(turn: Utterance, *, child: bool = False) -> Iterator[WordSpan]:
    """Whole dates, with day, month and a year that most callers were born in, that no phrase announces; of a `child` a
    year may be any."""
    words, tokens = turn.words, turn.tokens
    if not any(token in MONTHS or _FIGURES.fullmatch(token) for token in tokens):
        return
    for first, last in find_dates(turn):
        runs = read_numbers(words[first:last])
        ordinals = sum(map(is_ordinal, tokens[first:last]))
        written = _FIGURES.fullmatch(tokens[first]) if last - first == 1 else None
        if written:
            years = [int(part) for part in re.split(r"\D", tokens[first]) if len(part) == 4]
        else:
            years = [year for run in runs if (year := _year(run)) is not None]
            # "Twentieth January fifty seven": no year to come, and no day.
            years += [1900 + int(run.digits) for run in runs if ordinals and _is_old(run)]
        day = ordinals or written or len(runs) > 1 or any(len(run.digits) > 4 for run in runs)
        if day and any(OLDEST_YEAR <= year <= (LATEST_CHILDS_YEAR if child else LATEST_YEAR) for year in years):
            yield first, last
        elif ordinals and len(runs) < 2:
            for found in find_years(turn, [(first, last)]):
                yield from ((first, last), found)


def _is_old(run: NumberRun) -> bool:
    return len(run.digits) == 2 and int(run.digits) > LAST_EXPIRY_YEAR


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


_NEXT = "(?:(?:next|this|the coming|the following) year|(?:the )?year after(?: next| that)?)"
_RELATIVE_MONTH = re.compile(
    rf"(?<!\S)(?:(?:(?:next|this|coming|this coming) (?:{'|'.join(sorted(MONTHS))}))(?: (?:of )?{_NEXT})?"
    rf"|(?:{'|'.join(sorted(MONTHS))}) (?:of )?{_NEXT})(?!\S)"
)


_PERIOD = re.compile(r"(?<!\S)(?:(?:the )?end of )?(?:next|this) (?:month|year)(?!\S)")


def find_periods(turn: Utterance) -> Iterator[WordSpan]:
    """Months and years that are told from today and have no name: "the end of next month"."""
    for match in _PERIOD.finditer(turn.text):
        yield words_of(turn.text, *match.span())


def find_relative_months(turn: Utterance) -> Iterator[WordSpan]:
    """Months whose year is told from today: "July of next year", "next June", "march the year after"."""
    if MONTHS.isdisjoint(turn.tokens):
        return
    for match in _RELATIVE_MONTH.finditer(turn.text):
        yield words_of(turn.text, *match.span())


FIRST_EXPIRY_YEAR, LAST_EXPIRY_YEAR = 23, 45
"""Two-digit years that cards expire in; callwright's own choice."""


def find_expiries(turn: Utterance, *, paid: bool) -> Iterator[WordSpan]:
    """Month and year of a card that nothing announces: "oh six twenty nine", "zero six slash two nine".

    A month with a leading zero and a year is said of little else, nor are both with a stroke between; while a card is
    `paid` with, any month and year is one, written with a stroke or by its name too ("06/29", "end of May 2029").
    """
    tokens = turn.tokens
    for run in turn.runs:
        said = tokens[run.first_word : run.last_word]
        zero = said[0] in {"oh", "o", "zero"} and (run.last_word - run.first_word <= 5)
        slashed = paid and re.fullmatch(r"\d{1,2}[/-]\d\d(?:\d\d)?", said[0]) and len(said) == 1
        stroke = len(_STROKES.intersection(said)) == 1 and said[0] not in _STROKES
        before = tokens[run.first_word - 1] if run.first_word else ""
        if before in _TIME_BEFORE and not paid:
            continue
        if (slashed or stroke or (zero and (paid or _pauses(said)))) and _is_month_year(run.digits):
            yield run.first_word, run.last_word
    if not paid:
        return
    for first, last in find_dates(turn):
        runs = read_numbers(turn.words[first:last])
        if (
            any(token in MONTHS for token in tokens[first:last])
            and runs
            and not any(map(is_ordinal, tokens[first:last]))
        ):
            year = runs[-1].digits
            if len(year) in (2, 4) and FIRST_EXPIRY_YEAR <= int(year[-2:]) <= LAST_EXPIRY_YEAR:
                yield from_end(turn, first), last


def find_expiry_months(turn: Utterance) -> Iterator[WordSpan]:
    """The month alone in which a turn says something to end: "it'll run out in July", "expires next month"."""
    tokens = turn.tokens
    for mention in turn.mentions:
        at = mention.last_word
        while mention.topic is Topic.EXPIRY and at < len(tokens) and tokens[at] in _BEFORE_MONTH:
            at += 1
        if mention.topic is not Topic.EXPIRY or at == len(tokens):
            continue
        if tokens[at] in MONTHS:
            yield from_end(turn, at), at + 1
        # Time runs out next month, too.
        elif tokens[at] in _COUNTED_MONTH and tokens[mention.first_word].startswith("exp"):
            yield at - 1, at + 1


_TIME_BEFORE = word_set("at by around about after before till past since")
_END_OF = word_set("end of the")
_BEFORE_MONTH = word_set("in on at the end of is it's its this next coming last sometime around about")
_COUNTED_MONTH = word_set("month year")
_STROKES = frozenset({"slash", "stroke"})


def from_end(turn: Utterance, first: int) -> int:
    """Where a month begins, with "the end of" before it."""
    while first and turn.tokens[first - 1] in _END_OF:
        first -= 1
    return first


def _pauses(said: Sequence[str]) -> bool:
    """Whether a number is a month with its zero and a year in tens: "oh six twenty nine", "zero six slash two nine"."""
    tens = said[-2:-1] == ["twenty"] or said[-1] in {"thirty", "twenty"} or said[-2:-1] == ["thirty"]
    return len(said) >= 3 and (tens or not _STROKES.isdisjoint(said))


def _is_month_year(digits: str) -> bool:
    if len(digits) not in (3, 4, 5, 6):
        return False
    month, year = (digits[:2], digits[2:]) if len(digits) % 2 == 0 else (digits[:1], digits[1:])
    return 1 <= int(month) <= 12 and FIRST_EXPIRY_YEAR <= int(year[-2:]) <= LAST_EXPIRY_YEAR and year[:-2] in {"", "20"}
