"""Numbers, sums and times in a text, however they are said: "$89.50" is "eighty-nine dollars and fifty cents".

What a transcript says is read generously, in every way that it can be meant; what a summary says in one way alone.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from compliance.spoken_numbers import TEENS, TENS, UNITS

_SCALES = {"hundred": 100, "thousand": 1_000, "grand": 1_000, "million": 1_000_000}
_ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10, "eleventh": 11, "twelfth": 12, "thirteenth": 13, "fourteenth": 14, "fifteenth": 15, "sixteenth": 16,
    "seventeenth": 17, "eighteenth": 18, "nineteenth": 19, "twentieth": 20, "thirtieth": 30,
}  # fmt: skip
_COUNTS = {"once": 1, "twice": 2, "thrice": 3, "couple": 2, "pair": 2, "dozen": 12, "noon": 12, "midday": 12}

_KINDS = {
    "money": r"\$|usd|dollars?|bucks?|quid|£|gbp|pounds?|€|eur|euros?",
    "cents": r"cents?|pence",
    "percent": r"%|percent|percentage",
    "minute": r"min|mins|minutes?",
    "hour": r"hrs?|hours?",
    "day": r"days?|evenings?",
    "night": r"nights?",
    "week": r"weeks?",
    "month": r"months?",
    "year": r"years?|yearly|annually",
}
_KIND_OF = re.compile("|".join(f"(?P<{name}>{words})" for name, words in _KINDS.items()))
_BETWEEN = frozenset({"business", "working", "calendar", "full", "more"})
_VAGUE_ORDINALS = frozenset({"first", "second"})
"""Said of an order of things oftener than of a number."""

_TOKEN = re.compile(
    r"[$£€]|\d{1,2}:\d{2}|\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\.\d+|\d+(?=st|nd|rd|th)|\d+|%|[^\W\d_]+(?:['\u2019][^\W\d_]+)?|[.,;:?!]"
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number as its shortest decimal ("89.5"), or a time as "10:30"; `kind` is what it counts, "" if not told."""

    value: str
    kind: str = ""
    word: bool = False
    """Whether it was written in letters."""


def tokens(text: str) -> list[str]:
    """Words, figures, signs and closing punctuation in lower case; "forty-one" is two words."""
    return [match[0].lower() for match in _TOKEN.finditer(text.replace("-", " ").replace("per cent", "percent"))]


def said(text: str) -> set[Quantity]:
    """Every quantity that a text can be heard to say.

    >>> sorted(one.value for one in said("It is five five two oh one"))
    ['55201']
    >>> {"39.99", "3999"} <= {one.value for one in said("thirty nine ninety nine a year")}
    True
    """
    words = tokens(text)
    found = set(_times(words))
    for run in _runs(words):
        found |= set(_readings(words, run))
    found |= {Quantity(str(_COUNTS[word])) for word in words if word in _COUNTS}
    if "half" in words:
        found |= {Quantity("50", "percent"), Quantity("0.5")}
    if {"a", "an", "one"} & set(words):
        found.add(Quantity("1"))
    return found


def claimed(text: str) -> set[Quantity]:
    """The quantities that a text says, each read in one way.

    >>> sorted(one.value for one in claimed("Tuesday at half past ten, for $1,500"))
    ['10:30', '1500']
    """
    words = tokens(text)
    found = set(_times(words, strict=True))
    timed = _timed(words)
    for run in _runs(words):
        if any(place in timed for number in run for place in range(number.first, number.last)):
            continue
        if all(number.ordinal and words[number.first] in _VAGUE_ORDINALS for number in run):
            continue
        if len(run) > 1 and all(number.last - number.first == 1 and number.value < 10 for number in run):
            digits = "".join(str(number.value) for number in run)
            found.add(Quantity(_plain(digits), "", word=True))
        else:
            found |= set(_sums(words, run)) or {_quantity(words, number) for number in run}
    return found


def agrees(claim: Quantity, heard: set[Quantity]) -> bool:
    """Whether somebody said that quantity, of the same kind as far as both are told."""
    if claim.value == "1" and claim.word:
        return True  # "one of them" is no number, and who says "a week" means one
    same = [one for one in heard if one.value in (claim.value, f"{claim.value}:00")]
    told = {one.kind for one in same if one.kind}
    return bool(same) and (not claim.kind or not told or claim.kind in told or any(not one.kind for one in same))


@dataclass(frozen=True, slots=True)
class _Number:
    """A number in words [first, last)."""

    first: int
    last: int
    value: float
    ordinal: bool = False
    figures: str = ""


def _runs(words: Sequence[str]) -> Iterator[list[_Number]]:
    """Numbers that follow one another without a word between them."""
    run: list[_Number] = []
    place = 0
    while place < len(words):
        number = _number(words, place)
        if number is None:
            if run and words[place] not in {",", "dash"}:
                yield run
                run = []
            place += 1
            continue
        if run and words[number.first - 1] == "," and (number.figures or run[-1].figures):
            yield run
            run = []
        run.append(number)
        place = number.last
    if run:
        yield run


def _number(words: Sequence[str], place: int) -> _Number | None:
    """The longest number that begins at a word: "two hundred and five", "41", "third"."""
    word = words[place]
    if word[0].isdigit() and ":" not in word:
        value = float(word.replace(",", ""))
        after = place + 1
        ordinal = after < len(words) and words[after] in {"st", "nd", "rd", "th"}
        if after < len(words) and words[after] in _SCALES:
            return _Number(place, after + 1, value * _SCALES[words[after]])
        return _Number(place, after, value, ordinal, word)
    small = _small(words, place)
    if small is None:
        return None
    value, after, ordinal = small
    total, held = 0.0, float(value)
    while after < len(words) and words[after] in _SCALES:
        scale = _SCALES[words[after]]
        held *= scale
        after += 1
        joined = after + 1 if after < len(words) and words[after] == "and" else after
        more = _small(words, joined) if joined < len(words) else None
        if more is None or more[0] >= scale:
            break
        if scale >= 1_000:
            total, held = total + held, 0.0
        held += more[0]
        after, ordinal = more[1], more[2]
    return _Number(place, after, total + held, ordinal)


def _small(words: Sequence[str], place: int) -> tuple[int, int, bool] | None:
    """A number under a hundred, the place after it, and whether it is an ordinal."""
    word = words[place]
    if word in TENS:
        if place + 1 < len(words):
            if UNITS.get(words[place + 1], 0) > 0:
                return TENS[word] + UNITS[words[place + 1]], place + 2, False
            if 0 < _ORDINALS.get(words[place + 1], 0) < 10:
                return TENS[word] + _ORDINALS[words[place + 1]], place + 2, True
        return TENS[word], place + 1, False
    for table in (UNITS, TEENS):
        if word in table:
            return table[word], place + 1, False
    return (_ORDINALS[word], place + 1, True) if word in _ORDINALS else None


def _readings(words: Sequence[str], run: Sequence[_Number]) -> Iterator[Quantity]:
    dictated = len(run) > 2 and all(number.value < 10 and not number.figures for number in run)
    if _is_clock(words, run):
        yield Quantity(f"{run[0].value:g}:{run[1].value:g}")
        return
    if not dictated:
        yield from (_quantity(words, number) for number in run)
    yield from _sums(words, run)
    for first in range(len(run)):
        for last in range(first + 2, len(run) + 1):
            if not dictated or (first, last) == (0, len(run)):
                joined = "".join(number.figures or f"{number.value:g}" for number in run[first:last])
                yield Quantity(_plain(joined))
    for one, other in itertools.pairwise(run):
        if 10 <= other.value < 100:
            yield Quantity(_plain(f"{one.value:g}.{other.value:g}"), "money")
            if one.value <= 24 and other.value < 60:
                yield Quantity(f"{one.value:g}:{other.value:g}")


def _is_clock(words: Sequence[str], run: Sequence[_Number]) -> bool:
    """Whether two numbers are an hour and minutes, by what stands around them: "at two fifteen", "six forty pm"."""
    if len(run) != 2 or run[0].value > 24 or not 10 <= run[1].value < 60:
        return False
    before, after = words[run[0].first - 1 : run[0].first], words[run[1].last : run[1].last + 3]
    return after[:1] in (["am"], ["pm"]) or after[:2] == ["in", "the"] or after[1:2] == ["m"] or before == ["at"]


def _sums(words: Sequence[str], run: Sequence[_Number]) -> Iterator[Quantity]:
    """Dollars and cents as one sum, told by the second of both numbers."""
    last = run[0]
    before = words[max(0, last.first - 2) : last.first]
    after = words[last.last : last.last + 1]
    if before and _kind(before[0]) == "money" and before[-1] == "and" and after and _kind(after[0]) == "cents":
        whole = next((run[-1] for run in _runs(words[: last.first - 2]) if run[-1].last == last.first - 2), None)
        if whole is not None:
            yield Quantity(_plain(f"{whole.value + last.value / 100:.2f}"), "money")


def _quantity(words: Sequence[str], number: _Number) -> Quantity:
    before = words[number.first - 1] if number.first else ""
    after = [word for word in words[number.last : number.last + 2] if word not in _BETWEEN]
    kind = _kind(before) if before in {"$", "£", "€"} else _kind(after[0]) if after else ""
    value = _plain(
        number.figures.replace(",", "") or f"{number.value:g}" if number.value < 1e6 else f"{number.value:.0f}"
    )
    return Quantity(value, kind, word=not number.figures)


def _kind(word: str) -> str:
    found = _KIND_OF.fullmatch(word)
    return (found.lastgroup or "") if found else ""


def _plain(digits: str) -> str:
    """Without zeros that say nothing: "007" is "7", "89.50" is "89.5"."""
    whole, dot, rest = digits.partition(".")
    whole = whole.lstrip("0") or "0"
    return f"{whole}.{rest.rstrip('0')}" if dot and rest.rstrip("0") else whole


def _timed(words: Sequence[str]) -> set[int]:
    """The places of words that belong to "half past ten" and its like."""
    return {
        place + offset
        for place, word in enumerate(words)
        if word in {"past", "to"} and place and words[place - 1] in {"half", "quarter"}
        for offset in (-1, 0, 1)
    }


def _times(words: Sequence[str], *, strict: bool = False) -> Iterator[Quantity]:
    for place, word in enumerate(words):
        if re.fullmatch(r"\d{1,2}:\d{2}", word):
            yield Quantity(str(int(word.split(":")[0])) + ":" + word.split(":")[1])
            if not strict and word.endswith(":00"):
                yield Quantity(str(int(word.split(":")[0])))
        if word in {"past", "to"} and place and place + 1 < len(words) and words[place - 1] in {"half", "quarter"}:
            hour = _number(words, place + 1)
            if hour is not None:
                minutes = {"half": 30, "quarter": 15}[words[place - 1]]
                if word == "to":
                    yield Quantity(f"{hour.value - 1:g}:{60 - minutes}")
                else:
                    yield Quantity(f"{hour.value:g}:{minutes}")
    if strict and "noon" in words:
        yield Quantity("12")
