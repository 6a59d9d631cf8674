"""What the readers of single turns find, each asked only where the talk or the words give it reason."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from compliance.conversation import Moment, asks_place, is_talk
from compliance.dictated_emails import find_dictated
from compliance.findings import Finding
from compliance.readers.addresses import find_addresses
from compliance.readers.codes import (
    find_code_pieces,
    find_codes,
    find_ibans,
    find_insurance,
    find_postcodes,
    find_spelling,
    spelt,
)
from compliance.readers.dates import (
    asks_child,
    find_ages,
    find_births,
    find_date_parts,
    find_dates,
    find_days,
    find_expiries,
    find_expiry_months,
    find_holidays,
    find_periods,
    find_relative_months,
    find_years,
    from_end,
)
from compliance.readers.emails import find_emails, find_urls
from compliance.readers.people import find_greeted, find_people
from compliance.readers.places import (
    find_answers,
    find_bare_number,
    find_bare_place,
    find_places,
    find_places_near,
    widened,
)
from compliance.readers.spans import WordSpan
from compliance.topics import Mention, Topic
from compliance.utterance import Utterance
from compliance.vocabulary import word_set

MIN_SPELT_LETTERS = 3
"""Letters of a spelled word that is looked for elsewhere."""

MIN_HELD_LETTERS = 4
"""Letters of a word that is looked for inside what was spelled."""

SPELT_TURNS = 2
"""Turns between a word and its spelling at most; callwright's own choice."""

NEAR_ADDRESS_TURNS = 2
"""Turns beside an address in which the name of a town is of it; callwright's own choice."""

UNASKED_LETTERS = 5
"""Letters that are a name though nobody asked for one: acronyms are shorter; callwright's own choice."""

CODE_TURNS = 3
"""Turns between the date of a card and the question for its code at most; callwright's own choice."""

CODE_ENTITIES = {
    Topic.MEDICAL: "MEDICAL_RECORD",
    Topic.LICENSE: "US_DRIVER_LICENSE",
    Topic.PASSPORT: "US_PASSPORT",
    Topic.IBAN: "IBAN_CODE",
    Topic.ACCOUNT: "ACCOUNT_NUMBER",
    Topic.VEHICLE: "VEHICLE_ID",
    Topic.DEVICE: "DEVICE_ID",
    Topic.SSN: "US_SSN",
    Topic.IDENTITY: "ACCOUNT_NUMBER",
}
"""What a code of letters and digits is after each topic."""

PIECED = CODE_ENTITIES | {Topic.POSTCODE: "LOCATION", Topic.ADDRESS: "LOCATION", Topic.NAME: "PERSON"}
"""What letters and digits that are all of a turn are after each question."""

SHOWN = {
    "DATE_OF_BIRTH": Topic.BIRTH,
    "LOCATION": Topic.ADDRESS,
    "EMAIL_ADDRESS": Topic.EMAIL,
    "CREDIT_CARD_EXPIRATION": Topic.EXPIRY,
}
"""What a value asks for that nobody asked for: whoever hears it may correct a part of it."""

_SHOWN_AS = re.compile(r"(?<!\S)as (?:your|the|my|his|her|their) (?:\w+ )?address(?!\S)")
""""I've got 88 Fernhill as your address"."""

_VOWELS = frozenset("aeiouy?")
"""With what stands for a letter that is not known."""

_ADDRESSED = frozenset({Topic.ADDRESS, Topic.HOUSE, Topic.POSTCODE})
_OTHER_EXPIRY = word_set(
    "contract offer warranty lease passport licence license coupon code deal plan membership quote password trial"
    " insurance subscription voucher certificate permit promotion tariff prescription agreement policy guarantee"
)


def find_in_turns(turns: Sequence[Utterance], at: Sequence[Moment]) -> Iterator[Finding]:
    """Findings of all readers over a call, whose turns begin at these moments."""
    shown: Moment | None = None
    addressed: list[int] = []
    for index, (turn, moment) in enumerate(zip(turns, at, strict=True)):
        here = replace(moment, paying=moment.paying or _pays_soon(turns, index))
        if not moment.asked and shown:
            here = replace(here, asked=shown.asked, asker=shown.asker)
        topics = []
        for first, last, entity in _spans(turn, here, goes_on=_goes_on(turns, index), child=_of_child(turns, index)):
            yield Finding(index, first, last, entity)
            topics += [SHOWN[entity]] if entity in SHOWN else []
        addressed += [index] if Topic.ADDRESS in topics else []
        if topics:
            shown = Moment(tuple(topics), turn.side)
        elif turn.mentions or is_talk(turn):
            shown = None
    for index, turn in enumerate(turns):
        if any(abs(index - at) <= NEAR_ADDRESS_TURNS for at in addressed):
            yield from (Finding(index, *span, "LOCATION") for span in find_places_near(turn))
    yield from _spelt_words(turns)
    yield from find_greeted(turns)
    yield from find_dictated(turns, at)


def _spelt_words(turns: Sequence[Utterance]) -> Iterator[Finding]:
    """The words that somebody spelled in the same call, and the letters of a word that was just said."""
    spellings = [
        (index, span, letters)
        for index, turn in enumerate(turns)
        for span in find_spelling(turn)
        if len(letters := spelt(turn, *span)) >= MIN_SPELT_LETTERS and not _is_of_thing(turn, span[0])
    ]
    if not spellings:
        return
    known = {letters for _, _, letters in spellings}
    said: dict[str, list[int]] = {}
    for index, turn in enumerate(turns):
        for place, token in enumerate(turn.tokens):
            word = token.removesuffix("'s").replace("'", "")
            said.setdefault(word, []).append(index)
            # "S M I T H, s for sugar" spells a letter twice.
            if word in known or (len(word) >= MIN_HELD_LETTERS and any(word in letters for letters in known)):
                yield Finding(index, place, place + 1, "PERSON")
    for index, (first, last), letters in spellings:
        if any(abs(index - at) <= SPELT_TURNS for at in said.get(letters, ())):
            yield Finding(index, first, last, "PERSON")


def _is_of_thing(turn: Utterance, first: int) -> bool:
    """Whether what is spelled from a word on is a thing's: "the coupon code is S P R I N G"."""
    return any(mention.topic is Topic.HARMLESS and mention.last_word in {first, first - 1} for mention in turn.mentions)


def _spans(turn: Utterance, moment: Moment, *, goes_on: bool, child: bool) -> Iterator[tuple[int, int, str]]:
    """First word, word after the last, and entity of all in one turn; `goes_on` if more of an address is asked next,
    `child` if the other side has just asked for somebody's child."""
    asked, other, paid = moment.asked, turn.side != moment.asker, moment.paying
    own = {mention.topic for mention in turn.mentions}
    topics = own | set(asked)
    for first, last in find_emails(turn, asked=Topic.EMAIL in topics):
        yield first, last, "EMAIL_ADDRESS"
    for first, last in find_urls(turn):
        yield first, last, "URL"
    for first, last in _places(turn, topics, moment.asked, place=moment.place, goes_on=goes_on):
        yield first, last, "LOCATION"
    for first, last in find_postcodes(turn, asked=Topic.POSTCODE in topics):
        yield first, last, "LOCATION"
    for first, last in find_people(turn, asked=other and not own - {Topic.NAME} and Topic.NAME in asked[-2:]):
        yield first, last, "PERSON"
    yield from _coded(turn, moment, topics)
    yield from _dated(turn, topics, asked, paid=paid)
    yield from ((*span, "DATE_OF_BIRTH") for span in _births(turn, topics, child=child))


def _coded(turn: Utterance, moment: Moment, topics: set[Topic]) -> Iterator[tuple[int, int, str]]:
    """Spelling, and codes of letters and digits with what they are."""
    asked, own = moment.asked, {mention.topic for mention in turn.mentions}
    asked_to_spell = not {Topic.EMAIL, Topic.NAME}.isdisjoint(topics)
    for first, last in find_spelling(turn):
        # "The coupon code is S P R I N G".
        letters = spelt(turn, first, last)
        # "H T T P S" is nobody's name.
        named = len(letters) >= UNASKED_LETTERS and not _VOWELS.isdisjoint(letters) and not _is_of_thing(turn, first)
        if asked_to_spell or named:
            yield first, last, "EMAIL_ADDRESS" if Topic.EMAIL in topics else "PERSON"
    if not topics.isdisjoint(CODE_ENTITIES):
        for first, last in find_codes(turn):
            topic = _nearest(turn.mentions, first, asked)
            if topic in CODE_ENTITIES:
                yield first, last, CODE_ENTITIES[topic]
    pieced = next((topic for topic in reversed(asked) if topic in PIECED), None)
    if pieced and turn.side != moment.asker and not own:
        yield from ((*span, PIECED[pieced]) for span in find_code_pieces(turn, digits=pieced is not Topic.NAME))
    yield from ((*span, "IBAN_CODE") for span in find_ibans(turn))
    yield from ((*span, "US_SSN") for span in find_insurance(turn))


def _pays_soon(turns: Sequence[Utterance], index: int) -> bool:
    """Whether a security code is asked for next: a month and a year that were said before it are of its card."""
    return any(
        mention.topic is Topic.CVV for turn in turns[index + 1 : index + 1 + CODE_TURNS] for mention in turn.mentions
    )


def _of_child(turns: Sequence[Utterance], index: int) -> bool:
    return index > 0 and turns[index - 1].side != turns[index].side and asks_child(turns[index - 1])


def _goes_on(turns: Sequence[Utterance], index: int) -> bool:
    """Whether the turn after asks for more of an address, so that this one is likely to have said some of it."""
    after = turns[index + 1] if index + 1 < len(turns) else None
    if not after or after.side == turns[index].side:
        return False
    return asks_place(after) or any(mention.topic in {Topic.POSTCODE, Topic.HOUSE} for mention in after.mentions)


def _places(
    turn: Utterance, topics: set[Topic], asked: tuple[Topic, ...], *, place: bool, goes_on: bool
) -> Iterator[WordSpan]:
    """Addresses, and what is a part of one where one is asked for or said; `goes_on` if more of it is asked next."""
    # A postcode is said of an address: "nineteen cowslip meadow, NN4 6JQ".
    open_ = (
        place
        or bool(_SHOWN_AS.search(turn.text))
        or not _ADDRESSED.isdisjoint(asked)
        or any(find_postcodes(turn, asked=False))
    )
    wanted = open_ or not _ADDRESSED.isdisjoint(topics)
    # Of what stands before, "it goes back to the address" tells nothing.
    named = min((mention.last_word for mention in turn.mentions if mention.topic in _ADDRESSED), default=0)
    spans = [*find_addresses(turn, asked=wanted, since=0 if open_ else named), *find_places(turn, asked=False)]
    if place:
        spans += find_answers(turn)
    if wanted or spans or goes_on:
        spans += find_places(turn, asked=True)
    if not _ADDRESSED.isdisjoint(asked) or place:
        spans += [*find_bare_number(turn), *find_bare_place(turn)]
    yield from spans
    yield from widened(turn, spans)


def _nearest(mentions: Sequence[Mention], at: int, asked: tuple[Topic, ...]) -> Topic | None:
    """The topic that a code at a word belongs to: the last before it, else the first after, else what was asked."""
    known = [mention for mention in mentions if mention.topic in CODE_ENTITIES or mention.topic is Topic.HARMLESS]
    before = [mention.topic for mention in known if mention.first_word < at]
    after = [mention.topic for mention in known if mention.first_word >= at]
    earlier = [topic for topic in reversed(asked) if topic in CODE_ENTITIES or topic is Topic.HARMLESS]
    return next(iter([*reversed(before), *after[:1], *earlier]), None)


def _dated(
    turn: Utterance, topics: set[Topic], asked: tuple[Topic, ...], *, paid: bool
) -> Iterator[tuple[int, int, str]]:
    """Dates of birth, of cards and of treatment, and ages."""
    if Topic.BIRTH in asked:
        yield from ((first, last, "DATE_OF_BIRTH") for first, last in find_date_parts(turn))
    elif Topic.EXPIRY in asked and _OTHER_EXPIRY.isdisjoint(turn.tokens):
        for first, last in (*find_date_parts(turn), *find_relative_months(turn), *find_periods(turn)):
            yield first, last, "CREDIT_CARD_EXPIRATION"
    entity = None
    if Topic.BIRTH in topics:
        entity = "DATE_OF_BIRTH"
    elif Topic.EXPIRY in topics and (paid or _OTHER_EXPIRY.isdisjoint(turn.tokens)):
        entity = "CREDIT_CARD_EXPIRATION"
    elif Topic.EVENT in topics:
        entity = "MEDICAL_DATE"
    for first, last in find_expiries(turn, paid=paid):
        yield first, last, "CREDIT_CARD_EXPIRATION"
    if entity:
        for first, last in find_dates(turn, asked=entity != "MEDICAL_DATE"):
            yield (from_end(turn, first) if entity == "CREDIT_CARD_EXPIRATION" else first), last, entity
    if entity == "CREDIT_CARD_EXPIRATION":
        yield from ((*span, entity) for span in find_years(turn, list(find_dates(turn, asked=True))))
        yield from ((*span, entity) for span in (*find_expiry_months(turn), *find_relative_months(turn)))
    for first, last in find_ages(turn):
        yield first, last, "AGE_OVER_89"


def _births(turn: Utterance, topics: set[Topic], *, child: bool) -> Iterator[WordSpan]:
    """Dates of birth by what they say, and by year, holiday or day alone where one is spoken of."""
    births = list(find_births(turn, child=child))
    yield from births
    if Topic.BIRTH in topics:
        yield from find_years(turn, list(find_dates(turn)))
        yield from find_holidays(turn)
    if births or any(mention.topic is Topic.BIRTH for mention in turn.mentions):
        yield from find_days(turn)
