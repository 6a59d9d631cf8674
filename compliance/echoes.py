"""What was removed once is removed wherever it comes again in the call, whole or in part."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from compliance.findings import PRECEDENCE, Finding
from compliance.names import lexicon
from compliance.quantities import is_quantity, is_year
from compliance.readers.codes import compressed, spelt
from compliance.readers.emails import is_email_joint
from compliance.spoken_numbers import read_numbers
from compliance.utterance import Utterance
from compliance.vocabulary import word_set

MIN_DIGITS = 3
"""Digits of a part that is looked for; callwright's own choice."""

SURE_DIGITS = 4
"""Digits that are no accident anywhere in a call; callwright's own choice."""

MIN_LETTERS = 3
"""Letters of a word that is looked for; callwright's own choice."""

MIN_PART_LETTERS = 4
"""Letters of a part of a word ("plum" of "plumbright") that is looked for; callwright's own choice."""

NEAR_TURNS = 6
"""Turns around a value in which parts of it that everyday talk has too are still its own; callwright's own choice."""

_NUMBERED = frozenset(PRECEDENCE) - {"PERSON", "URL", "AGE_OVER_89", "MEDICAL_DATE"}
_WORDED = frozenset({"EMAIL_ADDRESS", "PERSON", "LOCATION"})
_EDGE = word_set(
    "plus prefix front end ends ending ended beginning begins start starts front middle last first instead"
)
_PLAIN = word_set(
    """
    at dot com org net the and is a an in of to it my or for on co uk underscore dash hyphen email mail address street
    road avenue drive lane close court way house flat apartment number unit suite north south east west zip code
    postcode gmail yahoo hotmail outlook icloud that this you your are was with from not now no yes one two three four
    five six seven eight nine zero double triple capital lower upper case letter new old city town park box po
    january february march april may june july august september october november december not mum dad all said want
    get got can will here there what when where who how just like well okay right then than them they have has had
    hill view green place square rise grove gardens end row walk mews crescent terrace point ridge mister missus
    company limited office inc info sales hello contact support admin accounts service services
    """
)


@dataclass(frozen=True, slots=True)
class _Value:
    """What one finding says: its digits, with the letters of a code, or its words."""

    turn: int
    entity: str
    digits: str = field(default="", repr=False)
    words: frozenset[str] = field(default=frozenset(), repr=False)


def find_echoes(turns: Sequence[Utterance], found: Iterable[Finding]) -> Iterator[Finding]:
    """Further mentions of what was found, and the joints of e-mail addresses between them."""
    said = list(dict.fromkeys(found))
    yield from _digits(turns, said)
    yield from _codes(turns, said)
    worded = list(_words(turns, said))
    known = {(finding.turn, word) for finding in said for word in range(finding.first_word, finding.last_word)}
    # A name that an address is made of is a name where it was said as one.
    yield from (finding for finding in worded if (finding.turn, finding.first_word) not in known)
    yield from _joints(turns, [*said, *worded])


def _digits(turns: Sequence[Utterance], found: Sequence[Finding]) -> Iterator[Finding]:
    values: dict[_Value, None] = {}
    for finding in found:
        if finding.entity in _NUMBERED:
            words = turns[finding.turn].words[finding.first_word : finding.last_word]
            digits = "".join(run.digits for run in read_numbers(words, loose=turns[finding.turn].loose))
            if len(digits) >= MIN_DIGITS:
                values[_Value(finding.turn, finding.entity, digits)] = None
    if not values:
        return
    for index, turn in enumerate(turns):
        for run in turn.runs:
            if len(run.digits) < 2 or is_quantity(turn.words, run, strict=True) or is_year(turn.words, run):
                continue
            for value in values:
                if _is_part(run.digits, value, index, turn):
                    yield Finding(index, run.first_word, run.last_word, value.entity)


def _codes(turns: Sequence[Utterance], found: Sequence[Finding]) -> Iterator[Finding]:
    """A code of letters and digits that is read back as one word, whole or its beginning or end: "NG7", "K7"."""
    values: dict[_Value, None] = {}
    for finding in found:
        if finding.entity in _NUMBERED:
            code = compressed(turns[finding.turn], finding.first_word, finding.last_word)
            if len(code) >= MIN_LETTERS and re.search(r"\d", code) and re.search(r"[a-z]", code):
                values[_Value(finding.turn, finding.entity, code)] = None
    for index, turn in enumerate(turns if values else ()):
        for place, token in enumerate(turn.tokens):
            said = re.sub(r"\W", "", token)
            if re.fullmatch(r"(?=.*\d)(?=.*[a-z])[a-z0-9]{2,}", said):
                for value in values:
                    part = value.digits.startswith(said) or value.digits.endswith(said)
                    if part and abs(index - value.turn) <= NEAR_TURNS:
                        yield Finding(index, place, place + 1, value.entity)


def _is_part(digits: str, value: _Value, index: int, turn: Utterance) -> bool:
    """Whether digits come from a value, or hold it whole; two are enough where somebody speaks of an end of it."""
    if len(value.digits) >= SURE_DIGITS and value.digits in digits:
        return True
    if len(digits) < MIN_DIGITS:
        near = 0 < index - value.turn <= 2 and len(value.digits) > SURE_DIGITS
        return near and not _EDGE.isdisjoint(turn.tokens)
    near = abs(index - value.turn) <= NEAR_TURNS
    return digits in value.digits and (near or len(digits) >= SURE_DIGITS)


def _words(turns: Sequence[Utterance], found: Sequence[Finding]) -> Iterator[Finding]:
    """Words of names, places and e-mails: rare ones anywhere, everyday ones and parts of one nearby."""
    values = [value for finding in found if finding.entity in _WORDED and (value := _worded(turns, finding)).words]
    if not values:
        return
    rare: dict[str, set[str]] = {}
    for value in values:
        for word in value.words - lexicon().everyday:
            rare.setdefault(word, set()).add(value.entity)
    emails = [value for value in values if value.entity == "EMAIL_ADDRESS"]
    for index, turn in enumerate(turns):
        near = {word for value in emails if abs(value.turn - index) <= NEAR_TURNS for word in value.words}
        for place, token in enumerate(turn.tokens):
            stem = token.removesuffix("'s").replace("-", "")
            if len(stem) < MIN_LETTERS or stem in _PLAIN:
                continue
            yield from (Finding(index, place, place + 1, entity) for entity in rare.get(stem, ()))
            if stem in near or (len(stem) >= MIN_PART_LETTERS and any(_is_edge(stem, word) for word in near)):
                yield Finding(index, place, place + 1, "EMAIL_ADDRESS")


def _worded(turns: Sequence[Utterance], finding: Finding) -> _Value:
    """The words of a finding that say something, those of an e-mail also as one, and what it spells."""
    turn = turns[finding.turn]
    tokens = turn.tokens[finding.first_word : finding.last_word]
    parts = {part for token in tokens for part in re.split(r"[@_.-]", token.removesuffix("'s"))}
    words = {part for part in parts if len(part) >= MIN_LETTERS and part.isalpha() and part not in _PLAIN}
    joined = [spelt(turn, finding.first_word, finding.last_word).replace("?", "")]
    if finding.entity == "EMAIL_ADDRESS":
        local = tokens[: tokens.index("at")] if "at" in tokens else tokens
        joined.append("".join(token for token in local if token.isalpha()))
    words.update(word for word in joined if len(word) >= MIN_LETTERS)
    return _Value(finding.turn, finding.entity, words=frozenset(words))


def _is_edge(part: str, word: str) -> bool:
    return len(part) < len(word) and (word.startswith(part) or word.endswith(part))


def _joints(turns: Sequence[Utterance], found: Sequence[Finding]) -> Iterator[Finding]:
    """Letters and "dot", "underscore", "at" beside or between parts of an address that is read back."""
    held: dict[int, set[int]] = {}
    said: set[str] = set()
    for finding in found:
        if finding.entity == "EMAIL_ADDRESS":
            said.update(turns[finding.turn].tokens[finding.first_word : finding.last_word])
            held.setdefault(finding.turn, set()).update(range(finding.first_word, finding.last_word))
    figures = {
        digits
        for finding in found
        if finding.entity == "EMAIL_ADDRESS"
        for digits in _figures(turns[finding.turn].words[finding.first_word : finding.last_word])
    }
    for index, words in held.items():
        tokens = turns[index].tokens
        for run in turns[index].runs:
            # "G-O-S-T, 52?": the figures of an address, beside its letters.
            beside = not words.isdisjoint({run.first_word - 1, run.last_word})
            if beside and run.digits in figures and words.isdisjoint(range(run.first_word, run.last_word)):
                yield Finding(index, run.first_word, run.last_word, "EMAIL_ADDRESS")
        for step in (1, -1):
            for place in sorted(words, reverse=step < 0):
                at = place + step
                while 0 <= at < len(tokens) and at not in words and _joins(tokens, at, step, said):
                    yield Finding(index, at, at + 1, "EMAIL_ADDRESS")
                    at += step


def _figures(words: Sequence[str]) -> Iterator[str]:
    """The digits of an address, each number of it by itself."""
    yield from (run.digits for run in read_numbers(words))
    yield from (digits for word in words for digits in re.findall(r"\d+", word))


def _joins(tokens: Sequence[str], at: int, step: int, said: set[str]) -> bool:
    token = tokens[at]
    beyond = tokens[at + step] if 0 <= at + step < len(tokens) else ""
    # "Accounts at redfern": beside an "at", everyday words of an address are its own.
    beside = tokens[at - step] in {"at", "dot", "underscore"} and token in said
    return (
        beside
        or is_email_joint(token)
        or (len(token) == 1 and token.isalpha() and (token not in {"a", "i"} or len(beyond) == 1))
    )
