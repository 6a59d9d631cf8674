"""E-mail addresses and web sites, written or spoken."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from compliance.names import lexicon
from compliance.readers.spans import WordSpan, words_of
from compliance.spoken_numbers import is_number_word
from compliance.utterance import Utterance
from compliance.vocabulary import word_set

PROVIDERS = (
    "gmail|g mail|googlemail|google mail|yahoo|hotmail|hot mail|outlook|icloud|i cloud|aol|a o l|comcast|verizon|att"
    "|protonmail|proton mail|proton|msn|live|me|sky|btinternet|bt internet|virgin media|fastmail|gmx|mail|zoho|ymail"
)
TOP_LEVEL = (
    "com|net|org|edu|gov|io|co|us|uk|biz|info|me|ca|de|fr|mil|dev|app|ie|au|nz|in|eu|ai|tv|ac|nhs|es|it|nl|health|shop"
)
_DOT = r"(?:dot|point|period|\.)"
_SPOKEN_DOMAIN = (
    rf"(?:(?:[\w-]+ ){{1,5}}?|(?:\w ){{2,12}}?)(?:{_DOT} [\w-]+ )?{_DOT} (?:{TOP_LEVEL}|f m|fm|xyz|x y z"
    rf"|online|store|c o m|u k|o r g|n e t|c o)"
    rf"(?: {_DOT} (?:uk|u k|au|nz|za|in|[a-z]{{2}}))?"
    r"|(?:(?!the\b)[\w-]+ ){1,3}?dot [a-z]{2,12}(?: dot [a-z]{2,3})?"
)
_DOMAIN = (
    rf"(?:[\w-]+(?:\.[\w-]+)*\.(?:{TOP_LEVEL})(?:\.(?:uk|au|nz))?"
    rf"|[\w-]+ ?\.? ?com(?=\s|$)|{_SPOKEN_DOMAIN}"
    rf"|(?:{PROVIDERS})(?: ?(?:dot|\.) ?(?:{TOP_LEVEL}))?)"
)
_TAIL = re.compile(rf"(?<!\S)(?:at|@|at sign|at symbol) (?P<domain>{_DOMAIN})(?!\S)")
_SURE_TAIL = re.compile(rf"(?:{PROVIDERS})\b")
_BARE_PROVIDER = re.compile(
    rf"(?<!\S)(?:gmail|yahoo|hotmail|outlook|icloud|aol) {_DOT} (?:com|co)(?: {_DOT} uk)?(?!\S)"
)
NO_SITE = word_set(
    "it it's is that that's this in from to or and just not a the our your ends end website site web page"
    " be was say with co dot"
)
"""Words before a "dot com" that speak of it, and name no site: "is it dot com or dot org"."""

MIN_WRITTEN = 3
"""Characters of a part of a written address."""

_URL = re.compile(
    rf"(?<!\S)(?:https?://\S+|www\.\S+|(?:www|w w w|triple w) (?:dot )?(?:[\w-]+ ){{1,3}}?dot (?:{TOP_LEVEL})"
    rf"(?: dot uk)?|[\w-]+(?: (?:dot|hyphen|dash|underscore) [\w-]+){{0,3}} dot (?:{TOP_LEVEL})(?: dot uk)?"
    rf"(?: slash [\w-]+)*"
    r"|[\w-]+(?:\.[\w-]+)*\.(?:com|net|org|edu|gov|io|co\.uk|org\.uk)(?:/\S*)?)(?!\S)"
)
_JOINTS = word_set("dot period point underscore score under dash hyphen plus minus . _ -")
_SPOKEN_JOINTS = word_set("dot underscore dash hyphen at @ _ .")
_CHAINED = re.compile(r"(?<!\S)[\w'-]+(?: (?:dot|underscore|under score|dash|hyphen) [\w'-]+)+(?!\S)")
_NOT_LOCAL = word_set(
    """
    look us me go online available shop visit site website order check find buy here it page store now out up
    them that this back was is are were be located live work am looking shopping at and or
    """
)
_STOP = word_set(
    """
    is it's its email e-mail mail address to use that's thats yes yeah yep sure okay ok at so still on um uh er
    erm be with the a an it's_ also try that me my line would right for will was
    """
)
_CUES = word_set(
    "is it's its email e-mail mail address to use that's thats be still sure yes yeah yep okay ok so it at"
)
_ASIDE = word_set("as in for like capital lowercase uppercase double triple and then all")
MAX_WHOLE_WORDS = 5
"""Words before "at" that are a local part if a turn begins with them; callwright's own choice."""

_NOT_ADDRESS = word_set(
    """
    is it's its email e-mail mail address to that's yes yeah yep sure okay ok so still um uh er try use send be was were
    are am we i'm we're you're look go shop visit order buy site website page online have has had from as no and or can
    could would will do did does call reach contact log looked signed saw find found got get me us them him her
    """
)
MAX_LOCAL_WORDS = 45
"""Words that a spelled local part may take ("j as in john"); callwright's own choice."""


def find_emails(turn: Utterance, *, asked: bool) -> Iterator[WordSpan]:
    """E-mail addresses; `asked` takes in names with "dot" and all that stands before an "at".

    "maria dot lopez at example dot com", "Maria.Lopez at example.com", "m l o p e z 42 at gmail dot com".
    """
    words, tokens = turn.words, turn.tokens
    present = set(tokens)
    for at, word in enumerate(words):
        if "@" in word and len(word) > MIN_WRITTEN:
            yield _written(tokens, at), at + 1
    if not (asked or {"at", "@", "sign", "symbol"} & present or {"dot", "underscore"} & present):
        return
    text = turn.text
    for match in _TAIL.finditer(text):
        at, last = words_of(text, match.start(), match.end())
        first = _local(words, tokens, at, asked=asked, sure=bool(_SURE_TAIL.match(match["domain"])))
        if first < at or asked:
            yield first, last
    for match in _BARE_PROVIDER.finditer(text):
        at, last = words_of(text, match.start(), match.end())
        yield (_local(words, tokens, at, asked=asked, sure=True) if asked else at), last
    if asked:
        for match in _CHAINED.finditer(text):
            first, last = words_of(text, match.start(), match.end())
            yield first, last + (tokens[last:] in (["at"], ["@"]))


def _written(tokens: Sequence[str], at: int) -> int:
    """Where a written address begins: letters and parts before "lopez@gmail.com" belong to it."""
    first = at
    while first and (
        (len(tokens[first - 1]) == 1 and tokens[first - 1] not in {"a", "i"})
        or tokens[first - 1] in _JOINTS - {"dash", "point"}
        or (tokens[first] in _JOINTS and tokens[first - 1] not in _STOP)
    ):
        first -= 1
    return first


def _local(words: Sequence[str], tokens: Sequence[str], at: int, *, asked: bool, sure: bool) -> int:
    """The first word of the part before the "at" at a word; that word itself if nothing there is a local part."""
    low = at
    while low and at - low < MAX_LOCAL_WORDS:
        token = tokens[low - 1]
        # "as in" and "for" go on with a spelled letter's example.
        example = token in {"for", "as", "in", "like"} and low >= 2 and _in_example(tokens, low - 1)
        spelled = len(token) == 1 and _beside_letters(tokens, low - 1, at)
        if (token in _STOP and not (example or spelled)) or (
            words[low - 1][-1:] in ".?!," and low < at and len(token) > 1
        ):
            break
        low -= 1
    announced = low and tokens[low - 1] in _CUES and tokens[low] not in _NOT_LOCAL
    if (announced or (asked and low == 0)) and at - low <= (MAX_LOCAL_WORDS if asked or announced else 12):
        return low
    domain = tokens[at + 1 : at + 2]
    whole = sure or "dot" in tokens[at:] or any("." in word for word in domain)
    # What an answer begins with is the whole of it: "the dog lady at icloud dot com".
    if whole and 0 < at <= MAX_WHOLE_WORDS and _NOT_ADDRESS.isdisjoint(tokens[:at]):
        return 0
    if whole and low == 0 and 0 < at <= 4 and tokens[0] not in _NOT_LOCAL:
        return 0
    first = at
    while first > low and _belongs(tokens, first - 1, first):
        first -= 1
    first = _over_fillers(tokens, first)
    if first == at and at > low and whole and tokens[at - 1] not in _NOT_LOCAL:
        first = at - 1
        while first > low and _belongs(tokens, first - 1, first):
            first -= 1
    # "susangoldstein 42 at": what stands before the figures is of it.
    if low < first < at and (is_number_word(tokens[first]) or tokens[first].isdigit()):
        first -= tokens[first - 1] not in _NOT_LOCAL
        while first > low and _belongs(tokens, first - 1, first):
            first -= 1
    return first


def _over_fillers(tokens: Sequence[str], first: int) -> int:
    """Letters that a filler parts from the rest belong to it: "m j uh hartley"."""
    place = first
    while place and tokens[place - 1] in {"um", "uh", "er", "erm", "then", "and"}:
        place -= 1
    letters = place
    while letters and len(tokens[letters - 1]) == 1 and tokens[letters - 1].isalpha():
        letters -= 1
    return letters if letters < place < first else first


def _in_example(tokens: Sequence[str], at: int) -> bool:
    return any(len(token) == 1 for token in tokens[max(0, at - 2) : at])


def _beside_letters(tokens: Sequence[str], at: int, last: int) -> bool:
    """Whether a single letter stands among others, so that "a" and "i" are spelled."""
    near = [tokens[place] for place in (at - 1, at + 1) if 0 <= place < last]
    return any(len(token) == 1 or token in _JOINTS for token in near)


def _belongs(tokens: Sequence[str], at: int, after: int) -> bool:
    """Whether a token surely is of the local part: a letter, a digit, a joint, beside a joint, or a name."""
    token = tokens[at]
    if token in _NOT_LOCAL:
        return False
    beside = after < len(tokens) and tokens[after] in _JOINTS
    return (
        len(token) == 1
        or is_number_word(token)
        or token in _JOINTS
        or token in _ASIDE
        or beside
        or lexicon().is_name(token)
        or bool(re.search(r"\d|[._]", token))
    )


def find_urls(turn: Utterance) -> Iterator[WordSpan]:
    """Addresses of web sites."""
    tokens, text = turn.tokens, turn.text
    if "dot" not in tokens and not any("." in token or "://" in token for token in tokens):
        return
    for match in _URL.finditer(text):
        first, last = words_of(text, match.start(), match.end())
        if tokens[first] not in NO_SITE:
            yield first, last


def is_email_joint(token: str) -> bool:
    """Whether a word joins the parts of an address, and is little else in one: "dot", "underscore"."""
    return token in _SPOKEN_JOINTS
