"""Recognising what is no plain number in a turn: e-mails, names, addresses, dates, mixed identifiers."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from compliance.findings import Finding, Utterance
from compliance.names import FAMILY_NAMES, GIVEN_NAMES, TITLES
from compliance.spoken_numbers import bare, read_numbers
from compliance.vocabulary import word_set

WordSpan = tuple[int, int]
"""First word and the one after the last."""

_PROVIDERS = "gmail|yahoo|hotmail|outlook|icloud|aol|comcast|verizon|protonmail|proton|msn"
_TOP_LEVEL = "com|net|org|edu|gov|io|co|us|uk|biz|info|me|ca|de|fr|mil|dev|app"
_ATOM = r"[\w+'-]+(?:[._][\w+'-]+)*"
_JOINT = r"(?:dot|period|point|underscore|under score|dash|hyphen|plus)"
_DOMAIN = (
    rf"(?:[\w-]+(?: dot [\w-]+)*? dot (?:{_TOP_LEVEL})(?: dot (?:uk|au))?"
    rf"|[\w-]+(?:\.[\w-]+)*\.(?:{_TOP_LEVEL})(?:\.(?:uk|au))?"
    rf"|(?:{_PROVIDERS})(?: ?(?:dot|\.) ?(?:{_TOP_LEVEL}))?)"
)
_EMAIL = re.compile(
    rf"(?<!\S)(?:\S+@\S+|(?:(?:\w|{_ATOM}(?: {_JOINT})+) )*(?:\w+ (?=\d+ ))?(?P<local>{_ATOM}) (?:at"
    rf"|@) {_DOMAIN})(?!\S)"
)
_EMAIL_TAIL = re.compile(rf"(?<!\S)(?:at|@) {_DOMAIN}(?!\S)")
_URL = re.compile(
    rf"(?<!\S)(?:https?://\S+|www\.\S+|(?:www|w w w|triple w) (?:dot )?[\w-]+ dot (?:{_TOP_LEVEL})"
    rf"|[\w-]+(?: dot [\w-]+)? dot (?:{_TOP_LEVEL})(?: slash [\w-]+)*|[\w-]+(?:\.[\w-]+)*\.(?:com|net"
    rf"|org|edu|gov|io))(?!\S)"
)
_NOT_LOCAL = word_set(
    """
    look us me go online available shop visit site website order check find buy available here it page
    store now us out up me them that this back
    """
)
_EMAIL_START = word_set("is it's its email e-mail address to use be that's as and yes yeah sure okay at")

_STREET = (
    "street|st|avenue|ave|road|rd|drive|lane|ln|boulevard|blvd|court|ct|place|terrace|circle|parkway|pkwy|highway|hwy"
    "|trail|square|crescent|way|close|row|alley|turnpike|pike"
)
_STREET_TAIL = re.compile(
    rf"(?:north |south |east |west |northeast |northwest |southeast |southwest |[nsew] )?"
    rf"(?P<name>(?:(?!{_STREET}\b)[\w'-]+ ){{1,3}}?)(?:{_STREET})(?!\S)"
    r"(?: (?:north|south|east|west|[nsew]{1,2}))?"
    r"(?P<unit> (?:apartment|apt|unit|suite|number|floor|building)(?= ))?"
)
_NAMED_STREET = re.compile(r"(?:[A-Z][\w'-]+ ){1,3}(?:Street|Avenue|Road|Drive|Lane|Boulevard|Court|Terrace|Parkway)\b")
_NOT_STREET = word_set(
    """
    a an the of to in on for and or is are was it that this these those you your my our their his her i
    we they ways more minutes minute hours hour days day dollars times percent people one's by from with
    at not no can will would miles mile degrees weeks months years cents items orders took take takes do
    does did have has had went go
    """
)

_MONTH = (
    "january|february|march|april|may|june|july|august|september|october|november|december"
    "|jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec"
)
_ORDINALS = word_set(
    """
    first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth
    fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth thirtieth
    """
)
_DATE_GLUE = word_set("of the and in")
_ORDINAL_FIGURES = re.compile(r"\d{1,2}(?:st|nd|rd|th)")
_IS_MONTH = re.compile(_MONTH)

_NAME_CUE = re.compile(
    r"(?<!\S)(?:names?(?: on (?:the|my|your) (?:card|account|order|policy))?(?: here)? (?:is|was|are"
    r"|would be)"
    r"|name's|speaking (?:with|to)|spoke (?:with|to)|talk(?:ed|ing) (?:with|to)|goes by|call me"
    r"|thanks|thank you|hi|hello|hey|morning|afternoon|evening|okay|bye|sorry|alright|dear|this is|i'm"
    r"|i am|it's"
    r"|that's|here is|under|for|ask for|with|and|from|name)(?!\S)"
)
_SURE_CUE = re.compile(r"names?\b.* (?:is|was|are|would be)$|name's$")
_FAIR_CUE = re.compile(r"this is|(?:speaking|spoke|talk(?:ed|ing)) (?:with|to)|thanks|thank you|i'm|i am")
_NOT_NAME = word_set(
    """
    goodbye bye bye-bye cheers
    a an the my your his her our their it its it's is was are be been and or but not no yes yeah yep
    okay ok so um uh er well just actually really very on in at to for of from with by as that this
    these those there here what who how when where why which all any some i i'm you he she we they me us
    him them do does did have has had can could will would should may might must sir ma'am maam miss
    please thank thanks sorry sure right spelled correct calling speaking regarding about going gonna
    trying looking having been still already also too now then today good great fine hi hello hey
    customer support service billing sales technical department team someone somebody anybody listed
    wrong different same misspelled under account card order new old only because if like one two three
    four five six seven eight nine ten agent operator representative supervisor manager company
    """
)


def words_of(text: str, first_char: int, last_char: int) -> WordSpan:
    """The words, counted by single spaces, that characters [first_char, last_char) touch."""
    starts = [0, *(index + 1 for index, char in enumerate(text) if char == " ")]
    return bisect_right(starts, first_char) - 1, bisect_right(starts, last_char - 1)


def find_emails(words: Sequence[str], *, asked: bool) -> Iterator[WordSpan]:
    """E-mail addresses, written or spoken; `asked` widens them to names with "dot" and to what "at" follows.

    "maria dot lopez at example dot com", "Maria.Lopez at example.com", "m l o p e z 42 at gmail dot com".
    """
    text = " ".join(bare(word) or "_" for word in words)
    for match in _EMAIL.finditer(text):
        first, last = words_of(text, match.start(), match.end())
        local = match["local"]
        if local in _NOT_LOCAL:
            continue
        yield _widen(words, first), last
    if not asked:
        return
    for match in _EMAIL_TAIL.finditer(text):
        first, last = words_of(text, match.start(), match.end())
        yield _widen(words, first), last
    for match in re.finditer(rf"(?<!\S)\w+(?: {_JOINT} \w+)+(?!\S)", text):
        yield words_of(text, match.start(), match.end())


def _widen(words: Sequence[str], first: int) -> int:
    """Where an address begins: after "is", "it's" or "email" at most 6 words back, or at spelled letters."""
    for start in range(first, max(-1, first - 7), -1):
        if start and bare(words[start - 1]) in {"is", "it's", "email", "e-mail", "address"}:
            return start
        if start and (bare(words[start - 1]) in _EMAIL_START or words[start - 1][-1:] in ".?!"):
            return start
    single = first
    while single and (len(bare(words[single - 1])) == 1 or read_numbers(words[single - 1 : single])):
        single -= 1
    return single


def find_urls(words: Sequence[str]) -> Iterator[WordSpan]:
    """Addresses of web sites, written or spoken."""
    text = " ".join(bare(word) or "_" for word in words)
    for match in _URL.finditer(text):
        yield words_of(text, match.start(), match.end())


def find_streets(words: Sequence[str], places: Iterable[WordSpan] = ()) -> Iterator[WordSpan]:
    """Street addresses: a number, a name of one to three words, a kind of street, and a flat's number.

    `places` are spans already known as places; one that follows within two words joins the address.
    """
    tokens = [bare(word) or "_" for word in words]
    known = dict(places)
    for run in read_numbers(words):
        match = _STREET_TAIL.match(" ".join(tokens[run.last_word :]))
        if not match or len(run.digits) > 6 or set(match["name"].split()) & _NOT_STREET:
            continue
        last = run.last_word + len(match[0].split())
        if match["unit"]:
            last += 1
        while last in known or last + 1 in known:
            last = known[last] if last in known else known[last + 1]
        yield run.first_word, min(last, len(words))
    text = " ".join(words)
    for named in _NAMED_STREET.finditer(text):
        yield words_of(text, named.start(), named.end())


def find_dates(words: Sequence[str]) -> Iterator[WordSpan]:
    """Dates with a month's name and at least one number, or three numbers with strokes or dashes."""
    tokens = [bare(word) for word in words]
    numeric = {word for run in read_numbers(words) for word in range(run.first_word, run.last_word)}
    numeric |= {index for index, token in enumerate(tokens) if _ordinal(token)}
    months = {index for index, token in enumerate(tokens) if _IS_MONTH.fullmatch(token)}
    at = 0
    while at < len(words):
        if at not in numeric and at not in months:
            at += 1
            continue
        last = at
        for index in range(at, len(words)):
            if index in numeric or index in months:
                last = index + 1
            elif tokens[index] not in _DATE_GLUE:
                break
        inside = set(range(at, last))
        figures = re.fullmatch(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}", tokens[at])
        if (inside & months and inside & numeric) or figures:
            yield at, last
        at = last


def _ordinal(token: str) -> bool:
    return token.rpartition("-")[2] in _ORDINALS or bool(_ORDINAL_FIGURES.fullmatch(token))


def find_again(turns: Sequence[Utterance], found: Iterable[Finding]) -> Iterator[Finding]:
    """Every further mention of a name found once: its parts of four letters or more, written alike."""
    names: set[str] = set()
    for finding in found:
        names.update(map(_stem, turns[finding.turn].words[finding.first_word : finding.last_word]))
    names = {name for name in names if len(name) >= 4 and name not in _NOT_NAME}
    for index, turn in enumerate(turns):
        cased = _is_cased(turn.words)
        for place, word in enumerate(turn.words):
            if (word[:1].isupper() or not cased) and _stem(word) in names:
                yield Finding(index, place, place + 1, "PERSON")


def _stem(word: str) -> str:
    return bare(word).removesuffix("'s")


def _is_cased(words: Sequence[str]) -> bool:
    return any(word[:1].isupper() and bare(word) not in {"i", "i'm"} for word in words)


def find_names(words: Sequence[str], *, asked: bool = False) -> Iterator[WordSpan]:
    """Persons' names that a phrase announces ("my name is", "this is", "Mrs.") or that are common full names.

    If a name was `asked` for just before, an answer of up to three words that are no everyday words is one.
    """
    if asked and len(words) <= 3 and all(_may_be_name(words, at, sure=True, cased=False) for at in range(len(words))):
        yield 0, len(words)
    text = " ".join(bare(word) or "_" for word in words)
    cased = _is_cased(words)
    for match in _NAME_CUE.finditer(text):
        first = words_of(text, match.start(), match.end())[1]
        # A capital alone proves a name only after a phrase that a name follows.
        sure = bool(_SURE_CUE.search(match[0])) or (cased and bool(_FAIR_CUE.fullmatch(match[0])))
        last = first
        while last < min(len(words), first + 3) and _may_be_name(words, last, sure=sure, cased=cased):
            last += 1
            if words[last - 1][-1:] in ".,?!;":
                break
        if last > first:
            yield first, last
    tokens = text.split(" ")
    for index, (token, after) in enumerate(pairwise(tokens)):
        if token in TITLES and (after in FAMILY_NAMES or (words[index + 1][:1].isupper() and after not in _NOT_NAME)):
            yield index + 1, index + 2
        if token in GIVEN_NAMES and after in FAMILY_NAMES:
            yield index, index + 2


def _may_be_name(words: Sequence[str], index: int, *, sure: bool, cased: bool) -> bool:
    token = bare(words[index])
    if not token or token in _NOT_NAME or not re.fullmatch(r"[^\W\d_][\w'-]*", token):
        return False
    if words[index][:1] == "[":
        return False
    if sure and (not cased or words[index][:1].isupper()):
        return True
    return token in GIVEN_NAMES or token in FAMILY_NAMES


def find_spelling(words: Sequence[str]) -> Iterator[WordSpan]:
    """Words spelled in three letters or more: "L O P E Z", "L-O-P-E-Z", "l as in lima o as in oscar"."""
    tokens = [bare(word) for word in words]
    at = 0
    while at < len(tokens):
        last, letters = at, 0
        while last < len(tokens):
            if re.fullmatch(r"[a-z]", tokens[last]):
                letters += 1
                aside = tokens[last + 1 : last + 3] in (["as", "in"], ["like", "in"])
                last += 4 if aside else 3 if tokens[last + 1 : last + 2] == ["for"] else 1
            elif re.fullmatch(r"[a-z](?:-[a-z])+", tokens[last]):
                letters += len(tokens[last].split("-"))
                last += 1
            elif letters and tokens[last] in {"double", "and", "dash", "um", "uh", "then"}:
                last += 1
            else:
                break
        if letters >= 3:
            yield at, min(last, len(tokens))
        at = max(last, at + 1)


def find_identifiers(words: Sequence[str]) -> Iterator[WordSpan]:
    """Numbers with letters in them and at least two digits: "A B 1 2 3 4", "PX-4471"."""
    numeric = {word for run in read_numbers(words) for word in range(run.first_word, run.last_word)}
    tokens = [bare(word) for word in words]
    at = 0
    while at < len(words):
        last = at
        while last < len(words) and (
            last in numeric
            or (len(tokens[last]) == 1 and tokens[last].isalpha() and tokens[last] not in {"i", "a"})
            or (tokens[last] == "a" and last > at)
            or re.fullmatch(r"(?=.*\d)(?=.*[a-z])[a-z0-9-]{3,}", tokens[last])
        ):
            last += 1
        said = "".join(tokens[at:last])
        digits = sum(map(str.isdigit, said)) + sum(tokens[index].isalpha() for index in numeric & set(range(at, last)))
        if last > at and digits >= 2 and not set(range(at, last)) <= numeric and not _ORDINAL_FIGURES.fullmatch(said):
            yield at, last
        at = max(last, at + 1)
