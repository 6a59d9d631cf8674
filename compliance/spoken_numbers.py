"""Reading numbers as people say them and as a recogniser writes them down.

"four one one one", "4111", "4111-1111", "forty-one eleven", "double four", "eight hundred" and any mixture of
these become the digits that were meant. What a number is good for is decided elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from compliance.vocabulary import word_set

MAX_FILLERS = 3
"""Fillers in a row that still leave the digits around them one number; callwright's own choice."""

UNITS = {
    "zero": 0, "oh": 0, "o": 0, "nought": 0, "naught": 0, "nil": 0, "one": 1, "two": 2, "three": 3,
    "four": 4, "five": 5, "six": 6,
    "seven": 7, "eight": 8, "nine": 9, "niner": 9,
}  # fmt: skip
TEENS = {
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fourty": 40, "fifty": 50, "sixty": 60, "seventy": 70,
    "eighty": 80, "ninety": 90,
}  # fmt: skip
_SCALES = {"hundred": 100, "thousand": 1000}
_TIMES = {"double": 2, "triple": 3, "treble": 3, "quadruple": 4}
_HOMOPHONES = {
    "to": 2, "too": 2, "for": 4, "fore": 4, "won": 1, "ate": 8, "tree": 3, "free": 3, "owe": 0, "sicks": 6, "sex": 6,
    "fife": 5, "nein": 9,
}  # fmt: skip
_FILLERS = word_set("um uh uhm umm erm er ah hmm mm and then dash hyphen space slash comma next dot stroke")
_CLOSERS = word_set("dash hyphen space slash comma then next dot stroke")

_FIGURES = re.compile(r"\+?\d+(?:[-./,()]+\d+)*")
_DECIMAL = re.compile(r"\d{1,3}(?:,\d{3})*\.\d{1,2}|\d{1,3}(?:\.\d{1,3}){3}")
_DASHES = str.maketrans({"–": "-", "—": "-", "‑": "-", "−": "-"})  # noqa: RUF001
_EDGES = "\"'“”‘’([{<#)]}>.,?!;:…-"  # noqa: RUF001


class _Kind(Enum):
    FIGURES = auto()
    UNIT = auto()
    TEEN = auto()
    TENS = auto()
    SCALE = auto()
    TIMES = auto()
    HOMOPHONE = auto()
    DECIMAL = auto()
    FILLER = auto()


_SMALL = frozenset({_Kind.UNIT, _Kind.TEEN, _Kind.TENS})


@dataclass(frozen=True, slots=True)
class _Atom:
    word: int
    kind: _Kind
    value: int
    text: str = ""
    closes: bool = False


@dataclass(frozen=True, slots=True)
class NumberRun:
    """Digits that follow one another: words [first_word, last_word) and what they say.

    `groups` are the lengths of the groups that dashes, commas and pauses make ("536-90-4399" gives 3, 2, 4);
    `spoken` is true if no figure was written.
    """

    first_word: int
    last_word: int
    digits: str = field(repr=False)
    groups: tuple[int, ...]
    spoken: bool


def bare(word: str) -> str:
    """The word in lower case, without punctuation at its ends.

    >>> bare("Four-Five,")
    'four-five'
    """
    return (word if word.isascii() else word.translate(_DASHES)).strip(_EDGES).lower()


def luhn_valid(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (Luhn; ISO/IEC 7812-1, annex B).

    >>> luhn_valid("4111111111111111"), luhn_valid("4111111111111112")
    (True, False)
    """
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return bool(digits) and total % 10 == 0


def is_filler(word: str) -> bool:
    """Whether the word may stand inside a spoken number without ending it."""
    return bare(word) in _FILLERS


def is_number_word(token: str) -> bool:
    """Whether a bare word is a number's: "four", "forty", "double"; figures are not asked about."""
    return token in UNITS or token in TEENS or token in TENS or token in _TIMES


def is_count_word(token: str) -> bool:
    """Whether a bare word says more than one digit: "forty", "eleven", "hundred"."""
    return token in TEENS or token in TENS or token in _SCALES


def is_homophone(word: str) -> bool:
    """Whether the word may be a misheard digit: "for", "to", "ate"."""
    return bare(word) in _HOMOPHONES


def read_numbers(words: Sequence[str], *, loose: bool = False) -> list[NumberRun]:
    """Every run of digits in the words, in order; runs do not overlap or begin or end with a filler.

    A lone "oh", "to" or "for" is no number. "twenty four" is 24 and "forty one eleven" 4111: a tens word
    takes the unit that follows it, as speakers mean it. `loose` reads every word that sounds like a digit as one.
    """
    runs: list[NumberRun] = []
    for atoms in _stretches(words, loose=loose):
        runs.extend(_runs(atoms))
    return runs


def _stretches(words: Sequence[str], *, loose: bool) -> list[list[_Atom]]:
    """The words' atoms, cut wherever a word is neither number nor filler."""
    stretches: list[list[_Atom]] = [[]]
    for index, word in enumerate(words):
        atoms = [_Atom(index, _Kind.UNIT, 1, "a")] if _is_one(words, index) else _atoms(index, word)
        if atoms:
            stretches[-1].extend(atoms)
        elif stretches[-1]:
            stretches.append([])
    return [piece for stretch in stretches for piece in _settle_doubtful(stretch, loose=loose)]


def _is_one(words: Sequence[str], index: int) -> bool:
    """Whether an "a" is the 1 of a number: "a hundred and four"; "a hundred" alone is a count."""
    if words[index] not in {"a", "A"}:
        return False
    after = [bare(word) for word in words[index + 1 : index + 4] if bare(word) != "and"]
    return len(after) > 1 and after[0] in _SCALES and any(after[1] in table for table in (UNITS, TEENS, TENS))


def _settle_doubtful(atoms: list[_Atom], *, loose: bool) -> list[list[_Atom]]:
    """Decide by what stands beside them what "to" and "6.04" are; what is no digit cuts.

    "To" is 2 only between two single spoken digits. A decimal is a price or a measure, unless figures touch it:
    "6.04. 8827" is how a recogniser writes a dictated number with a pause in it.
    """
    pieces: list[list[_Atom]] = [[]]
    for index, atom in enumerate(atoms):
        around = [near[0] for near in (_said(atoms[:index][::-1]), _said(atoms[index + 1 :])) if near]
        # "Two to three" alone is a range.
        alone = sum(near.kind is not _Kind.FILLER for near in atoms) <= 3 and atom.text in {"to", "too", "for"}
        doubled = index > 0 and atoms[index - 1].kind is _Kind.TIMES
        if atom.kind is _Kind.HOMOPHONE and (loose or doubled or (_between_digits(around) and not alone)):
            pieces[-1].append(_Atom(atom.word, _Kind.UNIT, atom.value, atom.text, atom.closes))
        elif atom.kind is _Kind.DECIMAL and any(_is_figures(near) for near in around):
            pieces[-1].append(_Atom(atom.word, _Kind.FIGURES, 0, atom.text))
        elif atom.kind in {_Kind.HOMOPHONE, _Kind.DECIMAL}:
            pieces.append([])
        else:
            pieces[-1].append(atom)
    return pieces


def _said(atoms: list[_Atom]) -> list[_Atom]:
    """The first of the atoms that is no filler, if one of the next few is none."""
    return [atom for atom in atoms[: MAX_FILLERS + 1] if atom.kind is not _Kind.FILLER][:1]


def _between_digits(around: list[_Atom]) -> bool:
    """Whether both neighbours are digits, or a ten and a digit: "eighty for oh six"."""
    if len(around) != 2 or not _is_digit(around[1]):
        return False
    return _is_digit(around[0]) or around[0].kind in {_Kind.TENS, _Kind.TEEN}


def _is_digit(atom: _Atom) -> bool:
    # "Four ate too five": what sounds like a digit beside another is one too.
    return atom.kind in {_Kind.UNIT, _Kind.HOMOPHONE} or (atom.kind is _Kind.FIGURES and len(atom.text) == 1)


def _is_figures(atom: _Atom) -> bool:
    return atom.kind is _Kind.DECIMAL or (atom.kind is _Kind.FIGURES and len(re.sub(r"\D", "", atom.text)) > 1)


def _atoms(index: int, word: str) -> list[_Atom]:
    closes = word[-1:] in ".,;?!"
    text = bare(word)
    if _FIGURES.fullmatch(text):
        if word.strip("\"'(").startswith(("$", "£", "€")):
            return []
        return [_Atom(index, _Kind.DECIMAL if _DECIMAL.fullmatch(text) else _Kind.FIGURES, 0, text)]
    parts = text.split("-")
    atoms = []
    for place, part in enumerate(parts):
        atom = _atom(index, part, closes=closes and place == len(parts) - 1)
        if atom is None:
            return []
        atoms.append(atom)
    return atoms


def _atom(index: int, part: str, *, closes: bool) -> _Atom | None:
    tables = (
        (UNITS, _Kind.UNIT),
        (TEENS, _Kind.TEEN),
        (TENS, _Kind.TENS),
        (_SCALES, _Kind.SCALE),
        (_TIMES, _Kind.TIMES),
        (_HOMOPHONES, _Kind.HOMOPHONE),
    )
    for table, kind in tables:
        if part in table:
            return _Atom(index, kind, table[part], part, closes)
    if part in _FILLERS:
        return _Atom(index, _Kind.FILLER, 0, part, closes or part in _CLOSERS)
    return _Atom(index, _Kind.FIGURES, 0, part) if part.isascii() and part.isdigit() else None


def _runs(atoms: list[_Atom]) -> list[NumberRun]:
    runs: list[NumberRun] = []
    held: list[tuple[str, list[_Atom]]] = []
    fillers = 0
    at = 0
    while at < len(atoms):
        # "Fifty five thousand eight hundred" is no number, and yet dictated.
        if atoms[at].kind is _Kind.FILLER or (held and atoms[at].kind is _Kind.SCALE):
            fillers += 1
            if held and atoms[at].closes:
                held.append(("", [atoms[at]]))
            at += 1
            continue
        digits, after = _read_one(atoms, at)
        if held and (fillers > MAX_FILLERS or not digits):
            runs.extend(_close(held))
            held = []
        if digits:
            held.append((digits, atoms[at:after]))
        fillers = 0
        at = after
    runs.extend(_close(held))
    return runs


def _close(held: list[tuple[str, list[_Atom]]]) -> list[NumberRun]:
    while held and not held[-1][0]:
        held = held[:-1]
    digits = "".join(said for said, _ in held)
    atoms = [atom for said, atoms in held if said for atom in atoms]
    if not digits or all(atom.text in {"oh", "o"} for atom in atoms):
        return []
    spoken = all(atom.kind is not _Kind.FIGURES for atom in atoms)
    return [NumberRun(atoms[0].word, atoms[-1].word + 1, digits, _groups(held), spoken)]


def _groups(held: list[tuple[str, list[_Atom]]]) -> tuple[int, ...]:
    groups: list[int] = []
    growing = 0
    for digits, atoms in held:
        figures = [part for part in re.split(r"\D+", atoms[0].text) if part]
        if atoms[0].kind is _Kind.FIGURES and "".join(figures) == digits:
            groups += [growing, *map(len, figures)]
            growing = 0
            continue
        growing += len(digits)
        if atoms[-1].closes:
            groups.append(growing)
            growing = 0
    return tuple(size for size in [*groups, growing] if size)


def _read_one(atoms: list[_Atom], at: int) -> tuple[str, int]:
    """The digits that begin at an atom and the index after them; no digits if the atom says none."""
    atom = atoms[at]
    if atom.kind is _Kind.TIMES:
        return _repeated(atoms, at)
    if atom.kind is _Kind.FIGURES:
        digits, after = re.sub(r"\D", "", atom.text), at + 1
        scalable = len(digits) <= 3
    elif atom.kind in _SMALL:
        value, after = _small(atoms, at)
        digits, scalable = str(value), True
    else:
        return "", at + 1
    if scalable and int(digits) and after < len(atoms) and atoms[after].kind is _Kind.SCALE:
        return _scaled(atoms, after, int(digits))
    return digits, after


def _repeated(atoms: list[_Atom], at: int) -> tuple[str, int]:
    """What "double four" and its like say; no digits if no single digit follows."""
    after = atoms[at + 1] if at + 1 < len(atoms) else atoms[at]
    said = str(after.value) if after.kind is _Kind.UNIT else after.text
    if after.kind in {_Kind.UNIT, _Kind.FIGURES} and len(said) == 1:
        return said * atoms[at].value, at + 2
    return "", at + 1


def _small(atoms: list[_Atom], at: int) -> tuple[int, int]:
    """A number under a hundred and the index after it."""
    value = atoms[at].value
    if atoms[at].kind is _Kind.TENS and at + 1 < len(atoms):
        after = atoms[at + 1]
        if after.kind is _Kind.UNIT and after.value and not atoms[at].closes:
            return value + after.value, at + 2
    return value, at + 1


def _scaled(atoms: list[_Atom], at: int, value: int) -> tuple[str, int]:
    """A number that goes on with "hundred" or "thousand" at `at`."""
    scale = atoms[at].value
    value *= scale
    after = at + 1
    start = after + 1 if after < len(atoms) and atoms[after].text == "and" else after
    if start >= len(atoms) or atoms[start].kind not in _SMALL:
        return str(value), after
    rest, end = _small(atoms, start)
    if scale == 1000 and rest and end < len(atoms) and atoms[end].kind is _Kind.SCALE:
        if atoms[end].value == 100:
            said, end = _scaled(atoms, end, rest)
            return (str(value + int(said)), end) if int(said) < scale else (str(value), after)
        return str(value), after
    # "eight hundred five five five" dictates 800-555, "eight hundred five" counts 805.
    dictated = len(str(rest)) == 1 and end < len(atoms) and atoms[end].kind in {_Kind.UNIT, _Kind.FIGURES}
    return (str(value), after) if dictated or not rest else (str(value + rest), end)
