"""Whether one run hears better than another on the same words: the matched pairs test of NIST.

Gillick & Cox, Some statistical issues in the comparison of speech recognition algorithms, ICASSP 1989; "MAPSSWE" in
NIST's sctk. Words that follow one another err together, so calls are cut where both runs are right for a while, and
what is compared is how many errors each run made in each piece.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from math import inf, sqrt
from statistics import NormalDist, mean, stdev

from asr.scoring.alignment import Kind, Step

_RIGHT_BETWEEN = 2
"""Words in a row that both runs hear right between two segments (Gillick & Cox; sctk's default)."""

LEAST_SEGMENTS = 50
"""With fewer segments their mean is hardly normal, and the test says little (Gillick & Cox)."""

Segment = tuple[int, int]
"""Errors of the first and of the second run between words that both hear right; one of them at least is above 0."""


@dataclass(frozen=True, slots=True)
class MatchedPairs:
    """The errors of two runs by segment, and how likely means so far apart are if neither run is better.

    `z` is above 0 if the second run has fewer errors. `p_value` is two-sided, from the normal distribution.
    """

    segments: int
    first_errors: int
    second_errors: int
    z: float
    p_value: float

    @property
    def is_enough(self) -> bool:
        """Whether there are segments enough for the test to say something."""
        return self.segments >= LEAST_SEGMENTS


def segments(first: Sequence[Step], second: Sequence[Step]) -> list[Segment]:
    """Cut two alignments with one reference where both are right for two words; only segments with errors are given.

    Raises ValueError if the alignments have not as many words of reference.
    """
    own, theirs = _slots(first), _slots(second)
    found: list[Segment] = []
    errors = [0, 0]
    right = 0
    for number, (one, other) in enumerate(zip(own, theirs, strict=True)):
        errors[0] += one
        errors[1] += other
        if one or other:
            right = 0
        elif number % 2:  # of words; that nothing is put in between two of them makes neither right
            right += 1
        if right >= _RIGHT_BETWEEN and any(errors):
            found.append((errors[0], errors[1]))
            errors = [0, 0]
    return [*found, (errors[0], errors[1])] if any(errors) else found


def matched_pairs(found: Iterable[Segment]) -> MatchedPairs:
    """The test on the segments of all calls. With fewer than two segments nothing is known: p is 1."""
    pairs = list(found)
    first, second = (sum(pair[run] for pair in pairs) for run in (0, 1))
    z = _z([one - other for one, other in pairs])
    return MatchedPairs(len(pairs), first, second, z, 2 * NormalDist().cdf(-abs(z)))


def _z(differences: Sequence[int]) -> float:
    if len(differences) < 2:
        return 0.0
    centre, spread = mean(differences), stdev(differences)
    if spread == 0:
        return inf * centre if centre else 0.0
    return float(centre / (spread / sqrt(len(differences))))


def _slots(steps: Iterable[Step]) -> list[int]:
    """Errors before the first word of the reference, of it, between it and the next, and so on; of a word that is not
    scored none."""
    slots = [0]
    for step in steps:
        if step.kind is Kind.INSERTED:
            slots[-1] += 1
        elif step.kind is Kind.UNSCORED:
            slots += chain.from_iterable((0, 0) for _ in range(step.n_reference))
        else:
            slots += [int(step.kind is not Kind.EQUAL), 0]
    return slots
