"""How far a transcript is from its reference."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class EditErrors:
    """The components of a word or character error rate. They add up over calls, so that a corpus pools its words.

    `reference_length` counts the words, or the characters, of the reference.
    """

    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0
    reference_length: int = 0

    @property
    def count(self) -> int:
        """Substitutions, deletions and insertions together."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """`count` / length of the reference; insertions count if there is none.

        >>> EditErrors(1, 1, 0, 8).rate
        0.25
        >>> EditErrors().rate
        0.0
        """
        return self.count / max(self.reference_length, 1)

    def __add__(self, other: EditErrors) -> EditErrors:
        return EditErrors(
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
            self.reference_length + other.reference_length,
        )


def word_errors(reference: str, hypothesis: str) -> EditErrors:
    """The errors of one text against its reference, both already normalised, by minimum edit distance over words.

    An empty reference has no words, and every word of the hypothesis is an insertion.
    """
    import jiwer

    if not reference.split():
        return EditErrors(insertions=len(hypothesis.split()))
    found = jiwer.process_words(reference, hypothesis)
    return EditErrors(found.substitutions, found.deletions, found.insertions, len(reference.split()))


def character_errors(reference: str, hypothesis: str) -> EditErrors:
    """The same over characters, of which one space between words is one.

    >>> character_errors("two pizzas", "to pizzas").rate
    0.1
    """
    import jiwer

    reference, hypothesis = (" ".join(text.split()) for text in (reference, hypothesis))
    if not reference:
        return EditErrors(insertions=len(hypothesis))
    found = jiwer.process_characters(reference, hypothesis)
    return EditErrors(found.substitutions, found.deletions, found.insertions, len(reference))


def long_deletions(reference: str, hypothesis: str, least: int = 5) -> int:
    """How many runs of at least so many words in a row the hypothesis lost: speech that was skipped, not misheard.

    >>> long_deletions("please hold the line a moment thank you", "please thank you")
    1
    """
    import jiwer

    if not reference.split():
        return 0
    (found,) = jiwer.process_words(reference, hypothesis).alignments
    return sum(part.type == "delete" and part.ref_end_idx - part.ref_start_idx >= least for part in found)


def pooled(parts: Iterable[EditErrors]) -> EditErrors:
    """The sum of the components: a corpus's errors, in which long calls weigh more."""
    return sum(parts, EditErrors())


def interval(parts: Sequence[EditErrors], seed: int, draws: int = 1_000) -> tuple[float, float]:
    """The 95 % confidence interval of the pooled rate, by a bootstrap over the parts (calls): (low, high)."""
    return ratio_interval([part.count for part in parts], [part.reference_length for part in parts], seed, draws)


def ratio_interval(
    errors: Sequence[float], lengths: Sequence[float], seed: int, draws: int = 1_000
) -> tuple[float, float]:
    """The 95 % confidence interval of sum(errors) / sum(lengths), of as many parts each, by a bootstrap over the parts.

    Bisani & Ney, Bootstrap estimates for confidence intervals in ASR performance evaluation, 2004. Without parts both
    ends are 0. Lengths that add up to nothing count as 1.
    """
    if not errors:
        return 0.0, 0.0
    drawn = np.random.default_rng(seed).integers(0, len(errors), (draws, len(errors)))
    wrong, whole = np.asarray(errors)[drawn].sum(axis=1), np.asarray(lengths)[drawn].sum(axis=1)
    low, high = np.quantile(wrong / np.where(whole > 0, whole, 1), (0.025, 0.975))
    return float(low), float(high)
