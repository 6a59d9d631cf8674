"""Recognising the numbers that identify or pay, by length, checksum, grouping and what the talk is about."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

from compliance.conversation import Moment, moments
from compliance.dictation import SHORT_REPLY_WORDS, Dictation, Heard, Piece, dictations, is_hesitation, is_misheard
from compliance.findings import Finding
from compliance.quantities import dictated_runs, is_amount, is_quantity, is_year
from compliance.spoken_numbers import NumberRun, bare, is_count_word, is_homophone, luhn_valid
from compliance.subjects import topics_near
from compliance.topics import Topic
from compliance.utterance import Utterance
from compliance.vocabulary import word_set

CARD_LENGTHS = range(13, 20)
"""Digits of a primary account number in circulation (ISO/IEC 7812-1 allows up to 19)."""

USUAL_CARD_LENGTHS = range(15, 17)
"""Digits of American Express and of nearly all other cards."""

UNEXPLAINED_LENGTH = 8
"""Digits of a number that nothing explains and that is removed for its length; callwright's own choice."""

ANSWER_LENGTH = 6
"""Digits of such a number if a turn says nothing else; callwright's own choice."""

UNEXPLAINED_RUN = 5
"""Digits in a row that such a number has at least."""

MIN_ENDING_DIGITS = 2
"""Digits that are enough of a number after "ending in"."""

_ISSUERS = "23456"
"""First digits of card numbers (ISO/IEC 7812-1)."""

ANNOUNCED_WORDS = 2
"""Words between what a number is called and its digits; callwright's own choice."""

_ENDS = word_set("ending ends end finishing finishes last")
_PLACES = word_set("front start beginning end")
PLACED_WORDS = 8
"""Words of a turn that says where digits go; callwright's own choice."""

_AT_THE_END = ["at", "the", "end"]
_LEFT_OPEN = word_set("ending ends finishing finishes")

PART_GAP_WORDS = 7
"""Words between the parts of a social security number; callwright's own choice."""

_TIME_BEFORE = word_set("at by around about after before until till past since on between from")
_DISGUISED = re.compile(r"[$£€]?\d[:.,]?\d[:.,]?\d(?:[:.,]?\d)?%?")
_YEARS = re.compile(r"(?:(?:19|20)\d\d)+")

_ACCEPTED: dict[Topic, tuple[range, str]] = {
    Topic.CVV: (range(3, 5), "CREDIT_CARD_CVV"),
    Topic.EXPIRY: (range(2, 9), "CREDIT_CARD_EXPIRATION"),
    Topic.SSN: (range(4, 12), "US_SSN"),
    Topic.PHONE: (range(5, 15), "PHONE_NUMBER"),
    Topic.ACCOUNT: (range(3, 25), "ACCOUNT_NUMBER"),
    Topic.IBAN: (range(4, 36), "IBAN_CODE"),
    Topic.MEDICAL: (range(4, 20), "MEDICAL_RECORD"),
    Topic.BIRTH: (range(4, 9), "DATE_OF_BIRTH"),
    Topic.LICENSE: (range(4, 15), "US_DRIVER_LICENSE"),
    Topic.PASSPORT: (range(5, 12), "US_PASSPORT"),
    Topic.VEHICLE: (range(4, 18), "VEHICLE_ID"),
    Topic.DEVICE: (range(6, 21), "DEVICE_ID"),
    Topic.IP: (range(4, 13), "IP_ADDRESS"),
    Topic.HOUSE: (range(1, 6), "LOCATION"),
    Topic.POSTCODE: (range(4, 10), "LOCATION"),
    Topic.ADDRESS: (range(4, 10), "LOCATION"),
    Topic.IDENTITY: (range(4, 25), "ACCOUNT_NUMBER"),
    Topic.CARD: (range(4, 13), "CREDIT_CARD"),
}
_DATED = frozenset({Topic.BIRTH, Topic.EXPIRY, Topic.SSN})


class NumberRecogniser:
    """Finds numbers; `confidence_floor` is what a word inside one must reach not to be taken for a digit."""

    def __init__(self, confidence_floor: float = 0.0) -> None:
        self._confidence_floor = confidence_floor

    def find(self, turns: Sequence[Utterance], at: Sequence[Moment] | None = None) -> Iterator[Finding]:
        """Findings over whole turns' words; each covers a run of digits with the fillers inside it.

        `at` are the moments of the turns, worked out if not given.
        """
        at = at or moments(turns)
        heard = Heard(turns, [dictated_runs(turn) for turn in turns])
        paying = frozenset(turn for turn, moment in enumerate(at) if moment.paying)
        if any(heard.runs):
            found = [
                (dictation, _entity(dictation, heard, paying))
                for dictation in dictations(heard, self._confidence_floor)
            ]
            for dictation, entity in _inherited([*found, *_in_parts(heard)], heard):
                yield from self._covered(dictation, entity, heard)
        yield from _disguised_codes(heard)

    def _covered(self, dictation: Dictation, entity: str, heard: Heard) -> Iterator[Finding]:
        """The runs of a dictation, with misheard words between them and at their edges."""
        for piece in dictation.pieces:
            words = heard.turns[piece.turn].words
            first, last = piece.run.first_word, piece.run.last_word
            named = {mention.last_word for mention in heard.turns[piece.turn].mentions}
            while first and is_homophone(words[first - 1]) and (len(dictation.digits) > 4 or first - 1 in named):
                first -= 1
            if entity == "PHONE_NUMBER" and first and bare(words[first - 1]) == "plus":
                first -= 1
            while last < len(words) and is_homophone(words[last]) and len(dictation.digits) > 4:
                last += 1
            yield Finding(piece.turn, first, last, entity)
        for one, two in pairwise(dictation.pieces):
            if one.turn == two.turn and is_misheard(heard, one, two, self._confidence_floor):
                yield Finding(one.turn, one.run.last_word, two.run.first_word, entity)


def _inherited(found: Sequence[tuple[Dictation, str | None]], heard: Heard) -> Iterator[tuple[Dictation, str]]:
    """The numbers that are something, and fragments beside them that are what they are.

    A group of a number is cut off from the rest by whatever a caller mutters in between, and the other side reads back
    or goes on with what it heard. In doubt it is removed.
    """
    known: dict[tuple[int, str], str] = {}
    by_turn: dict[int, list[str]] = {}
    for dictation, entity in found:
        if entity:
            yield dictation, entity
            for piece in dictation.pieces:
                known[piece.turn, heard.turns[piece.turn].side] = entity
                by_turn.setdefault(piece.turn, []).append(entity)
    for dictation, entity in found:
        if entity:
            continue
        piece = dictation.pieces[0]
        words = heard.turns[piece.turn].words
        side = heard.turns[piece.turn].side
        near = next(iter(topics_near(heard, piece)), None)
        if near is Topic.HARMLESS or is_quantity(words, piece.run, strict=True) or _is_year(dictation, heard):
            continue
        own = known.get((piece.turn, side))
        if own and own != "DATE_OF_BIRTH" and (len(dictation.digits) > 1 or heard.is_digits(piece.turn)):
            yield dictation, own
            continue
        back = [known.get((turn, side)) for turn in range(max(0, piece.turn - 4), piece.turn)]
        other = [found for turn in range(max(0, piece.turn - 2), piece.turn) for found in by_turn.get(turn, ())]
        if "CREDIT_CARD" in back and heard.is_digits(piece.turn):
            yield dictation, "CREDIT_CARD"
        elif other and len(dictation.digits) > 2 and (heard.is_digits(piece.turn) or _is_placed(heard, piece.turn)):
            yield dictation, other[-1]


def _is_placed(heard: Heard, turn: int) -> bool:
    """Whether a short turn says where its digits go in what was said: "with a three one two in front"."""
    tokens = heard.turns[turn].tokens
    return len(tokens) <= PLACED_WORDS and not _PLACES.isdisjoint(tokens)


def _disguised_codes(heard: Heard) -> Iterator[Finding]:
    """Security codes that were written as a time, a sum or a decimal: "3:12", "$312", "3.12"."""
    asked = False
    for turn, utterance in enumerate(heard.turns):
        own = [mention.topic for mention in utterance.mentions]
        asked = Topic.CVV in own or (asked and not own)
        for word, text in enumerate(utterance.words):
            if asked and len(utterance.words) <= SHORT_REPLY_WORDS and _DISGUISED.fullmatch(bare(text)):
                yield Finding(turn, word, word + 1, "CREDIT_CARD_CVV")


def _entity(dictation: Dictation, heard: Heard, paying: frozenset[int]) -> str | None:
    """What a dictated number is, or None if nothing says that it is anything to remove."""
    near = list(dict.fromkeys(topic for piece in dictation.pieces for topic in topics_near(heard, piece)))
    harmless = near[:1] == [Topic.HARMLESS]
    digits = dictation.digits
    whole = len(digits) in CARD_LENGTHS and digits[0] in _ISSUERS and luhn_valid(digits)
    if whole or (_is_card(dictation, near) and not (harmless and _is_announced(dictation, heard))):
        return "CREDIT_CARD"
    # "I'll refund the card ending": what is harmless there is another number.
    if harmless and not (Topic.CARD in near and _is_ending(dictation, heard)):
        return None
    return (
        _by_topic(dictation, near, heard)
        or _by_payment(dictation, near, heard)
        or _while_paying(dictation, heard, paying)
        or _by_ending(dictation, heard)
        or _by_shape(dictation, heard)
    )


def _is_announced(dictation: Dictation, heard: Heard) -> bool:
    """Whether just before the digits somebody says of what they are: "order number is one one two"."""
    piece = dictation.pieces[0]
    return any(
        0 <= piece.run.first_word - mention.last_word <= ANNOUNCED_WORDS for mention in heard.turns[piece.turn].mentions
    )


def _is_card(dictation: Dictation, near: Sequence[Topic]) -> bool:
    """Whether the number is a card's by its checksum, or by its length where nothing else explains it.

    Recognition errors and turns out of order break the checksum, so a length that only cards have is enough.
    """
    length = len(dictation.digits)
    dictated = len(dictation.turns) > 1 or (not near and length in USUAL_CARD_LENGTHS)
    paid = not {Topic.CARD, Topic.CVV, Topic.EXPIRY}.isdisjoint(near)
    return _holds_card(dictation) or (length in CARD_LENGTHS and (paid or dictated))


def _by_topic(dictation: Dictation, near: Sequence[Topic], heard: Heard) -> str | None:
    """The entity of the nearest topic that a number of this length fits."""
    digits = dictation.digits
    year = _is_year(dictation, heard)
    for topic in near:
        if topic not in _ACCEPTED or (year and topic not in _DATED):
            continue
        lengths, entity = _ACCEPTED[topic]
        if topic is Topic.CARD and _is_time(dictation, heard):
            continue
        if topic is Topic.EXPIRY and Topic.CARD not in near and not _is_expiry(digits):
            continue
        if topic is Topic.SSN and _is_part_asked(dictation, heard):
            return entity
        ending = len(digits) >= MIN_ENDING_DIGITS and _is_ending(dictation, heard)
        if len(digits) in lengths or (ending and len(digits) <= max(lengths)):
            return entity
    return None


def _is_part_asked(dictation: Dictation, heard: Heard) -> bool:
    """Whether a few digits are a part of a social security number: three anywhere near it, two in a short reply."""
    length = len(dictation.digits)
    return length == 3 or (length == 2 and all(map(heard.is_reply, dictation.turns)))


def _is_ending(dictation: Dictation, heard: Heard) -> bool:
    """Whether the digits are said to end something: "ending in 318", be it the other side that leaves the end open."""
    piece = dictation.pieces[0]
    turn = heard.turns[piece.turn]
    before = turn.tokens[max(0, piece.run.first_word - 3) : piece.run.first_word]
    if any(token in _ENDS for token in before) or turn.tokens[piece.run.last_word :][:3] == _AT_THE_END:
        return True
    asked = heard.turns[piece.turn - 1] if piece.turn else turn
    answers = asked.side != turn.side and all(map(is_hesitation, before)) and piece.run.first_word <= len(before)
    return answers and not _LEFT_OPEN.isdisjoint(asked.tokens[-2:])


def _by_ending(dictation: Dictation, heard: Heard) -> str | None:
    """The four digits that a number on file ends in, nearly always a card's; a year is what something ended in."""
    whole = len(dictation.digits) == 4 and not _YEARS.fullmatch(dictation.digits)
    return "CREDIT_CARD" if whole and _is_ending(dictation, heard) else None


def _by_payment(dictation: Dictation, near: Sequence[Topic], heard: Heard) -> str | None:
    """Fragments and read-backs while a card is dictated, where a digit too many is the lesser harm."""
    length = len(dictation.digits)
    only_digits = all(map(heard.is_digits, dictation.turns))
    if _is_year(dictation, heard):
        return None
    if Topic.CVV in near and (only_digits or 3 <= length <= max(CARD_LENGTHS)):
        return "CREDIT_CARD_CVV"
    if Topic.CARD in near and length > max(CARD_LENGTHS):
        return "CREDIT_CARD"
    if Topic.CARD in near and length >= 2 and only_digits:
        return "CREDIT_CARD_CVV" if length == 3 else "CREDIT_CARD"
    if Topic.PART in near and length >= 4:
        return "CREDIT_CARD"
    return None


def _while_paying(dictation: Dictation, heard: Heard, paying: frozenset[int]) -> str | None:
    """What nothing else explains while a card is paid with is of the card, but for times of day."""
    if paying.isdisjoint(dictation.turns) or len(dictation.digits) < 2 or _is_year(dictation, heard):
        return None
    if any(is_quantity(heard.turns[piece.turn].words, piece.run, strict=True) for piece in dictation.pieces):
        return None
    return None if _is_time(dictation, heard) else "CREDIT_CARD"


def _is_time(dictation: Dictation, heard: Heard) -> bool:
    """Whether a few digits may be a time of day or a year: "at ten forty"."""
    piece = dictation.pieces[0]
    before = heard.turns[piece.turn].tokens[max(0, piece.run.first_word - 1) : piece.run.first_word]
    return bool(before) and before[0] in _TIME_BEFORE and len(dictation.digits) <= 4


def _in_parts(heard: Heard) -> Iterator[tuple[Dictation, str]]:
    """Social security numbers whose parts of 3, 2 and 4 digits have other words between them."""
    for side in dict.fromkeys(turn.side for turn in heard.turns):
        pieces = [
            Piece(turn, run) for turn, runs in enumerate(heard.runs) if heard.turns[turn].side == side for run in runs
        ]
        for first in range(len(pieces)):
            for size in (2, 3):
                parts = tuple(pieces[first : first + size])
                whole = Dictation(parts, "".join(piece.run.digits for piece in parts))
                if whole.groups == (3, 2, 4) and all(_is_near(heard, one, two) for one, two in pairwise(parts)):
                    yield whole, "US_SSN"


def _is_near(heard: Heard, one: Piece, two: Piece) -> bool:
    """Whether few words, and of one sentence or none that asks, stand between two runs of a side."""
    if one.turn != two.turn:
        return two.turn - one.turn <= 2 and heard.is_digits(one.turn) and heard.is_digits(two.turn)
    return two.run.first_word - one.run.last_word <= PART_GAP_WORDS


def _holds_card(dictation: Dictation) -> bool:
    """Whether digits from or up to the edge of a group have a card's length and pass the Luhn check.

    A leading digit that no issuer has needs a card topic instead.
    """
    digits = dictation.digits
    edges = {0, *accumulate(dictation.groups)}
    for length in CARD_LENGTHS:
        for start in range(len(digits) - length + 1):
            number = digits[start : start + length]
            if not edges.isdisjoint({start, start + length}) and number[0] in _ISSUERS and luhn_valid(number):
                return True
    return False


def _is_year(dictation: Dictation, heard: Heard) -> bool:
    piece = dictation.pieces[0]
    turn = heard.turns[piece.turn]
    # "What comes after 2021?" asks for the next group.
    asked = any(mention.topic is Topic.PART and mention.last_word == piece.run.first_word for mention in turn.mentions)
    return len(dictation.pieces) == 1 and not asked and is_year(turn.words, piece.run)


def _is_expiry(digits: str) -> bool:
    return len(digits) in {3, 4, 6} and 1 <= int(digits[: 2 - len(digits) % 2]) <= 12


def _is_dictated(words: Sequence[str], run: NumberRun) -> bool:
    """Whether a run is long, and in figures or said digit by digit rather than in counts."""
    if len(run.digits) >= UNEXPLAINED_LENGTH and "and" not in map(bare, words[run.first_word : run.last_word]):
        return True
    counts = sum(is_count_word(bare(word)) for word in words[run.first_word : run.last_word])
    return len(run.digits) >= UNEXPLAINED_RUN and 4 * counts < len(run.digits)


def _by_shape(dictation: Dictation, heard: Heard) -> str | None:
    """What grouping and length alone give away: 3-2-4, 3-3-4, 3-4, a British number, or a number too long to count."""
    digits, groups = dictation.digits, dictation.groups
    if all(is_amount(heard.turns[piece.turn].words, piece.run) for piece in dictation.pieces):
        return None
    if groups == (3, 2, 4):
        return "US_SSN"
    national = digits[1:] if len(digits) == 11 and digits[0] == "1" else digits
    # North American numbers have no area code or exchange that begins with 0 or 1 (NANP).
    if len(national) == 10 and national[0] not in "01" and national[3] not in "01":
        return "PHONE_NUMBER"
    # British numbers have ten or eleven digits, the first a 0 (Ofcom's National Telephone Numbering Plan).
    british = (len(digits) in (10, 11) and digits[0] == "0" and digits[1] in "12378") or (
        len(digits) == 12 and digits.startswith("44")
    )
    if british or (groups == (3, 4) and digits[0] not in "01"):
        return "PHONE_NUMBER"
    # Short numbers with a few words between them count things; one of them must be long.
    long = any(_is_dictated(heard.turns[piece.turn].words, piece.run) for piece in dictation.pieces)
    # All that somebody answers; "it was fifty five and now it's sixty two" counts.
    answer = not any("now" in heard.turns[turn].tokens for turn in dictation.turns)
    answer = answer and len(digits) >= ANSWER_LENGTH and all(map(heard.is_nothing_else, dictation.turns))
    if answer and not _YEARS.fullmatch(digits):
        return "ACCOUNT_NUMBER"
    return "ACCOUNT_NUMBER" if long and len(digits) >= UNEXPLAINED_LENGTH and not _YEARS.fullmatch(digits) else None
