"""E-mail addresses that one side dictates piece by piece, with the other side's replies in between.

A side is listened to from the question on, or from a turn that spells or joins words ("j dot smith"). What it then says
of letters, digits, joints, names and few words is a piece; pieces are an address once one of them has its "at" or "dot
com". A turn that goes on with something else, or another question, ends it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from compliance.conversation import Moment
from compliance.dictation import is_hesitation
from compliance.findings import Finding
from compliance.names import lexicon
from compliance.readers.codes import letter_at
from compliance.readers.emails import NO_SITE, PROVIDERS, TOP_LEVEL, is_email_joint
from compliance.readers.spans import WordSpan, words_of
from compliance.topics import Topic
from compliance.utterance import Utterance
from compliance.vocabulary import word_set

MAX_PLAIN_WORDS = 4
"""Everyday words of a piece that has no other words around it; callwright's own choice."""

MAX_IDLE_TURNS = 2
"""Turns without a piece, in a row, that a dictation outlasts; callwright's own choice."""

SPELT_LETTERS = 3
"""Letters in a row that begin an address though nobody asked for one; callwright's own choice."""

MAX_READ_BACK_WORDS = 8
"""Words of a read-back; callwright's own choice."""

_END = re.compile(
    rf"(?<!\S)(?:(?:at|@) (?:{PROVIDERS}|\S+\.(?:{TOP_LEVEL}))"
    rf"|(?:dot|point|period) (?:{TOP_LEVEL}|c o m|f m)|\S+@\S*)(?!\S)"
)
_JOINT = re.compile(r"(?:^|\s)(?:dot|underscore|hyphen|dash|@|at sign)(?:\s|$)|(?:^at \S+$)|(?:\S at$)")
_BEGINNING = re.compile(
    rf"(?<!\S)(?:(?:[a-z] ){{{SPELT_LETTERS - 1},}}[a-z](?!\S)|[a-z] (?:for|as in|like) [a-z]"
    rf"|(?!(?:{'|'.join(sorted(NO_SITE))}) )\S+ (?:dot|underscore) \S)"
    r"|\S (?:at|underscore|dot)$"
)
_ONE_WORD = re.compile(r"(?<!\S)(?:all |it's all |as )*(?:one word|together)(?!\S)")
_ASIDE = re.compile(
    r"(?<!\S)(?:(?:all |it's all |as )*one word|(?:all |in )*(?:lower|upper) ?case|(?:in |all )?(?:capitals|caps)"
    r"|no (?:spaces?|dots?|dash(?:es)?|hyphens?|capitals)|(?:all )?together"
    r"|with (?:a|an|one|two|double|the letter) \w+(?: not (?:a|an) \w+)?|like (?:the|a) \w+|(?:the )?(?:number|digit)s?"
    r"|spelled out|spel(?:led|t)|then|and then|that's (?:it|all)|two [a-z]s)(?!\S)"
)
_TOLD = re.compile(r"(?<!\S)(?:(?:the )?(?:number|digit|letter)s?|with (?:a|an|one|two|double|the letter) \w+)(?!\S)")
"""What is said of a letter or a digit, and is of the address between two parts of it: "montoya the number four"."""

_NEUTRAL = word_set(
    "um uh er erm and then so it's its it is that's that the a yeah yes yep okay ok next uhm mm hmm well oh all"
)
_TALK = word_set(
    """
    i'm i i'll i've you you're he she they we my your his her their our this these those what what's which who how when
    where why there here not don't doesn't didn't can't won't couldn't just only really actually think know want need
    get got give send sent use used using try check wait hold sorry thanks thank please correct right perfect great
    lovely exactly sure hello hi bye again but because with without for from about after before is are was were be been
    am do does did have has had can could will would should may might moment second sec minute no nope go going ahead
    let me email e-mail mail address mine still now too or if as on to of by old new same wrong spell one's course fine
    good already anymore any some name phone number account order card yourself them him us something nothing on's
    """
)
_STAYS = frozenset({Topic.EMAIL, Topic.NAME, Topic.PART})
"""Topics that end no dictation."""

_ARTICLES = word_set("the a my mr mrs miss ms dr")
_CUES = word_set("it's its is use to email's mine's yeah yes so")


@dataclass(slots=True)
class _Dictation:
    """What one side has said so far of an address."""

    asked: bool
    joined: bool = False
    whole: bool = False
    """Whether it has had its end, so that what follows corrects or spells it."""
    idle: int = 0
    pieces: list[Finding] = field(default_factory=list)


def find_dictated(turns: Sequence[Utterance], at: Sequence[Moment]) -> Iterator[Finding]:
    """The pieces of every address that a side dictates, and of what the other side reads back meanwhile."""
    for side in dict.fromkeys(turn.side for turn in turns):
        yield from _of_side(turns, at, side)


def _of_side(turns: Sequence[Utterance], at: Sequence[Moment], side: str) -> Iterator[Finding]:
    held: _Dictation | None = None
    for index, turn in enumerate(turns):
        own = {mention.topic for mention in turn.mentions}
        if turn.side != side:
            if held and own - _STAYS:
                held = None
            elif held is None and _ends(turn):
                held = _Dictation(asked=True, joined=True, whole=True)
            elif held:
                held.pieces += (Finding(index, *span, "EMAIL_ADDRESS") for span in _read_back(turn))
            continue
        asked = Topic.EMAIL in own or (Topic.EMAIL in at[index].asked and not own - _STAYS)
        if held is None and (asked or _begins(turn)):
            held = _Dictation(asked)
        if held is None:
            continue
        spans = _of_address(turn, pieces(turn, plain=not held.whole))
        held.idle = 0 if spans else held.idle + 1
        held.pieces += (Finding(index, *span, "EMAIL_ADDRESS") for span in spans)
        held.joined = held.joined or any(_joins(turn, span, asked=held.asked) for span in spans)
        held.whole = held.whole or any(_END.search(" ".join(turn.tokens[slice(*span)])) for span in spans)
        if held.joined:
            yield from held.pieces
            held.pieces = []
        if held.idle > MAX_IDLE_TURNS or (own - _STAYS and not spans):
            held = None


def _of_address(turn: Utterance, spans: Sequence[WordSpan]) -> list[WordSpan]:
    """The pieces that no other topic has: "my number is 0770 090 0123 and my email is" something else."""
    kept = []
    for first, last in spans:
        before = [mention.topic for mention in turn.mentions if mention.first_word <= first]
        if not before or before[-1] in _STAYS:
            kept.append((first, last))
    named = next((mention.last_word for mention in turn.mentions if mention.topic is Topic.EMAIL), 0)
    return [span for span in kept if span[0] >= named] or kept


def _begins(turn: Utterance) -> bool:
    """Whether a turn spells, or joins words with a "dot": an address may begin so that nobody asked for."""
    text = turn.text
    return bool(_BEGINNING.search(text) or _ends(turn))


def _ends(turn: Utterance) -> bool:
    """Whether a turn holds the end of an address; "is it dot com or dot org" has ends of none."""
    for match in _END.finditer(turn.text):
        first = words_of(turn.text, *match.span())[0]
        if turn.tokens[first] in {"at", "@"} or not first or turn.tokens[first - 1] not in NO_SITE:
            return True
    return False


def _joins(turn: Utterance, span: WordSpan, *, asked: bool) -> bool:
    """Whether a piece can only be of an address."""
    said = " ".join(turn.tokens[slice(*span)])
    return bool(_END.search(said) or (asked and _JOINT.search(said)))


def _read_back(turn: Utterance) -> Iterator[WordSpan]:
    """Joints with what they join, letters and digits in a short turn of the other side: "dot com", "j m at gmail"."""
    if len(turn.tokens) > MAX_READ_BACK_WORDS:
        return
    for first, last in pieces(turn, plain=False):
        said = turn.tokens[first:last]
        if any(map(is_email_joint, said)) or not turn.numeric.isdisjoint(range(first, last)):
            yield first, last


def pieces(turn: Utterance, *, plain: bool = True) -> list[WordSpan]:
    """Spans of letters, digits, joints and names, and of everyday words that stand beside a joint.

    If `plain`, also of a few everyday words that are all of a turn.
    "all one word", "with two t's" and what else is said about an address are of none.
    """
    tokens = turn.tokens
    aside = {word for match in _ASIDE.finditer(turn.text) for word in range(*words_of(turn.text, *match.span()))}
    sure = _sure(turn, aside)
    everyday = [at for at, token in enumerate(tokens) if at not in sure | aside and token not in _NEUTRAL]
    alone = plain and len(everyday) <= MAX_PLAIN_WORDS and not any(tokens[at] in _TALK for at in everyday)
    taken = sure | {at for at in everyday if alone or (tokens[at] not in _TALK and _beside_joint(tokens, at))}
    taken |= _between(turn, taken) | _as_one_word(turn)
    spans: list[WordSpan] = []
    for at in sorted(taken):
        if spans and spans[-1][1] == at:
            spans[-1] = (spans[-1][0], at + 1)
        else:
            # "It's the real dom at the farm": an article that an address or its domain begins with.
            begins = at and tokens[at - 1] in _ARTICLES and (at < 2 or _opens(tokens[at - 2]))
            spans.append((at - 1 if begins and at not in turn.numeric else at, at + 1))
    return spans


def _sure(turn: Utterance, aside: set[int]) -> set[int]:
    """Words that are no talk: letters with their examples, digits, joints, ends of addresses, names, strange words."""
    tokens, known = turn.tokens, lexicon()
    sure: set[int] = set()
    at = 0
    while at < len(tokens):
        token = tokens[at]
        after = letter_at(tokens, at)
        if after > at and not (token in {"a", "i"} and after == at + 1 and not _beside_letter(tokens, at)):
            sure.update(range(at, after))
        elif at not in aside and (
            at in turn.numeric
            or is_email_joint(token)
            or any(map(str.isdigit, token))
            or "@" in token
            or (token not in _TALK | _NEUTRAL and (known.is_name(token) or _is_strange(token)))
            or (at and is_email_joint(tokens[at - 1]) and re.fullmatch(TOP_LEVEL, token))
        ):
            sure.add(at)
        at = max(at + 1, after)
    return sure


def _between(turn: Utterance, taken: set[int]) -> set[int]:
    """Words that tell of a letter or a digit, between two words that are taken."""
    words: set[int] = set()
    for match in _TOLD.finditer(turn.text):
        first, last = words_of(turn.text, *match.span())
        if first - 1 in taken and (last in taken or last - 1 in taken):
            words.update(range(first, last))
    return words


def _as_one_word(turn: Utterance) -> set[int]:
    """The words of which somebody says that they are one: "accounts payable all one word"."""
    words: set[int] = set()
    for match in _ONE_WORD.finditer(turn.text):
        last = first = words_of(turn.text, *match.span())[0]
        while first and last - first < MAX_PLAIN_WORDS and turn.tokens[first - 1] not in _TALK | _NEUTRAL:
            first -= 1
        words.update(range(first, last))
    return words


def _opens(token: str) -> bool:
    return token in _CUES or is_hesitation(token) or is_email_joint(token)


def _is_strange(token: str) -> bool:
    """Whether a word is no everyday one; of two letters, one that nobody can say: "jb"."""
    wordlike = re.fullmatch(r"[^\W_][\w.-]{2,}|[b-df-hj-np-tv-z]{2}", token)
    return bool(wordlike) and token not in lexicon().everyday


def _beside_letter(tokens: Sequence[str], at: int) -> bool:
    near = (*tokens[max(0, at - 1) : at], *tokens[at + 1 : at + 2])
    return any(len(token) == 1 or is_email_joint(token) for token in near)


def _beside_joint(tokens: Sequence[str], at: int) -> bool:
    return any(is_email_joint(token) for token in (*tokens[max(0, at - 1) : at], *tokens[at + 1 : at + 2]))
