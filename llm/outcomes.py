"""What was done, refused or left undone: whether two texts say it the same way round."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_ACTS = {
    "cancel": r"cancel\w*|terminat\w+|annul\w*",
    "refund": r"refund\w*|reimburs\w+|money back|paid back|pay back|credited?|crediting",
    "pay": r"pa(?:y|ys|id|ying|yment|yments|yout)|charg\w+|costs?|refund\w*|settled?",
    "replace": r"replac\w+|exchang\w+|swap\w*|send you (?:a )?new|new one",
    "repair": r"repair\w*|fix\w*|mend\w*|correct\w*",
    "close": r"clos(?:e|es|ed|ing|ure)",
    "block": r"block\w*|froze\w*|freez\w+|suspend\w*|stopp?\w*",
    "approve": r"approv\w+|accept\w*|grant\w*|agree\w*",
    "upgrade": r"upgrad\w+",
    "waive": r"waiv\w+|no charge|free of charge|for free",
    "delete": r"delet\w+|eras\w+|remov\w+",
    "escalate": r"escalat\w+|supervisor|manager|transfer\w*|forward\w*",
    "send": r"sen[dt]\w*|ship\w*|mail\w*|deliver\w*|dispatch\w*",
    "book": r"book\w*|reserv\w+|schedul\w+|appointment|enrol\w*|signed up|put you down|all set",
    "change": r"chang\w+|mov(?:e|es|ed|ing)|switch\w*|reschedul\w+|rebook\w*|updat\w+",
}
"""Acts of a contact centre, each by the words that say it."""

_DONE = {
    "cancel": r"cancell?ed|terminated",
    "refund": r"refund(?:ed)?|reimbursed",
    "pay": r"paid|payout",
    "replace": r"replaced",
    "close": r"closed",
    "block": r"blocked|froze|suspended",
    "approve": r"approved|accepted|granted",
    "upgrade": r"upgraded",
    "waive": r"waived",
    "delete": r"deleted|erased",
    "escalate": r"escalated|transferred",
}
"""The words by which a summary says that an act was done, of those that it may say only if the cited turns have a word
for them."""

_NOT = re.compile(
    r"\b(?:not|no longer|never|without|unable|cannot|nor|neither|isn't|hasn't|refus\w+|declin\w+|reject\w+|"
    r"den(?:y|ied)|"
    r"fail\w*|instead of|rather than|free of|free|no)\b|n['\u2019]t\b"
)
_UNDONE_AFTER = re.compile(
    r"\b(?:was|were|is|are|been|be|being)\s+(?:not|refused|declined|rejected|denied)\b|\bnot possible\b"
)
_CLAUSE = re.compile(r"(?<=[.?!;:,])\s+|\s+(?:but|although|though|because|so|however)\s+")
_REACH = 6
"""Words before an act in which a negation is of it."""


@dataclass(frozen=True, slots=True)
class Said:
    """An act as it is said once: done, or not."""

    act: str
    done: bool


def acts(text: str, names: Sequence[str] = tuple(_ACTS)) -> Iterator[Said]:
    """The acts that a text speaks of; what is only asked for in a question is left out.

    >>> list(acts("I could not cancel it, but I have refunded the fee.", ("cancel", "refund")))
    [Said(act='cancel', done=False), Said(act='refund', done=True)]
    """
    for clause in _clauses(text):
        for name in names:
            for match in re.finditer(rf"\b(?:{_ACTS[name]})\b", clause):
                yield Said(name, not negated(clause, match.start(), match.end()))


def negated(clause: str, start: int, end: int) -> bool:
    """Whether what stands at [start, end) of a clause in lower case is said not to be."""
    before = " ".join(clause[:start].split()[-_REACH:])
    return bool(_NOT.search(before) or _UNDONE_AFTER.search(clause[end:]))


def contradicted(statement: str, evidence: str) -> bool:
    """Whether a statement says of an act that it was done, where the evidence says only that it was not, or so."""
    heard: dict[str, set[bool]] = {}
    for said in acts(evidence):
        heard.setdefault(said.act, set()).add(said.done)
    return any(said.act in heard and said.done not in heard[said.act] for said in acts(statement))


def invented(statement: str, evidence: str) -> bool:
    """Whether a statement says that something weighty was done of which the evidence has no word."""
    told = statement.lower()
    spoken = evidence.lower()
    return any(
        re.search(rf"\b(?:{done})\b", told) and not re.search(rf"\b(?:{_ACTS[name]})\b", spoken)
        for name, done in _DONE.items()
    )


def _clauses(text: str) -> Iterator[str]:
    for sentence in re.split(r"(?<=[.?!])\s+", text.lower()):
        if not sentence.rstrip().endswith("?"):
            yield from _CLAUSE.split(sentence)
