"""A call in short, by quotation: what is said of it is one of its own turns."""

from __future__ import annotations

import re
from collections.abc import Sequence

from compliance.types import RedactedTranscript, RedactedTurn
from llm.form import MOST_ACTIONS
from llm.types import Finding, Sentiment, Summary

_METHOD = "extractive-rules/2"

_REASONS = re.compile(
    r"\b(calling (about|because|to|for|regarding|in)|i('d| would) like|i (need|want|have a|wanted)|"
    r"can you|could you|i was (wondering|charged)|problem|question|complain)",
    re.IGNORECASE,
)
_OUTCOMES = re.compile(
    r"\b(i('ve| have) (booked|placed|made|updated|cancel+ed|changed|issued|refunded|blocked|opened|ordered|added|"
    r"scheduled|sent|put|set)|(is|are|has been|have been|you're) (now )?(all set|booked|placed|confirmed|"
    r"cancel+ed|refunded|updated|scheduled|blocked|complete|on (its|the) way)|wrong number)",
    re.IGNORECASE,
)
_ACTIONS = re.compile(
    r"\b((i|we)('ll| will| am going to|'m going to) \w+|you('ll| will) (receive|get|hear|have)|"
    r"(please|make sure to) (bring|call|send|wait|keep)|"
    r"(the|a|an|our|your) (\w+ ){1,3}will (arrive|be|come|pick|ship|contact|call|get|go|send)\b)",
    re.IGNORECASE,
)
_AGREED = re.compile(
    r"\b(went through|see you (on|then|next|tomorrow)|"
    r"i can \w+ (it|that|this|you) (right now|right away|for you|now|today))\b",
    re.IGNORECASE,
)
"""What tells an outcome where nothing is said to have been done."""
_CALLING = re.compile(r"\bi('m| am) calling (about|because|to|regarding|from .* (about|because))\b", re.IGNORECASE)
_FIRST_TURNS = 5

_FOLLOW_UPS = re.compile(
    r"\b(call(ing)? (you|me|her|him) back|get back to (you|me)|(be|keep) in touch|"
    r"(call|ring|phone|contact|write to|text) you|"
    r"hear (back )?from us|call (us|back) (again|tomorrow|on)|let (you|me) know)\b",
    re.IGNORECASE,
)
_PLEASED = re.compile(
    r"\b(thanks|thank you|great|perfect|wonderful|excellent|lovely|kind of you|"
    r"appreciate\w*|relief|awesome|brilliant|good)\b",
    re.IGNORECASE,
)
_DISPLEASED = re.compile(
    r"\b(not (happy|satisfied|good enough)|unhappy|annoy\w+|angry|upset|disappoint\w+|"
    r"ridiculous|unacceptable|terrible|awful|"
    r"pity|fed up|frustrat\w+|complain\w*)\b",
    re.IGNORECASE,
)
_LAST_TURNS = 3
_MIN_WORDS = 4


def quote(transcript: RedactedTranscript, categories: tuple[str, ...] = ()) -> Summary:
    """Reason, outcome and actions quoted from the turns that say them.

    The reason is why the agent says to be calling, or else the first customer turn (any turn on mixed recordings) that
    says what is wanted, or else their longest of the first five; the outcome is the last agent turn that says what was
    done, or what was agreed; actions are what the agent promises. Nothing is put in words of its own, so nothing can be
    invented. `categories` are those that the call is of (llm.analyses).
    """
    turns = list(enumerate(transcript.turns))
    customers = [(i, t) for i, t in turns if t.side != "agent"]
    agents = [(i, t) for i, t in turns if t.side != "customer"]
    return Summary(
        method=_METHOD,
        reason=_of_caller(agents) or _reason(customers),
        outcome=_last(agents, _OUTCOMES) or _last(agents, _AGREED),
        actions=_promises(agents)[-MOST_ACTIONS:],
        categories=categories,
        follow_up=_last(agents, _FOLLOW_UPS),
        sentiment=_sentiment(customers),
    )


def _sentiment(customers: Sequence[tuple[int, RedactedTurn]]) -> Sentiment | None:
    """What the customer's last turns say of how they feel; None if no customer speaks."""
    if not customers:
        return None
    said = " ".join(turn.text for _, turn in customers[-_LAST_TURNS:])
    if _DISPLEASED.search(said):
        return Sentiment.NEGATIVE
    return Sentiment.POSITIVE if _PLEASED.search(said) else Sentiment.NEUTRAL


def _of_caller(agents: Sequence[tuple[int, RedactedTurn]]) -> Finding | None:
    """Why an agent calls, if it was the agent who did."""
    said = ((i, t) for i, t in agents if i < _FIRST_TURNS and t.side == "agent" and _CALLING.search(t.text))
    return next((_quote(i, t, _CALLING) for i, t in said), None)


def _last(agents: Sequence[tuple[int, RedactedTurn]], pattern: re.Pattern[str]) -> Finding | None:
    return next((_quote(i, t, pattern) for i, t in reversed(agents) if pattern.search(t.text)), None)


def _promises(agents: Sequence[tuple[int, RedactedTurn]]) -> tuple[Finding, ...]:
    """Every sentence of an agent that promises something."""
    return tuple(
        Finding(sentence, (index,))
        for index, turn in agents
        for sentence in _SENTENCES.split(turn.text)
        if _ACTIONS.search(sentence)
    )


_SENTENCES = re.compile(r"(?<=[.?!]) +")


def _reason(customers: Sequence[tuple[int, RedactedTurn]]) -> Finding | None:
    told = [(i, t) for i, t in customers if len(t.text.split()) >= _MIN_WORDS]
    for index, turn in told:
        if _REASONS.search(turn.text):
            return _quote(index, turn, _REASONS)
    if not told:
        return None
    index, turn = max(told[:_FIRST_TURNS], key=lambda item: len(item[1].text.split()))
    return Finding(turn.text, (index,))


def _quote(index: int, turn: RedactedTurn, pattern: re.Pattern[str]) -> Finding:
    """The sentence of the turn in which the pattern lies, with the one after it if it is very short."""
    sentences = _SENTENCES.split(turn.text)
    for at, sentence in enumerate(sentences):
        if pattern.search(sentence):
            short = len(sentence.split()) < _MIN_WORDS
            return Finding(" ".join(sentences[at : at + 2] if short else [sentence]), (index,))
    return Finding(turn.text, (index,))
