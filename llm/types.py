"""What is said about a call in short."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Finding:
    """A statement about a call and the indices of the turns that it rests on."""

    text: str = field(repr=False)
    turns: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """Reason, outcome and actions of a call, each tied to its turns; `method` says what made it."""

    method: str
    reason: Finding | None
    outcome: Finding | None
    actions: tuple[Finding, ...]
    categories: tuple[str, ...]
