"""Recognising the numbers that identify or pay, said in one turn or dictated over several."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from compliance.findings import Finding, Utterance
from compliance.spoken_numbers import NumberRun, bare, is_filler, luhn_valid, read_numbers
from compliance.topics import Mention, Topic, TopicReader
from compliance.vocabulary import word_set

CARD_LENGTHS = range(13, 20)
"""Digits of a primary account number in circulation (ISO/IEC 7812-1 allows up to 19)."""

USUAL_CARD_LENGTHS = range(15, 17)
"""Digits of American Express and of nearly all other cards."""

SHORT_REPLY_WORDS = 6
"""A turn this short does not interrupt a dictated number; callwright's own choice."""

GAP_WORDS = 6
"""Hesitating words in a row that do not interrupt a dictated number; callwright's own choice."""

TURNS_BACK = {Topic.CARD: 8, Topic.CVV: 4}
"""Turns with content that a topic outlasts; callwright's own choice, wide where PCI DSS is at stake."""

DEFAULT_TURNS_BACK = 3

_UNITS_AFTER = word_set(
    """
    dollar dollars cent cents buck bucks euro euros pounds percent % minute minutes second seconds sec
    hour hours day days week weeks month months year years times time am a.m pm p.m o'clock item items
    piece pieces people persons points miles mile feet inches gigs gigabytes megabytes business digit
    digits numbers moment of more thing things percentage degrees million billion left ago old units
    boxes bottles tickets rooms nights grams ounces dollars'
    """
)
_DISGUISED = re.compile(r"[$£€]?\d[:.,]?\d[:.,]?\d(?:[:.,]?\d)?%?")
_PLACE_BEFORE = word_set("last first final next only")
_COUNTING_BEFORE = word_set("another about around roughly within page chapter step")
_HESITATION = word_set(
    """
    sorry no wait okay ok yeah yes yep yup uh-huh mm-hmm it's its it is that's that i mean let me see
    hold on so the number actually oh well think please correct right now again got alright ready go
    ahead with followed by ending starts begins my then after apologies pardon scratch make maybe be was
    """
)
_YEAR_BEFORE = word_set(
    """
    in since year from until till before after by of during around january february march april may june
    july august september october november december
    """
)


@dataclass(frozen=True, slots=True)
class _Piece:
    turn: int
    run: NumberRun


@dataclass(frozen=True, slots=True)
class _Dictation:
    """The digits that one side said as one number."""

    pieces: tuple[_Piece, ...]
    digits: str = field(repr=False)

    @property
    def groups(self) -> tuple[int, ...]:
        return tuple(size for piece in self.pieces for size in piece.run.groups)

    @property
    def turns(self) -> set[int]:
        return {piece.turn for piece in self.pieces}


class NumberRecogniser:
    """Finds numbers by length, checksum, grouping and what the talk is about."""

    def __init__(self) -> None:
        self._topics = TopicReader()

    def find(self, turns: Sequence[Utterance]) -> Iterator[Finding]:
        """Findings over whole turns' words; each covers a run of digits with the fillers inside it."""
        mentions = [self._topics.read(turn.words) for turn in turns]
        runs = [_dictated_runs(turn.words) for turn in turns]
        call = _Call(turns, mentions, runs)
        for dictation in _dictations(call):
            entity = _entity(dictation, call)
            if entity:
                for piece in dictation.pieces:
                    yield Finding(piece.turn, piece.run.first_word, piece.run.last_word, entity)
        yield from _disguised_codes(call)


@dataclass(frozen=True, slots=True)
class _Call:
    turns: Sequence[Utterance]
    mentions: list[list[Mention]]
    runs: list[list[NumberRun]]

    def is_reply(self, turn: int) -> bool:
        """Whether the turn is too short, or too full of digits, to change the subject."""
        words = self.turns[turn].words
        return len(words) <= SHORT_REPLY_WORDS or self.is_digits(turn)

    def is_digits(self, turn: int) -> bool:
        """Whether at least half of the turn's words are digits or fillers."""
        words = self.turns[turn].words
        said = sum(run.last_word - run.first_word for run in self.runs[turn])
        fillers = sum(map(is_filler, words))
        return bool(said) and 2 * (said + fillers) >= len(words)


def _disguised_codes(call: _Call) -> Iterator[Finding]:
    """Security codes that were written as a time, a sum or a decimal: "3:12", "$312", "3.12"."""
    asked = False
    for turn, utterance in enumerate(call.turns):
        own = [mention.topic for mention in call.mentions[turn]]
        asked = Topic.CVV in own or (asked and not own)
        for word, text in enumerate(utterance.words):
            if asked and len(utterance.words) <= SHORT_REPLY_WORDS and _DISGUISED.fullmatch(bare(text)):
                yield Finding(turn, word, word + 1, "CREDIT_CARD_CVV")


def _dictated_runs(words: Sequence[str]) -> list[NumberRun]:
    """Runs that may be part of a dictated number: no counts, ages, sums or durations."""
    return [run for run in read_numbers(words) if not _is_quantity(words, run)]


def _is_quantity(words: Sequence[str], run: NumberRun) -> bool:
    if len(run.digits) > 6:
        return False
    after = bare(words[run.last_word]) if run.last_word < len(words) else ""
    before = bare(words[run.first_word - 1]) if run.first_word else ""
    closed = words[run.last_word - 1][-1:] in ".,?!"
    if (after in _UNITS_AFTER and not closed) or (before in _COUNTING_BEFORE and len(run.digits) <= 4):
        return True
    return len(run.digits) == 1 and before in _PLACE_BEFORE


def _dictations(call: _Call) -> list[_Dictation]:
    """The runs of each side, joined where only replies or a few words stand between them."""
    found = []
    for side in dict.fromkeys(turn.side for turn in call.turns):
        held: list[_Piece] = []
        for turn, utterance in enumerate(call.turns):
            if utterance.side != side:
                continue
            for run in call.runs[turn]:
                piece = _Piece(turn, run)
                if held and not _continues(call, held[-1], piece):
                    found.append(_dictation(held))
                    held = []
                held.append(piece)
        if held:
            found.append(_dictation(held))
    return found


def _dictation(pieces: list[_Piece]) -> _Dictation:
    return _Dictation(tuple(pieces), "".join(piece.run.digits for piece in pieces))


def _continues(call: _Call, last: _Piece, piece: _Piece) -> bool:
    """Whether a run carries on the number of the run before it by the same side."""
    if last.turn == piece.turn:
        return _quiet(call, piece.turn, last.run.last_word, piece.run.first_word)
    end = len(call.turns[last.turn].words)
    return (
        all(map(call.is_reply, range(last.turn + 1, piece.turn)))
        and _quiet(call, last.turn, last.run.last_word, end)
        and _quiet(call, piece.turn, 0, piece.run.first_word)
        and all(_asks_nothing(call, turn) for turn in range(last.turn + 1, piece.turn))
    )


def _quiet(call: _Call, turn: int, first_word: int, last_word: int) -> bool:
    """Whether words [first_word, last_word) only hesitate, agree or correct."""
    words = call.turns[turn].words[first_word:last_word]
    return len(words) <= GAP_WORDS and all(bare(word) in _HESITATION or is_filler(word) for word in words)


def _asks_nothing(call: _Call, turn: int) -> bool:
    """Whether the turn changes no subject; a card may be named again while its number is dictated."""
    return all(mention.topic is Topic.CARD for mention in call.mentions[turn])


def _card_last(mentions: Sequence[Mention]) -> list[Mention]:
    """Latest first, cards after all others: "the expiration date on your card" asks for a date."""
    latest = [mention for mention in reversed(mentions) if mention.topic is not Topic.CARD]
    return latest + [mention for mention in reversed(mentions) if mention.topic is Topic.CARD]


def _topics_near(call: _Call, piece: _Piece) -> Iterator[Topic]:
    """Topics that bear on a run, nearest first: its own turn, turns before, and a question right after."""
    own = call.mentions[piece.turn]
    before = [mention for mention in own if mention.last_word <= piece.run.first_word]
    after = [mention for mention in own if 0 <= mention.first_word - piece.run.last_word <= SHORT_REPLY_WORDS]
    for mention in _card_last(before):
        if mention.topic is not Topic.HARMLESS or piece.run.first_word - mention.last_word <= SHORT_REPLY_WORDS:
            yield mention.topic
    yield from (mention.topic for mention in after if mention.topic is not Topic.HARMLESS)
    distance = 0
    answered = False
    for turn in range(piece.turn - 1, -1, -1):
        mentions = call.mentions[turn]
        distance += bool(mentions) or not call.is_reply(turn)
        if distance > max(TURNS_BACK.values()):
            break
        for mention in _card_last(mentions):
            # What was asked before the last question was answered already; payment alone lasts longer.
            lasting = mention.topic in TURNS_BACK or not answered
            if lasting and distance <= TURNS_BACK.get(mention.topic, DEFAULT_TURNS_BACK):
                yield mention.topic
        answered = answered or bool(mentions)
    # Overlapping speech can put an answer before its question.
    if call.is_digits(piece.turn) and piece.turn + 1 < len(call.turns):
        yield from (
            mention.topic
            for mention in call.mentions[piece.turn + 1]
            if mention.topic in {Topic.CARD, Topic.CVV, Topic.SSN}
        )


_ACCEPTED: dict[Topic, tuple[range, str]] = {
    Topic.CVV: (range(3, 5), "CREDIT_CARD_CVV"),
    Topic.EXPIRY: (range(3, 9), "CREDIT_CARD_EXPIRATION"),
    Topic.SSN: (range(4, 10), "US_SSN"),
    Topic.PHONE: (range(7, 13), "PHONE_NUMBER"),
    Topic.ACCOUNT: (range(4, 25), "ACCOUNT_NUMBER"),
    Topic.MEDICAL: (range(4, 20), "MEDICAL_RECORD"),
    Topic.BIRTH: (range(4, 9), "DATE_OF_BIRTH"),
    Topic.LICENSE: (range(4, 15), "US_DRIVER_LICENSE"),
    Topic.PASSPORT: (range(6, 10), "US_PASSPORT"),
    Topic.POSTCODE: (range(5, 10), "LOCATION"),
    Topic.ADDRESS: (range(3, 10), "LOCATION"),
    Topic.CARD: (range(4, 13), "CREDIT_CARD"),
}


_DATED = frozenset({Topic.BIRTH, Topic.EXPIRY, Topic.SSN})


def _entity(dictation: _Dictation, call: _Call) -> str | None:
    """What a dictated number is, or None if nothing says that it is anything to remove."""
    near = list(dict.fromkeys(topic for piece in dictation.pieces for topic in _topics_near(call, piece)))
    if _is_card(dictation, near):
        return "CREDIT_CARD"
    if near[:1] == [Topic.HARMLESS]:
        return None
    return _by_topic(dictation, near, call) or _by_payment(dictation, near, call) or _by_shape(dictation)


def _is_card(dictation: _Dictation, near: Sequence[Topic]) -> bool:
    """Whether the number is a card's by its checksum, or by its length where nothing else explains it.

    Recognition errors and turns out of order break the checksum, so a length that only cards have is enough.
    """
    length = len(dictation.digits)
    dictated = len(dictation.turns) > 1 or (not near and length in USUAL_CARD_LENGTHS)
    return _holds_card(dictation) or (length in CARD_LENGTHS and (Topic.CARD in near or dictated))


def _by_topic(dictation: _Dictation, near: Sequence[Topic], call: _Call) -> str | None:
    """The entity of the nearest topic that a number of this length fits."""
    digits = dictation.digits
    year = _is_year(dictation, call)
    for topic in near:
        if topic not in _ACCEPTED or (year and topic not in _DATED):
            continue
        lengths, entity = _ACCEPTED[topic]
        if topic is Topic.EXPIRY and Topic.CARD not in near and not _is_expiry(digits):
            continue
        if len(digits) in lengths:
            return entity
    return None


def _by_payment(dictation: _Dictation, near: Sequence[Topic], call: _Call) -> str | None:
    """Fragments and read-backs while a card is dictated, where a digit too many is the lesser harm."""
    length = len(dictation.digits)
    only_digits = all(map(call.is_digits, dictation.turns))
    if _is_year(dictation, call):
        return None
    if Topic.CVV in near and (only_digits or 3 <= length <= max(CARD_LENGTHS)):
        return "CREDIT_CARD_CVV"
    if Topic.CARD in near and length > max(CARD_LENGTHS):
        return "CREDIT_CARD"
    if Topic.CARD in near and length >= 2 and only_digits:
        return "CREDIT_CARD_CVV" if length == 3 else "CREDIT_CARD"
    return None


def _holds_card(dictation: _Dictation) -> bool:
    """Whether digits from or up to the edge of a group have a card's length and pass the Luhn check.

    Card numbers begin with 2 to 6 (ISO/IEC 7812-1); a leading digit outside that needs a card topic instead.
    """
    digits = dictation.digits
    edges = {0, *accumulate(dictation.groups)}
    for length in CARD_LENGTHS:
        for start in range(len(digits) - length + 1):
            number = digits[start : start + length]
            if not edges.isdisjoint({start, start + length}) and number[0] in "23456" and luhn_valid(number):
                return True
    return False


def _is_year(dictation: _Dictation, call: _Call) -> bool:
    piece = dictation.pieces[0]
    if len(dictation.digits) != 4 or dictation.digits[:2] not in {"19", "20"} or not piece.run.first_word:
        return False
    return bare(call.turns[piece.turn].words[piece.run.first_word - 1]) in _YEAR_BEFORE


def _is_expiry(digits: str) -> bool:
    return len(digits) in {3, 4, 6} and 1 <= int(digits[: 2 - len(digits) % 2]) <= 12


def _by_shape(dictation: _Dictation) -> str | None:
    """What grouping alone gives away: 3-2-4 for a social security number, 3-3-4 or 3-4 for a telephone's."""
    digits, groups = dictation.digits, dictation.groups
    if groups == (3, 2, 4):
        return "US_SSN"
    national = digits[1:] if len(digits) == 11 and digits[0] == "1" else digits
    # North American numbers have no area code or exchange that begins with 0 or 1 (NANP).
    if len(national) == 10 and national[0] not in "01" and national[3] not in "01":
        return "PHONE_NUMBER"
    return "PHONE_NUMBER" if groups == (3, 4) and digits[0] not in "01" else None
