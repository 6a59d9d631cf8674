"""What another version of an analysis changes, call by call and in all."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from llm.types import Analysed, AnalysisKind

MOST_EXAMPLES = 3
"""Calls that are named for each kind of change."""


class Change(StrEnum):
    """What became of a call: it fits now, no longer, with another score or answer, as before, or never did."""

    GAINED = "gained"
    LOST = "lost"
    CHANGED = "changed"
    KEPT = "kept"
    WITHOUT = "without"


def change(before: Analysed | None, after: Analysed) -> Change:
    """What the second says otherwise than the first, which is None where nothing was said before.

    >>> old = Analysed("order", AnalysisKind.CATEGORY, "1", "rules/1", 0.0)
    >>> new = Analysed("order", AnalysisKind.CATEGORY, "2", "rules/1", 1.0)
    >>> change(old, new), change(new, old), change(None, old)
    (<Change.GAINED: 'gained'>, <Change.LOST: 'lost'>, <Change.WITHOUT: 'without'>)
    """
    held = before is not None and before.holds
    if not (held and after.holds):
        if held:
            return Change.LOST
        return Change.GAINED if after.holds else Change.WITHOUT
    same = before is not None and (before.value, before.answer) == (after.value, after.answer)
    return Change.KEPT if same else Change.CHANGED


@dataclass(slots=True)
class Scores:
    """Scores of calls, pooled."""

    calls: int = 0
    total: float = 0.0

    def add(self, value: float | None) -> None:
        """Count a call's score, if it has one."""
        if value is not None:
            self.calls += 1
            self.total += value

    @property
    def mean(self) -> float | None:
        """The mean score; None of no call."""
        return self.total / self.calls if self.calls else None


@dataclass(slots=True)
class Difference:
    """What one analysis changes over the calls that were brought to this version. Counts add up to these calls."""

    name: str
    kind: AnalysisKind
    version: str
    before: Counter[str] = field(default_factory=Counter)
    """Calls by the version that they had, "" for those that had none."""
    counts: Counter[Change] = field(default_factory=Counter)
    examples: dict[Change, list[str]] = field(default_factory=dict)
    """Some calls of each kind but those that are as before."""
    old_scores: Scores = field(default_factory=Scores)
    new_scores: Scores = field(default_factory=Scores)

    def add(self, call: str, before: Analysed | None, after: Analysed) -> None:
        """Count a call that is known by this name."""
        found = change(before, after)
        self.before[before.version if before else ""] += 1
        self.counts[found] += 1
        self.old_scores.add(before.value if before else None)
        self.new_scores.add(after.value)
        if found not in (Change.KEPT, Change.WITHOUT):
            named = self.examples.setdefault(found, [])
            if len(named) < MOST_EXAMPLES:
                named.append(call)
