"""Where a call stands when a turn begins: what was asked and is open, and whether a card is being paid with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from compliance.dictation import SHORT_REPLY_WORDS, is_hesitation
from compliance.quantities import is_quantity
from compliance.readers.dates import MONTHS
from compliance.spoken_numbers import is_homophone, is_number_word, luhn_valid
from compliance.topics import Topic
from compliance.utterance import Utterance
from compliance.vocabulary import word_set

ASKED_TURNS = 3
"""Turns of talk, not of replies or digits, that outlast no question; callwright's own choice."""

LONGEST_ASKED_TURNS = 12
"""Turns of any kind that it outlasts; callwright's own choice."""

PAYING_TURNS = 6
"""Turns of talk after which nobody is paying any more; callwright's own choice."""

GROUP_DIGITS = 4
"""Cards are read in groups of four, or of eight and twelve (ISO/IEC 7813 embosses them so)."""

BEGUN_DIGITS = 12
"""Digits in such groups that are a card's though nobody named one; callwright's own choice."""

GROUP_TURNS = 4
"""Turns between two groups of one number at most; callwright's own choice."""

REST_TURNS = 3
"""Turns after a question in which the same side asks for the rest of it; callwright's own choice."""

MAX_QUESTION_WORDS = 16
FEW_WORDS = 4
"""Words of a question at most, and those that are one without a question word: "and the street"."""

_PLACE = re.compile(
    r"(?<!\S)(?:town|city|street|road|lane|avenue|drive|close|county|village|suburb|district|state|province|building|estate|locality|landmark"
    r"|neighbou?rhood|area|borough|parish|region|address|house name"
    r"|house number|(?:house|property|farm|cottage) called|flat|apartment|road name|crossroad"
    r"|intersection|post ?town|where (?:[\w']+ ){0,4}?(?:live|living|deliver|delivering|send|sending|ship|based|located"
    r"|come|from|calling|you|deliver|going|staying|home|pick|collect|drop|leave|mail|post|bring|visit|dispatch|meet)"
    r"|which house|where to(?= please|$)|where(?:'s| is) (?:it|that|this|everything) going"
    r"|where's home|where should (?:[\w']+ ){1,3}?go)(?!\S)"
)
_NO_PLACE = re.compile(r"(?<!\S)(?:e-?mail|e mail|ip|web) address(?:es)?(?!\S)")
_ASKED_LAST = re.compile(
    r"(?<!\S)(?:what|which|what's the|and the|and your|and) (?:town|city|street|road|state|county|village|address|flat"
    r"|apartment|house|building|suburb|post ?town)(?: (?:and|or) (?:state|county|zip(?: code)?|town|city))?"
    r"(?: (?:is that|is it|is this|are you|please"
    r"|that's in|is that in|in|there|name|number))*$"
)
"""What ends a turn that says more before it: "got it and what city"."""

_PART_OF_DATE = re.compile(
    r"(?:(?:and|so|okay|ok|sorry|then|what|which|what's|what is|the|for|your|it's) )*(?:month|year)"
    r"(?: (?:is it|is that|please|on (?:it|that|there|the card)|then|and year|does it say|expires))*"
)
_PART_OF_NAME = re.compile(
    r"(?<!\S)(?:and|the|your|what's) (?:first|last|middle|given|family|sur)(?: one)?(?: please)?$"
)
_QUESTION = word_set("what what's which where where's can could may whereabouts tell give confirm need remind")
_PAYS = frozenset({Topic.CARD, Topic.CVV})
_LEAVES = frozenset(
    {
        Topic.PHONE, Topic.EMAIL, Topic.ACCOUNT, Topic.SSN, Topic.MEDICAL, Topic.LICENSE, Topic.PASSPORT,
        Topic.VEHICLE, Topic.DEVICE, Topic.IP, Topic.BIRTH, Topic.IBAN,
    }
)  # fmt: skip
"""Topics that end a payment if no card is named with them; its address and its holder's name belong to it."""

_DATED = frozenset({Topic.BIRTH, Topic.EXPIRY, Topic.EVENT})
"""Topics of which a month or a year may be asked for by itself; while a card is paid with, it is the card's."""

_IN_DIGITS = frozenset(Topic) - {Topic.EMAIL, Topic.NAME, Topic.HARMLESS, Topic.EVENT}
"""Topics whose answers may be said in digits."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What is open when a turn begins. `asked` may be empty; `asker` is the side that named it last."""

    asked: tuple[Topic, ...] = ()
    asker: str = ""
    paying: bool = False
    place: bool = False
    """Whether the other side has just asked for a town, a street or the like."""


def moments(turns: Sequence[Utterance]) -> list[Moment]:
    """The moment of each turn. A turn that names a card is of the payment itself, and so is one that begins it."""
    return list(_moments(turns, _begun(turns)))


def heard_as_digits(turns: Sequence[Utterance], at: Sequence[Moment]) -> list[Utterance]:
    """The turns, with "for oh too" and its like read as digits where digits are what is waited for."""
    return [
        replace(turn, loose=True) if _is_loose(turn, moment) else turn for turn, moment in zip(turns, at, strict=True)
    ]


def is_talk(turn: Utterance) -> bool:
    """Whether a turn is more than a reply or digits."""
    return len(turn.words) > SHORT_REPLY_WORDS and 2 * len(turn.numeric) < len(turn.words)


def asks_place(turn: Utterance) -> bool:
    """Whether a turn asks for a town, a street or the like: it names one in a question or in a few words."""
    text = _NO_PLACE.sub("", turn.text)
    if not _PLACE.search(text) or len(turn.tokens) > MAX_QUESTION_WORDS:
        return False
    if _ASKED_LAST.search(text):
        return True
    question = turn.words[-1][-1:] == "?" or not _QUESTION.isdisjoint(turn.tokens[:4]) or turn.tokens[-1] == "please"
    return question or len(turn.tokens) <= FEW_WORDS


def _moments(turns: Sequence[Utterance], begun: frozenset[int]) -> Iterator[Moment]:
    asked: tuple[Topic, ...] = ()
    asker = placed_by = ""
    talked = waited = paying = 0
    for index, turn in enumerate(turns):
        own = tuple(mention.topic for mention in turn.mentions)
        if not _PAYS.isdisjoint(own) or index in begun:
            paying = PAYING_TURNS
        elif not _LEAVES.isdisjoint(own):
            paying = 0
        if talked >= ASKED_TURNS or waited >= LONGEST_ASKED_TURNS:
            asked = ()
        yield Moment(asked, asker, paying > 0, placed_by not in {"", turn.side})
        if asks_place(turn):
            placed_by = turn.side
        elif len(turn.words) > 1 or turn.side != placed_by:
            placed_by = ""
        waited += 1
        if not own and _PART_OF_DATE.fullmatch(turn.text) and _DATED.isdisjoint(asked):
            own = (Topic.EXPIRY,) if paying else _rest_of_date(turns, index)
        if not own and Topic.NAME in asked and _PART_OF_NAME.search(turn.text):
            own = (Topic.NAME,)
        if own:
            asked, asker, talked, waited = own, turn.side, 0, 0
        elif is_talk(turn):
            talked += 1
            paying -= paying > 0


def _rest_of_date(turns: Sequence[Utterance], index: int) -> tuple[Topic, ...]:
    """What a month or a year that is asked for is of, by what its asker asks for next.

    A year after a month is all that a card has, a year before day and month is of a birth.
    """
    turn = turns[index]
    after = next((one for one in turns[index + 1 : index + 1 + REST_TURNS] if one.side == turn.side), None)
    if after is None:
        return ()
    if any(mention.topic is Topic.BIRTH for mention in after.mentions):
        return (Topic.BIRTH,)
    month_first = "month" in turn.tokens and "year" in after.tokens and _PART_OF_DATE.fullmatch(after.text)
    return (Topic.EXPIRY,) if month_first else ()


def _is_loose(turn: Utterance, moment: Moment) -> bool:
    """Whether a turn holds nothing but digits, months and what sounds like digits, while digits are waited for; what it
    calls them by itself is nothing else."""
    own = [mention for mention in turn.mentions if mention.topic in _IN_DIGITS]
    if not (moment.paying or own or not _IN_DIGITS.isdisjoint(moment.asked)):
        return False
    named = {word for mention in own for word in range(mention.first_word, mention.last_word)}
    tokens = [token for at, token in enumerate(turn.tokens) if at not in named]
    alike = sum(map(is_homophone, tokens))
    digits = sum(is_number_word(token) or token.isdigit() or token in MONTHS for token in tokens)
    rest = (token for token in tokens if not is_homophone(token) and not is_number_word(token))
    dated = all(token.isdigit() or token in MONTHS or is_hesitation(token) for token in rest)
    return bool(alike and digits) and dated


def _begun(turns: Sequence[Utterance]) -> frozenset[int]:
    """Turns in which a card's number begins, whether or not anybody named a card."""
    begun: set[int] = set()
    chain: list[tuple[int, str]] = []
    for index, turn in enumerate(turns):
        explained = any(mention.topic in _LEAVES or mention.topic is Topic.HARMLESS for mention in turn.mentions)
        if explained:
            chain = []
        for run in turn.runs:
            if len(run.digits) < 2 or is_quantity(turn.words, run, strict=True):
                continue
            if not explained and 13 <= len(run.digits) <= 19 and luhn_valid(run.digits):
                begun.add(index)
            if explained or not _goes_on(chain, index, run.digits):
                chain = []
            if not explained and _is_group(chain, run.digits) and run.digits not in {said for _, said in chain}:
                chain.append((index, run.digits))
            if len(chain) > 1 and sum(len(said) for _, said in chain) >= BEGUN_DIGITS:
                begun.update(at for at, _ in chain)
    return frozenset(begun)


def _goes_on(chain: Sequence[tuple[int, str]], index: int, digits: str) -> bool:
    return bool(chain) and index - chain[-1][0] <= GROUP_TURNS and _is_group(chain, digits)


def _is_group(chain: Sequence[tuple[int, str]], digits: str) -> bool:
    """Whether digits may be the next groups of a card, which begins with 3 to 6 (ISO/IEC 7812-1)."""
    if not chain:
        return digits[0] in "3456" and (len(digits) % GROUP_DIGITS == 0 or (digits[0] == "3" and len(digits) == 4 + 6))
    # American Express: four, six and five.
    return len(digits) % GROUP_DIGITS == 0 or (chain[0][1][0] == "3" and len(digits) in (5, 6))
