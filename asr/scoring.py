"""How far a transcript is from its reference."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class WordErrors:
    """The components of a word error rate. They add up over calls, so that a corpus pools its words."""

    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0
    reference_words: int = 0

    @property
    def rate(self) -> float:
        """(substitutions + deletions + insertions) / reference words; insertions count if there are none.

        >>> WordErrors(1, 1, 0, 8).rate
        0.25
        >>> WordErrors().rate
        0.0
        """
        errors = self.substitutions + self.deletions + self.insertions
        return errors / max(self.reference_words, 1)

    def __add__(self, other: WordErrors) -> WordErrors:
        return WordErrors(
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
            self.reference_words + other.reference_words,
        )


def word_errors(reference: str, hypothesis: str) -> WordErrors:
    """The errors of one text against its reference, both already normalised, by minimum edit distance.

    An empty reference has no words, and every word of the hypothesis is an insertion.
    """
    import jiwer

    if not reference.split():
        return WordErrors(insertions=len(hypothesis.split()))
    found = jiwer.process_words(reference, hypothesis)
    return WordErrors(found.substitutions, found.deletions, found.insertions, len(reference.split()))


def pooled(parts: Iterable[WordErrors]) -> WordErrors:
    """The sum of the components: a corpus's errors, in which long calls weigh more."""
    return sum(parts, WordErrors())


def interval(parts: Sequence[WordErrors], seed: int, draws: int = 1_000) -> tuple[float, float]:
    """The 95 % confidence interval of the pooled rate, by a bootstrap over the parts (calls): (low, high).

    Bisani & Ney, Bootstrap estimates for confidence intervals in ASR performance evaluation, 2004. Without parts both
    ends are 0.
    """
    if not parts:
        return 0.0, 0.0
    errors = np.array([part.substitutions + part.deletions + part.insertions for part in parts])
    words = np.array([part.reference_words for part in parts])
    drawn = np.random.default_rng(seed).integers(0, len(parts), (draws, len(parts)))
    rates = errors[drawn].sum(axis=1) / np.maximum(words[drawn].sum(axis=1), 1)
    low, high = np.quantile(rates, (0.025, 0.975))
    return float(low), float(high)
