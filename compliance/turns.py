"""What the readers of single turns find, each asked only where the talk or the words give it reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from compliance.findings import Finding
from compliance.readers.addresses import find_addresses
from compliance.readers.codes import find_codes, find_postcodes, find_spelling, spelt
from compliance.readers.dates import find_ages, find_births, find_dates
from compliance.readers.emails import find_emails, find_urls
from compliance.readers.people import find_people
from compliance.topics import Mention, Topic
from compliance.utterance import Utterance
from compliance.vocabulary import word_set

MIN_SPELT_LETTERS = 3
"""Letters of a spelled word that is looked for elsewhere."""

CARD_TURNS = 12
"""Turns that an expiry date may lie behind the card's mention; callwright's own choice."""

ASKED_TURNS = 3
"""Turns that a question outlasts if nothing else is asked; callwright's own choice."""

UNASKED_LETTERS = 5
"""Letters that are a name though nobody asked for one: acronyms are shorter; callwright's own choice."""

CODE_ENTITIES = {
    Topic.MEDICAL: "MEDICAL_RECORD",
    Topic.LICENSE: "US_DRIVER_LICENSE",
    Topic.PASSPORT: "US_PASSPORT",
    Topic.IBAN: "IBAN_CODE",
    Topic.ACCOUNT: "ACCOUNT_NUMBER",
    Topic.VEHICLE: "VEHICLE_ID",
    Topic.DEVICE: "DEVICE_ID",
    Topic.SSN: "US_SSN",
}
"""What a code of letters and digits is after each topic."""

_OTHER_EXPIRY = word_set(
    "contract offer warranty lease passport licence license coupon code deal plan membership quote password trial"
)


def find_in_turns(turns: Sequence[Utterance]) -> Iterator[Finding]:
    """Findings of all readers over a call."""
    asked: tuple[Topic, ...] = ()
    asker = ""
    asked_at = paid_at = -CARD_TURNS
    for index, turn in enumerate(turns):
        own = tuple(mention.topic for mention in turn.mentions)
        if Topic.CARD in own or Topic.CVV in own:
            paid_at = index
        if index - asked_at > ASKED_TURNS:
            asked = ()
        for first, last, entity in _spans(turn, asked, other=turn.side != asker, paid=index - paid_at < CARD_TURNS):
            yield Finding(index, first, last, entity)
        if own:
            asked, asked_at, asker = own, index, turn.side
    yield from _spelt_words(turns)


def _spelt_words(turns: Sequence[Utterance]) -> Iterator[Finding]:
    """The words that somebody spelled in the same call."""
    letters = {spelt(turn, first, last) for turn in turns for first, last in find_spelling(turn)}
    letters = {word for word in letters if len(word) >= MIN_SPELT_LETTERS}
    for index, turn in enumerate(turns):
        for place, token in enumerate(turn.tokens):
            if letters and token.removesuffix("'s").replace("'", "") in letters:
                yield Finding(index, place, place + 1, "PERSON")


def _spans(turn: Utterance, asked: tuple[Topic, ...], *, other: bool, paid: bool) -> Iterator[tuple[int, int, str]]:
    """First word, word after the last, and entity of all in one turn; `other` side than that which asked."""
    own = {mention.topic for mention in turn.mentions}
    topics = own | set(asked)
    for first, last in find_emails(turn, asked=Topic.EMAIL in topics):
        yield first, last, "EMAIL_ADDRESS"
    for first, last in find_urls(turn):
        yield first, last, "URL"
    for first, last in find_addresses(turn, asked=not {Topic.ADDRESS, Topic.HOUSE, Topic.POSTCODE}.isdisjoint(topics)):
        yield first, last, "LOCATION"
    for first, last in find_postcodes(turn, asked=Topic.POSTCODE in topics):
        yield first, last, "LOCATION"
    for first, last in find_people(turn, asked=other and not own - {Topic.NAME} and Topic.NAME in asked[-2:]):
        yield first, last, "PERSON"
    asked_to_spell = not {Topic.EMAIL, Topic.NAME}.isdisjoint(topics)
    for first, last in find_spelling(turn):
        if asked_to_spell or len(spelt(turn, first, last)) >= UNASKED_LETTERS:
            yield first, last, "EMAIL_ADDRESS" if Topic.EMAIL in topics else "PERSON"
    if not topics.isdisjoint(CODE_ENTITIES):
        for first, last in find_codes(turn):
            topic = _nearest(turn.mentions, first, asked)
            if topic in CODE_ENTITIES:
                yield first, last, CODE_ENTITIES[topic]
    yield from _dated(turn, topics, paid=paid)


def _nearest(mentions: Sequence[Mention], at: int, asked: tuple[Topic, ...]) -> Topic | None:
    """The topic that a code at a word belongs to: the last before it, else the first after, else what was asked."""
    known = [mention for mention in mentions if mention.topic in CODE_ENTITIES or mention.topic is Topic.HARMLESS]
    before = [mention.topic for mention in known if mention.first_word < at]
    after = [mention.topic for mention in known if mention.first_word >= at]
    earlier = [topic for topic in reversed(asked) if topic in CODE_ENTITIES or topic is Topic.HARMLESS]
    return next(iter([*reversed(before), *after[:1], *earlier]), None)


def _dated(turn: Utterance, topics: set[Topic], *, paid: bool) -> Iterator[tuple[int, int, str]]:
    """Dates of birth, of cards and of treatment, and ages."""
    entity = None
    if Topic.BIRTH in topics:
        entity = "DATE_OF_BIRTH"
    elif Topic.EXPIRY in topics and (paid or _OTHER_EXPIRY.isdisjoint(turn.tokens)):
        entity = "CREDIT_CARD_EXPIRATION"
    elif Topic.EVENT in topics:
        entity = "MEDICAL_DATE"
    if entity:
        for first, last in find_dates(turn, asked=entity != "MEDICAL_DATE"):
            yield first, last, entity
    for first, last in find_births(turn):
        yield first, last, "DATE_OF_BIRTH"
    for first, last in find_ages(turn):
        yield first, last, "AGE_OVER_89"
