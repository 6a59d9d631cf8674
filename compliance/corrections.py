"""What somebody puts right: "it's Place not Parade", "fourteen not forty", "six, no, sixteen", where one was found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from compliance.findings import Finding
from compliance.names import lexicon
from compliance.readers.spans import WordSpan
from compliance.utterance import Utterance
from compliance.vocabulary import word_set

MAX_WORDS = 3
"""Words on either side of a "not" that are put right; callwright's own choice."""

NEAR_TURNS = 4
"""Turns back in which somebody said what is put right; callwright's own choice."""

_MARKERS = word_set("no sorry wait mean rather correction oops scratch")
_REPAIRS = _MARKERS | word_set("i that it's make is um uh actually hang on the")
_OF_BOTH = frozenset({"LOCATION", "EMAIL_ADDRESS"})
_ARTICLES = word_set("the a an on at in number")
_BEFORE = word_set(
    "no yes yeah sorry it's its it is that's that so oh and but actually well um uh okay ok to at in on the"
)
_ENDS = word_set("and but so it's okay ok thanks please sorry yes no")
_TALK = word_set(
    """
    sure yet now anymore really that this it there here today working right wrong far too very at all even just only
    always quite certain me you i we they he she him her them us my your our his the a an to if what who why how when
    going getting happy good great bad able ready correct mine yours do does did don't is are was were am be been have
    has had will would can could should may might must necessarily exactly much many enough long again so or and but as
    for with from of by because however hopefully maybe i'm it's that's possible available interested
    """
)


def find_corrections(turns: Sequence[Utterance], found: Iterable[Finding]) -> Iterator[Finding]:
    """What stands on either side of a "not" if the other side was found, here or in the turns before.

    Digits put right digits alone, but for addresses, which have both.
    """
    known: dict[tuple[int, int], str] = {}
    said: dict[int, dict[str, str]] = {}
    for finding in found:
        for word in range(finding.first_word, finding.last_word):
            known[finding.turn, word] = finding.entity
            said.setdefault(finding.turn, {})[turns[finding.turn].tokens[word]] = finding.entity
    yield from _repaired(turns, known)
    for index, turn in enumerate(turns):
        if "not" not in turn.tokens:
            continue
        near: dict[str, str] = {}
        for back in range(index - NEAR_TURNS, index + 1):
            near |= said.get(back, {})
        if not near:
            continue
        for at in (at for at, word in enumerate(turn.tokens) if word == "not"):
            before, after = _before(turn, at), _after(turn, at)
            if not (before and after):
                continue
            places = before[1] - 1, after[0]
            right, wrong = (known.get((index, place)) or near.get(turn.tokens[place]) for place in places)
            alike = (places[0] in turn.numeric) == (places[1] in turn.numeric)
            entity = right or wrong
            if entity and (alike or entity in _OF_BOTH):
                yield Finding(index, *before, entity)
                yield Finding(index, *after, entity)


def _repaired(turns: Sequence[Utterance], known: dict[tuple[int, int], str]) -> Iterator[Finding]:
    """What was begun and given up just before what was found, "six no sixteen bramble close", and names after one."""
    for (index, word), entity in known.items():
        turn = turns[index]
        if entity == "PERSON" and (index, word + 1) not in known:
            yield from _replaced(turn, index, word, entity)
        first = word
        while first and word - first < MAX_WORDS and turn.tokens[first - 1] in _REPAIRS:
            first -= 1
        held = (index, word - 1) in known and turn.tokens[word - 1] not in _REPAIRS
        if first == word or held or not _MARKERS & set(turn.tokens[first:word]):
            continue
        begun = _before(turn, first)
        if begun and ((begun[1] - 1 in turn.numeric) == (word in turn.numeric) or entity in _OF_BOTH):
            yield from _of_kind(turn, Finding(index, *begun, entity))


def _replaced(turn: Utterance, index: int, word: int, entity: str) -> Iterator[Finding]:
    """The name that is said in place of the one that ends at a word: "yusuf sorry youssef haddad"."""
    first = word + 1
    while first < len(turn.tokens) and first - word <= MAX_WORDS and turn.tokens[first] in _REPAIRS:
        first += 1
    last = first
    while last < len(turn.tokens) and last - first < MAX_WORDS and _may_be_name(turn.tokens[last]):
        last += 1
        if turn.closes(last - 1):
            break
    if not _MARKERS.isdisjoint(turn.tokens[word + 1 : first]) and last > first:
        yield Finding(index, first, last, entity)


def _of_kind(turn: Utterance, begun: Finding) -> Iterator[Finding]:
    """A number, or of words those alone that may be a name, a place or an address."""
    first, last = begun.first_word, begun.last_word
    if last - 1 not in turn.numeric and begun.entity not in _OF_BOTH:
        while first < last and not _may_be_name(turn.tokens[first]):
            first += 1
    if first < last:
        yield Finding(begun.turn, first, last, begun.entity)


def _may_be_name(token: str) -> bool:
    """Whether a word is a name that lists know, or no everyday word."""
    return len(token) > 1 and token.isalpha() and (lexicon().is_name(token) or token not in lexicon().everyday)


def _before(turn: Utterance, at: int) -> WordSpan | None:
    """The number, or up to three words, that a "not" follows."""
    for run in turn.runs:
        if run.last_word == at:
            return run.first_word, at
    first = at
    while first and at - first < MAX_WORDS and turn.tokens[first - 1] not in _TALK | _BEFORE:
        if first < at and turn.closes(first - 1):
            break
        first -= 1
    return (first, at) if first < at else None


def _after(turn: Utterance, at: int) -> WordSpan | None:
    """The number that follows a "not", or up to three words that end what is said."""
    first = at + 1
    while first < len(turn.tokens) - 1 and turn.tokens[first] in _ARTICLES:
        first += 1
    for run in turn.runs:
        if run.first_word == first:
            return first, run.last_word
    last = first
    while last < len(turn.tokens) and turn.tokens[last] not in _ENDS:
        last += 1
        if turn.closes(last - 1):
            break
    return (first, last) if last - first <= MAX_WORDS and _TALK.isdisjoint(turn.tokens[first:last]) else None
