"""Places that are no number and street: towns that were asked for, houses with names, corners, foreign roads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from compliance.names import lexicon, place_at
from compliance.readers.codes import letter_at
from compliance.readers.spans import WordSpan, words_of
from compliance.utterance import Utterance
from compliance.vocabulary import word_set

_ROAD_FIRST = (
    r"(?:county|state|farm to market|ranch|township|forest|rural|old|us|u s|provincial|national)"
    r" (?:road|route|highway|hwy|rte)|(?:highway|hwy|route|rte|interstate|autoroute)|rural route|r r|ring road"
)
_NUMBERED_ROAD = re.compile(rf"(?<!\S)(?:{_ROAD_FIRST})(?!\S)")
_FOREIGN_ROAD = re.compile(
    r"(?<!\S)(?:calle|avenida|avenue|paseo|camino|carrera|plaza|rue|boulevard|chemin|place|impasse|quai|via|viale|piazza"
    r"|corso|rua|travessa|largo|ulica|ul|aleja|bulevar|bulevardul|strada|jalan|jl|lorong|ulitsa|straat)(?!\S)"
    r"(?P<name>(?: (?:de|del|des|du|la|las|los|le|les|di|della|dei|da|do|dos|san|santa|saint)){0,2}(?: [\w'-]+){1,2})"
)
_SUFFIXED_ROAD = re.compile(r"[^\W\d_]{3,}(?:stra(?:ss|ß)e|straat|gata|gatan|vej|veien|gasse|allee|laan|utca|katu)")
_STREET_KINDS = (
    "street|avenue|road|drive|lane|boulevard|court|terrace|crescent|close|mews|parade|parkway|gardens|grove|square|way|row"
    "|hill|place|walk|rise|view|circle|trail|nagar|colony|marg|chowk|layout|enclave|vihar|puram|gali|bagh"
)
_NAMED_ROAD = re.compile(
    rf"(?<!\S)(?P<name>(?:(?:north|south|east|west|upper|lower|old|new|great|little|northeast|northwest|southeast|southwest"
    rf") )?(?:[\w'-]+ ){{1,2}}?)(?:{_STREET_KINDS})(?: (?:north|south|east|west|upper|lower|extension))?(?!\S)"
)
_HOUSE_KINDS = (
    "cottage|house|lodge|farm|farmhouse|forge|rectory|vicarage|barn|barns|mill|manor|villa|villas|hall|grange|croft"
    "|apartments|towers|tower|mansions|buildings|building|estate|heights|flats|residency|residences|chambers|ranch"
    "|granary|oast|smithy|parsonage|priory|abbey|coach house|school house|bothy|cottages"
    "|homestead|bungalow|stables|gatehouse|schoolhouse|chapel|condos|condominiums|quarters|compound"
)
_NAMED_HOUSE = re.compile(rf"(?<!\S)(?P<name>(?:the )?(?:[\w'-]+ ){{1,2}}?)(?:{_HOUSE_KINDS})(?!\S)")
_SURE_ROAD = re.compile(
    r"(?<!\S)[\w'-]+ (?:street|avenue|road|drive|lane|boulevard|terrace|crescent|close|mews|parkway|nagar)(?!\S)"
)
_LIVED_IN = re.compile(
    r"(?<!\S)(?:live|lives|living|we're|i'm|are|is|address is|stay|staying) (?:at|in) (?P<house>(?:the )?"
    r"(?:[\w'-]+ ){1,2}?"
    r"(?:cottage|lodge|farm|farmhouse|rectory|vicarage|grange|croft|schoolhouse|manor|villa|mill|barn|forge|house))(?!\S)"
)
_NAMED_BY = re.compile(
    r"(?<!\S)(?:road|street|lane|avenue|town|city|village|suburb|county|estate|house|property"
    r"|farm|building|place)(?: name)?"
    r" (?:is called|was called|is named|called|named|name is|is|would be|starts with)(?: just| the)?(?!\S)"
)
""""The road is stoke newington high street", "the house is called tregarth"."""

_STAYS_IN = re.compile(
    r"(?<!\S)(?:i'm|we're|i am|we are|calling|ringing|live|lives|living|based|moved|moving|house is)"
    r" (?:in|from|to|near)(?!\S)"
)
_CORNER = re.compile(
    r"(?<!\S)(?:corner|intersection|junction|crossroads) of (?:[\w'-]+ ){1,3}?(?:and|&) [\w'-]+"
    rf"(?: (?:{_STREET_KINDS}))?(?!\S)"
)
_PART = re.compile(
    r"(?<!\S)(?:tower|block|sector|phase|plot|wing|unit|flat|apartment|apt|suite|floor|level|villa|door|shop|stage|lot"
    r"|building|bldg|house|number|no|box|pocket|gate|room)(?: number| no)?(?!\S)"
)
_ORDINAL_FLOOR = re.compile(r"(?<!\S)(?:\w+(?:st|nd|rd|th)|first|second|third|ground|top|lower|upper) floor(?!\S)")

_STOP = word_set(
    """
    a an and are as at be been but by can could did do does don't for from get give go going good got had has have
    he her here him his how i i'd i'll i'm i've if in into is isn't it it'd it'll it's its just know let like live
    lives living lovely me mine my near next no not now of off oh on opposite or our out over past please really
    said same say says see she so some sorry still sure thank thanks that that's the their them then there there's they
    they're this to too um uh er until up us usually want was we we're we've well went were what what's when where
    which who will with would yeah yep yes you you'd you'll you're you've your right okay ok hello hi hang hold wait
    ma'am sir mean maybe moved think not never always about just only where's different actually been used call
    called apartment building whole main same office town number house flat apartment best easiest quickest only right
    long another either fastest safest
    """
)
_ARTICLE = "a"
_BETWEEN = word_set("in comma near of")
_BEFORE_NAME = word_set(
    "upper lower great little saint st port fort mount mt new san santa los las el la north south east west"
)
_AFTER_NAME = word_set(
    """
    island islands city beach park bay port valley lake lakes springs hills heights falls creek harbour harbor
    county village junction north south east west bridge green cross estate crescent upper lower extension phase
    district state town
    """
)
_ANSWER_GLUE = word_set(
    """
    yes yeah yep um uh er erm oh ah well so it's its it is that's the in at near on i'm i live we're we live from
    over out just okay ok sure right now currently lives he she they're my our it'd be would be that'd called
    """
)
_NO_PLACE = word_set(
    """
    remember rather know sure wait take yes no yeah nope okay sure sorry thanks thank please correct right hello
    pardon what same exactly fine great perfect
    """
)
FEW_WORDS = 4
"""Words of an answer that is nothing else; callwright's own choice."""

MAX_ANSWER_WORDS = 6
"""Words of a place that was asked for; callwright's own choice."""


def find_answers(turn: Utterance) -> Iterator[WordSpan]:
    """The place that a turn begins with, after "yes, it's in" and the like, if a place was asked for."""
    tokens, first = turn.tokens, 0
    while first < len(tokens) and tokens[first] in _ANSWER_GLUE and not _is_house_article(turn, first):
        first += 1
    last = first + _is_house_article(turn, first)
    while last < len(tokens) and last - first < MAX_ANSWER_WORDS and tokens[last] not in _STOP:
        last += 1
        if turn.closes(last - 1, ".?!;"):
            break
    said = tokens[first:last]
    everyday = lexicon().everyday
    named = {at for at in range(first, last - 1) if tokens[at] in _BEFORE_NAME}
    if (
        0 < len(tokens) - first <= FEW_WORDS
        and _NO_PLACE.isdisjoint(tokens)
        and not any("'" in token for token in said)
    ):
        yield first, len(tokens)
        return
    strange = any(
        (token.isalpha() and token not in everyday) or place_at(tokens, at, doubtful=True) > at
        for at, token in enumerate(said, first)
    )
    capital = any(word[:1].isupper() for word in turn.words[first:last])
    plain = _NO_PLACE.intersection(tokens[at] for at in range(first, last) if at not in named)
    if said and not plain and (strange or (capital and turn.is_cased) or last == len(tokens)):
        yield first, last


def _is_house_article(turn: Utterance, at: int) -> bool:
    """Whether a "the" begins the name of a house: one that is written with capitals, or of a kind that houses have."""
    after = turn.tokens[at + 1 : at + MAX_ANSWER_WORDS]
    if turn.tokens[at : at + 1] != ["the"] or not after:
        return False
    return (
        turn.words[at + 1][:1].isupper() if turn.is_cased else any(re.fullmatch(_HOUSE_KINDS, token) for token in after)
    )


def find_places(turn: Utterance, *, asked: bool) -> Iterator[WordSpan]:
    """Roads whose kind comes first, corners, houses with a name, and parts of buildings.

    Where an address was `asked` for or is being said, kinds that everyday talk has too are enough.
    """
    text = turn.text
    for match in _CORNER.finditer(text):
        yield words_of(text, match.start(), match.end())
    numbers = {run.first_word: run.last_word for run in turn.runs if len(run.digits) <= 5}
    before = {run.last_word: run.first_word for run in turn.runs if len(run.digits) <= 6}
    for match in _NUMBERED_ROAD.finditer(text):
        first, last = words_of(text, match.start(), match.end())
        if last in numbers and (asked or first in before or (first and turn.tokens[first - 1] in {"on", "off", "at"})):
            yield before.get(first, first), numbers[last]
    for match in _FOREIGN_ROAD.finditer(text):
        first, last = words_of(text, match.start(), match.end())
        name = turn.tokens[first + 1 : last]
        while name and name[-1] in _STOP:
            name, last = name[:-1], last - 1
        if name and (asked or first in before or last in numbers) and not _STOP & set(name) - {"de", "la"}:
            yield before.get(first, first), numbers.get(last, last)
    for at, token in enumerate(turn.tokens):
        if _SUFFIXED_ROAD.fullmatch(token) and token not in lexicon().everyday:
            yield before.get(at, at), numbers.get(at + 1, at + 1)
    parts = list(_parts(turn, text, numbers))
    if asked:
        yield from _named(turn, text)
    else:
        yield from _unasked(turn, text)
    houses = [match for match in _NAMED_HOUSE.finditer(text) if not _STOP & set(match["name"].split()) - {"the"}]
    joined = any(
        one == two or (one + 1 == two and turn.tokens[one] in _BETWEEN) for (_, one), (two, _) in pairwise(parts)
    )
    if asked or joined or (parts and houses):
        yield from parts
        yield from (words_of(text, match.start(), match.end()) for match in houses if parts)


def _unasked(turn: Utterance, text: str) -> Iterator[WordSpan]:
    """Roads, houses and towns though nobody asked: with a strange name, or where somebody lives or is."""
    tokens, everyday = turn.tokens, lexicon().everyday
    for match in _STAYS_IN.finditer(text):
        first = words_of(text, match.start(), match.end())[1]
        if first < len(tokens) and (last := place_at(tokens, first)) > first:
            yield first, last
        elif first < len(tokens) and tokens[first - 1] == "in" and _is_strange(tokens[first]) and not turn.is_cased:
            yield first, first + 1
    for match in _NAMED_BY.finditer(text):
        yield from _name_after(turn, words_of(text, *match.span())[1])
    for match in _SURE_ROAD.finditer(text):
        first, last = words_of(text, match.start(), match.end())
        if tokens[first].isalpha() and tokens[first] not in everyday | _STOP:
            yield first, last
    for match in _LIVED_IN.finditer(text):
        first, last = words_of(text, match.start("house"), match.end("house"))
        if not _STOP & set(tokens[first + (tokens[first] == "the") : last]):
            yield first, last


def _name_after(turn: Utterance, first: int) -> Iterator[WordSpan]:
    """The name of a place from a word on, up to talk or the end of a sentence, if part of it is strange or a place."""
    tokens, last = turn.tokens, first
    while last < len(tokens) and last - first < FEW_WORDS and tokens[last] not in _STOP:
        last += 1
        if turn.closes(last - 1, ".?!;"):
            break
    said = tokens[first:last]
    strange = any(len(token) > 2 and token.isalpha() and token not in lexicon().everyday for token in said)
    written = turn.is_cased and all(word[:1].isupper() for word in turn.words[first:last])
    place = any(place_at(tokens, at) > at for at in range(first, last))
    if said and (written if turn.is_cased else strange or place):
        yield first, last


def find_places_near(turn: Utterance) -> Iterator[WordSpan]:
    """Towns, counties and states by name, in a turn beside an address: "in Leeds, is it", "kansas I assume"."""
    at = 0
    while at < len(turn.tokens):
        last = place_at(turn.tokens, at)
        if last > at and not (turn.is_cased and turn.words[at][:1].islower()):
            yield at, last
        at = max(last, at + 1)


def _named(turn: Utterance, text: str) -> Iterator[WordSpan]:
    """Roads, houses and floors by their names while an address is said."""
    for pattern in (_NAMED_ROAD, _NAMED_HOUSE):
        for match in pattern.finditer(text):
            first, last = words_of(text, match.start(), match.end())
            while first < last - 1 and turn.tokens[first] in _STOP - {"the"}:
                first += 1
            name = set(turn.tokens[first : last - 1]) - {"the"}
            if name and not _STOP & name:
                yield first, last
    for match in _ORDINAL_FLOOR.finditer(text):
        yield words_of(text, match.start(), match.end())


def _parts(turn: Utterance, text: str, numbers: dict[int, int]) -> Iterator[WordSpan]:
    """Parts of buildings and estates with their numbers: "tower C", "sector nine", "unit three b"."""
    for match in _PART.finditer(text):
        first, last = words_of(text, match.start(), match.end())
        place = last
        while place < len(turn.tokens):
            after = numbers.get(place) or letter_at(turn.tokens, place)
            # "Unit three a" ends with its letter; in "unit three a block away" it does not.
            if _is_article(turn, place):
                break
            if re.fullmatch(r"[a-z]?-?\d{1,4}-?[a-z]?", turn.tokens[place]):
                after = max(after, place + 1)
            if after <= place:
                break
            place = after
        if place > last:
            yield first, place


def _is_article(turn: Utterance, at: int) -> bool:
    word = turn.tokens[at]
    return word == _ARTICLE and at + 1 < len(turn.tokens) and not turn.closes(at)


def widened(turn: Utterance, spans: Sequence[WordSpan]) -> Iterator[WordSpan]:
    """What touches addresses and is of them, though no list knows it: estates and towns in strange words."""
    taken = {word for first, last in spans for word in range(first, last)}
    for _, last in spans:
        end = last
        while end < len(turn.tokens) and end - last < MAX_ANSWER_WORDS and not turn.closes(end - 1, ".?!;"):
            after = _wider(turn, end, taken)
            if after == end:
                break
            end = after
        if end > last:
            yield last, end


def _wider(turn: Utterance, end: int, taken: set[int]) -> int:
    """The word after what goes on with an address that ends before a word; that word if nothing does."""
    tokens, everyday = turn.tokens, lexicon().everyday
    at = end
    while at < len(tokens) - 1 and tokens[at] in _BETWEEN and at - end < 2:
        at += 1
    token = tokens[at]
    if token in _BEFORE_NAME and at + 1 < len(tokens) and tokens[at + 1] not in _STOP:
        return at + 2
    # "Pine Knot, Kentucky": everyday words before a place that is known.
    known = [place for place in (at + 1, at + 2) if place < len(tokens) and place_at(tokens, place) > place]
    if known and at == end and not _STOP & set(tokens[at : known[0]]):
        return place_at(tokens, known[0])
    strange = _is_strange(token) or (token in _AFTER_NAME and at == end and tokens[at - 1] not in everyday)
    return max(at + 1, place_at(tokens, at)) if at in taken or strange or place_at(tokens, at) > at else end


def _is_strange(token: str) -> bool:
    """Whether a word is no everyday one, nor a form of a verb."""
    known = len(token) < 3 or not token.isalpha() or token in lexicon().everyday | _STOP
    return not known and not re.search(r"(?:ing|ed|ly|'\w+)$", token)


def find_bare_number(turn: Utterance) -> Iterator[WordSpan]:
    """The house number that is all of an answer, with its letter: "eighteen", "thirty seven a", "122."."""
    tokens = turn.tokens
    rest = [
        at for at, token in enumerate(tokens) if at not in turn.numeric and token not in _ANSWER_GLUE | {"number", "no"}
    ]
    if turn.numeric and all(len(tokens[at]) == 1 for at in rest):
        yield min(turn.numeric), max((*turn.numeric, *rest)) + 1
    for at, token in enumerate(tokens):
        if re.fullmatch(r"\d{1,4}[a-z]", token) and len(tokens) <= 4:
            yield at, at + 1


def find_bare_place(turn: Utterance) -> Iterator[WordSpan]:
    """The place that is all of a turn beside an address: "in Boise", "Lagos"."""
    tokens, first = turn.tokens, 0
    while first < len(tokens) and tokens[first] in _ANSWER_GLUE:
        first += 1
    if first == len(tokens) or len(tokens) - first > FEW_WORDS or not _NO_PLACE.isdisjoint(tokens[first:]):
        return
    after = place_at(tokens, first, doubtful=True)
    known = after > first and len(tokens) - after <= 1
    name = first
    while name < len(tokens) - 1 and tokens[name] in _BEFORE_NAME:
        name += 1
    strange = all(
        len(token) > 2 and token.isalpha() and token not in lexicon().everyday | _STOP for token in tokens[name:]
    )
    if known or strange:
        yield first, after if known else len(tokens)
