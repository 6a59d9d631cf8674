"""A second reader: somebody, such as a language model, who reads what the recognisers left and proposes what to remove.

It is trusted with nothing. It sees redacted text alone, and what it proposes is removed only if it stands word for word
in the turn that it names, is of an entity that the policy removes, and is no longer than anything secret. So it can
add to what the recognisers removed, and put nothing back, write nothing, and take no call apart.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from compliance.findings import Finding
from compliance.marks import is_mark
from compliance.readers.spans import words_of
from compliance.types import RedactedTranscript
from compliance.utterance import Utterance

MOST_WORDS = 16
"""Of one proposal: a card dictated digit by digit. What is longer is no span but a whole turn, or an obeyed caller."""

_AFTER = r"(?=(?:'s)?[.,?!;:]*(?:\s|$))"
"""Where words end: a proposal may leave out what closes its last one."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Words of a turn that may be an entity, as they stand there. The turn counts from 0."""

    turn: int
    text: str = field(repr=False)
    entity: str


class SecondReader(Protocol):
    """Proposes what is left to remove in calls that were redacted."""

    @property
    def name(self) -> str:
        """Who read, as certificates tell of it."""
        ...

    def propose(self, transcript: RedactedTranscript, entities: Collection[str]) -> Sequence[Proposal]:
        """What else of these entities is in the call.

        Raises RetryableError while it cannot read, SkippableError for a call that it cannot read.
        """
        ...


def verbatim(
    proposals: Iterable[Proposal], turns: Sequence[Utterance], entities: Collection[str]
) -> tuple[list[Finding], int]:
    """Every place where what was proposed stands in its turn, and how many proposals were dropped."""
    found: list[Finding] = []
    dropped = 0
    for proposal in proposals:
        places = _places(proposal, turns) if proposal.entity in entities else []
        found += places
        dropped += not places
    return found, dropped


def _places(proposal: Proposal, turns: Sequence[Utterance]) -> list[Finding]:
    words = proposal.text.split()
    if not (0 <= proposal.turn < len(turns) and 0 < len(words) <= MOST_WORDS) or all(map(is_mark, words)):
        return []
    text = " ".join(turns[proposal.turn].words)
    matches = re.finditer(rf"(?<!\S){re.escape(' '.join(words))}{_AFTER}", text)
    return [Finding(proposal.turn, *words_of(text, *match.span()), proposal.entity) for match in matches]
