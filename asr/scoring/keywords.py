"""Whether the words that matter were heard: product names, cancellations, disclosures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from asr.scoring.alignment import Kind, Step


@dataclass(frozen=True, slots=True)
class KeywordCount:
    """How often a phrase was said, how many of these times it was heard where it was said, and how often it was heard
    where it was not said."""

    said: int = 0
    found: int = 0
    invented: int = 0

    @property
    def recall(self) -> float | None:
        """The share that was heard of what was said; None if it was not said."""
        return self.found / self.said if self.said else None

    def __add__(self, other: KeywordCount) -> KeywordCount:
        return KeywordCount(self.said + other.said, self.found + other.found, self.invented + other.invented)


def keyword_count(steps: Iterable[Step], phrase: Sequence[str]) -> KeywordCount:
    """Count one phrase, in normalised words, in an alignment. What is not scored interrupts it.

    It was heard where it was said if each of its words was, with nothing put in between.

    >>> from asr.scoring.alignment import align
    >>> keyword_count(align("cancel my plan please".split(), "cancel my old plan please".split()), ["my", "plan"])
    KeywordCount(said=1, found=0, invented=0)
    >>> keyword_count(align("cancel my plan or council it".split(), "cancel my plan or cancel it".split()), ["cancel"])
    KeywordCount(said=1, found=1, invented=1)
    """
    steps = list(steps)
    said = _places([step.reference for step in steps], [step.kind is Kind.INSERTED for step in steps], phrase)
    heard = _places([step.hypothesis for step in steps], [step.kind is Kind.DELETED for step in steps], phrase)
    return KeywordCount(len(said), len(said & heard), len(heard - said))


def _places(words: Sequence[str], skipped: Sequence[bool], phrase: Sequence[str]) -> set[tuple[int, ...]]:
    """The steps of each time that the phrase stands in one of the two texts; `skipped` are those of the other alone."""
    own = [number for number, skip in enumerate(skipped) if not skip]
    starts = range(len(own) - len(phrase) + 1)
    runs = (tuple(own[start : start + len(phrase)]) for start in starts)
    return {run for run in runs if all(words[at] == word for at, word in zip(run, phrase, strict=True))}
