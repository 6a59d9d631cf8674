"""Street addresses: house number, street, flat, town, state and postcode."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from compliance.names import lexicon, place_at
from compliance.quantities import is_quantity
from compliance.readers.codes import find_postcodes, letter_at
from compliance.readers.spans import WordSpan, words_of
from compliance.spoken_numbers import NumberRun
from compliance.utterance import Utterance
from compliance.vocabulary import word_set

_STREET = (
    "street|st|str|avenue|ave|road|rd|drive|dr|lane|ln|boulevard|blvd|court|ct|place|pl|terrace|circle|cir"
    "|parkway|pkwy"
    "|highway|hwy|trail|square|crescent|cres|way|close|row|alley|turnpike|pike|grove|gardens|mews|green|hill"
    "|walk|loop"
    "|park|rise|vale|view|heights|broadway|mount|end|ridge|point|crossing|run|common|parade|quay|wharf|plaza"
    "|expressway|hollow|meadow|meadows|copse|spinney|coppice|paddock|paddocks|orchard|croft|villas|cottages|causeway"
    "|esplanade|promenade|embankment|knoll|bank|edge|bottom|reach|brook|chase|field|fields|bluff|cove|bend"
)
_DIRECTION = "north|south|east|west|northeast|northwest|southeast|southwest|[nsew]|upper|lower|old|new|saint|st|the"
_STREET_TAIL = re.compile(
    rf"(?:(?:{_DIRECTION}) ){{0,2}}?(?P<name>(?:[\w'-]+ ){{1,3}}?)(?P<kind>{_STREET})(?!\S)"
    r"(?: (?:north|south|east|west|northeast|northwest|southeast|southwest|[nsew]{1,2})(?!\S))?"
)
_KIND = re.compile(_STREET)
_BOX = re.compile(
    r"(?<!\S)(?:(?:p\.?o|p o|post office|pmb|private mail|private)\.? (?:box|bag)(?: number)?(?: \S*\d\S*)?"
    r"|(?:rural route|r\.?r\.?|r r|star route|highway contract|route) (?:\S+ ){1,4}?box(?: \S*\d\S*)?)(?!\S)"
)
_AT = re.compile(
    r"(?<!\S)(?:i'm|we're|i am|we are|he's|she's|they're|you're|still|got you|have you"
    r"|live|lives|living|over|round|address is|staying"
    r"|place|house is|office is) at(?: number| no)?(?!\S)"
)
""""I'm at" and its like: a number after it that counts nothing is a house's."""
_HALF_KINDS = word_set(
    "way close row hill walk view point end run park green place common mount rise crossing loop bank edge bottom reach"
    " brook chase field fields cove bend bluff meadow meadows orchard hollow"
)
_NAMED_STREET = re.compile(
    r"(?:[A-Z][\w'-]+ ){1,3}(?:Street|Avenue|Road|Drive|Lane|Boulevard|Court|Terrace|Parkway|Crescent|Close)\b"
)
_NOT_STREET = word_set(
    """
    off past near toward towards along down up over onto into a an to of on for and or is are was it that this
    these those you your my our their his her i we they ways more minutes minute hours hour hour's days day
    dollars times percent people one's by from with at not no can will would miles mile degrees weeks months
    years cents items orders took take takes do does did have has had went go am pm a.m p.m o'clock but if so
    then there here all both some any pounds in back options option left minute's thing things number numbers
    digits
    """
)
_TIMES = word_set("a p am pm a.m p.m o'clock sharp tonight tomorrow today this next every each per percent in the")
_UNITS = word_set("apartment apt unit suite ste flat floor building bldg room # lot box block house number tower")
_GLUE = word_set("in and zip code postcode post zipcode postal um uh it's is that's comma")
_STATES = word_set(
    """
    al ak az ar ca co ct de fl ga hi id il ia ks ky la me md ma mi mn ms mo mt ne nv nh nj nm ny nc nd oh ok or
    pa ri sc sd tn tx ut vt va wa wv wi wy dc uk usa
    """
)
_NOT_CITY = word_set(
    """
    please thanks thank instead okay ok is and the my i it that you yes right but so for if since now correct
    still sorry can could would when they we to with on as or not no from until this your because
    """
)
MAX_NUMBER_DIGITS = 6
"""Digits of a house number at most; callwright's own choice."""


def find_addresses(turn: Utterance, *, asked: bool, since: int = 0) -> Iterator[WordSpan]:
    """A number, a street of one to three words and its kind, with the flat, the town and the postcode around it.

    Where an address was `asked` for, a number with one to three words needs no kind of street, if it stands at the word
    `since` which it was asked for or later.
    """
    words, tokens = turn.words, turn.tokens
    stays = {words_of(turn.text, *match.span())[1] for match in _AT.finditer(turn.text)}
    for run in turn.runs:
        if len(run.digits) > MAX_NUMBER_DIGITS + 2:
            continue
        at_home = run.first_word in stays and _counts_nothing(turn, run)
        last = _street(turn, run, asked=(asked and run.first_word >= since) or at_home)
        if last:
            yield _prefix(tokens, run.first_word), _extend(turn, last)
    for index, token in enumerate(tokens):
        if re.fullmatch(r"\d{1,5}[a-z]", token) and (match := _STREET_TAIL.match(" ".join(tokens[index + 1 :]))):
            yield _prefix(tokens, index), _extend(turn, index + 1 + len(match[0].split()))
    text = " ".join(words)
    for named in _NAMED_STREET.finditer(text):
        first, last = words_of(text, named.start(), named.end())
        if tokens[first] in {"the", "what", "which", "your", "is"}:
            first += 1
        # A house with a name: "The Old Rectory, Church Lane".
        low = max(0, first - 5) if asked else first
        while first > low and words[first - 1][:1].isupper() and tokens[first - 1] not in _NOT_CITY - {"the"}:
            first -= 1
        yield first, _extend(turn, last)
    for match in _BOX.finditer(turn.text):
        first, after = words_of(turn.text, *match.span())
        last = next((run.last_word for run in turn.runs if run.first_word == after), after)
        if last > after or any(map(str.isdigit, match[0])):
            yield first, _extend(turn, _lettered(tokens, last))
    for index, token in enumerate(tokens[:-2]):
        if asked and token in {"flat", "apartment"}:
            yield index, _extend(turn, index)


def _lettered(tokens: list[str], at: int) -> int:
    """The word after the letter that a number goes on with: "box nine b"; "a" is one only at the end."""
    word = at < len(tokens) and (tokens[at] != "a" or at + 1 == len(tokens)) and tokens[at] != "i"
    return letter_at(tokens, at) if word else at


def _street(turn: Utterance, run: NumberRun, *, asked: bool) -> int:
    """The word after the street that follows a house number; 0 if none does."""
    words, tokens = turn.words, turn.tokens
    match = _STREET_TAIL.match(" ".join(tokens[run.last_word : run.last_word + 9]))
    if match:
        name = match["name"].split()
        plain = set(name) & _NOT_STREET
        # "A five hundred gig drive".
        if not words[run.last_word][:1].isupper() and is_quantity(words, run):
            plain = set(name)
        last = run.last_word + len(match[0].split())
        kind = match["kind"]
        while last < len(tokens) and _KIND.fullmatch(tokens[last]) and not turn.closes(last - 1):
            kind, last = tokens[last], last + 1
        doubtful = kind in _HALF_KINDS and not asked and not _is_named(words, run.last_word, len(name))
        if doubtful:
            doubtful = not (_in_flat(tokens, run.first_word) or _goes_on(tokens, last))
        if not plain and not doubtful:
            return last
    if not asked or len(run.digits) > MAX_NUMBER_DIGITS:
        return 0
    place = first = run.last_word
    # "Two the maltings".
    if tokens[place : place + 1] == ["the"] and place + 1 < len(tokens) and tokens[place + 1] not in lexicon().everyday:
        place += 1
    while place < min(len(tokens), run.last_word + 3) and tokens[place] not in _NOT_STREET | _NOT_CITY | _UNITS | _GLUE:
        place += 1
        if words[place - 1][-1:] in ".,?!":
            break
    return place if place > first else 0


def _counts_nothing(turn: Utterance, run: NumberRun) -> bool:
    """Whether words follow a number that are no unit, no talk and no time of day: "twelve sycamore"."""
    after = turn.tokens[run.last_word : run.last_word + 1]
    talk = _NOT_STREET | _NOT_CITY | _GLUE | _TIMES
    return (
        bool(after)
        and not is_quantity(turn.words, run, strict=True)
        and after[0] not in talk
        and not turn.closes(run.last_word - 1)
    )


def _goes_on(tokens: list[str], at: int) -> bool:
    return at < len(tokens) and (tokens[at] in _UNITS or place_at(tokens, at, doubtful=True) > at)


def _in_flat(tokens: list[str], first: int) -> bool:
    # "File number two, the green folder" has no flat.
    return _prefix(tokens, first) < first and tokens[first - 1] not in {"number", "no", "#"}


def _is_named(words: Sequence[str], first: int, size: int) -> bool:
    """Whether the words before a doubtful kind of street look like its name: capitals, or no everyday words."""
    known = lexicon()
    return all(
        word[:1].isupper() or known.is_family(word.lower()) or known.is_given(word.lower())
        for word in words[first : first + size + 1]
    )


def _prefix(tokens: list[str], first: int) -> int:
    """The first word with "flat 2," or "apartment four b at" before the house number."""
    if first and tokens[first - 1] in _UNITS:
        return first - 1
    for back in range(2, 6):
        if first >= back and tokens[first - back] in _UNITS - {"house", "number", "box"}:
            return first - back
    return first


def _extend(turn: Utterance, last: int) -> int:
    """The word after all that belongs to an address of which the street ends at a word."""
    words, tokens = turn.words, turn.tokens
    numbers = {run.first_word: run for run in turn.runs}
    postcodes = dict(find_postcodes(turn, asked=False))
    while last < len(tokens):
        place = last
        while place < len(tokens) and tokens[place] in _GLUE and place - last < 4:
            place += 1
        after = place
        if place < len(tokens):
            after = _part(words, tokens, place, numbers, postcodes)
            if after == place and (place == last or tokens[place - 1] in {"in", "near", "outside"}):
                after = _city(words, tokens, place, cased=turn.is_cased)
        if after <= place:
            break
        last = after
    return last


def _part(
    words: Sequence[str], tokens: list[str], at: int, numbers: dict[int, NumberRun], postcodes: dict[int, int]
) -> int:
    """The word after a flat, a place, a state or a postcode at a word; that word if there is none."""
    if at in postcodes:
        return postcodes[at]
    if tokens[at] in _UNITS and at + 1 < len(tokens):
        place = at + 1
        while place < len(tokens) and (place in numbers or letter_at(tokens, place) > place):
            place = numbers[place].last_word if place in numbers else letter_at(tokens, place)
        return place if place > at + 1 else at + 2 if any(map(str.isdigit, tokens[at + 1])) else at
    after_place = at and place_at(tokens, at - 1) == at and len(numbers[at].digits) <= 2 if at in numbers else False
    if at in numbers and (after_place or len(numbers[at].digits) in range(3, 10)):
        return numbers[at].last_word
    if re.fullmatch(r"[a-z]{1,2}\d{1,2}[a-z]?|\d[a-z]{2}", tokens[at]):
        return at + 1
    if words[at].strip(".,?!").isupper() and tokens[at] in _STATES:
        return at + 1
    return place_at(tokens, at, doubtful=True)


def _city(words: Sequence[str], tokens: list[str], at: int, *, cased: bool) -> int:
    """The word after a town that no list knows: capitals, or up to three words before a state or place."""
    if cased:
        place = at
        while place < len(words) and words[place][:1].isupper() and tokens[place] not in _NOT_CITY and place - at < 4:
            place += 1
            if words[place - 1][-1:] in ".?!":
                break
        return place
    for size in (1, 2, 3):
        if at + size < len(tokens) and place_at(tokens, at + size) > at + size:
            return at + size if not set(tokens[at : at + size]) & _NOT_CITY else at
    return at
