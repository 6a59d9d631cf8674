"""A call in short, by quotation: what is said of it is one of its own turns."""

from __future__ import annotations

import re
from collections.abc import Sequence

from compliance.types import RedactedTranscript, RedactedTurn
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
    r"(please|make sure to) (bring|call|send|wait|keep))",
    re.IGNORECASE,
)
_CATEGORIES = {
    "order": r"\b(order|ship|shipping|delivery|buy|purchase)",
    "payment": r"\b(card|payment|pay|charge[ds]?|refund|bill|invoice)\b",
    "appointment": r"\b(appointment|book(ed)?|schedule|reschedule)\b",
    "complaint": r"\b(complain\w*|unhappy|disappoint\w*|unacceptable|broken|damaged)\b",
    "account": r"\b(account|password|log ?in|balance|statement)\b",
    "wrong number": r"\bwrong number\b",
}
CATEGORIES = tuple(_CATEGORIES)
"""What a call may be about."""

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
_MAX_ACTIONS = 3
_MIN_WORDS = 4


def quote(transcript: RedactedTranscript) -> Summary:
    """Reason, outcome and actions quoted from the turns that say them.

    The reason is the first customer turn (any turn on mixed recordings) that says what is wanted, or else their
    longest of the first five; the outcome is the last agent turn that says what was done; actions are what the
    agent promises. Nothing is put in words of its own, so nothing can be invented.
    """
    turns = list(enumerate(transcript.turns))
    customers = [(i, t) for i, t in turns if t.side != "agent"]
    agents = [(i, t) for i, t in turns if t.side != "customer"]
    said = " ".join(turn.text for _, turn in turns)
    return Summary(
        method=_METHOD,
        reason=_reason(customers),
        outcome=next((_quote(i, t, _OUTCOMES) for i, t in reversed(agents) if _OUTCOMES.search(t.text)), None),
        actions=tuple(_quote(i, t, _ACTIONS) for i, t in agents if _ACTIONS.search(t.text))[-_MAX_ACTIONS:],
        categories=tuple(name for name, words in _CATEGORIES.items() if re.search(words, said, re.IGNORECASE)),
        follow_up=next((_quote(i, t, _FOLLOW_UPS) for i, t in reversed(agents) if _FOLLOW_UPS.search(t.text)), None),
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


def _reason(customers: Sequence[tuple[int, RedactedTurn]]) -> Finding | None:
    told = [(i, t) for i, t in customers if len(t.words) >= _MIN_WORDS]
    for index, turn in told:
        if _REASONS.search(turn.text):
            return _quote(index, turn, _REASONS)
    if not told:
        return None
    index, turn = max(told[:5], key=lambda item: len(item[1].words))
    return Finding(turn.text, (index,))


def _quote(index: int, turn: RedactedTurn, pattern: re.Pattern[str]) -> Finding:
    """The sentence of the turn in which the pattern lies, with the one after it if it is very short."""
    sentences = re.split(r"(?<=[.?!]) +", turn.text)
    for at, sentence in enumerate(sentences):
        if pattern.search(sentence):
            short = len(sentence.split()) < _MIN_WORDS
            return Finding(" ".join(sentences[at : at + 2] if short else [sentence]), (index,))
    return Finding(turn.text, (index,))
