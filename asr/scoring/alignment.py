"""Which words of a reference and a hypothesis stand for one another; what was removed from either is not scored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from asr.scoring.errors import EditErrors, character_errors, pooled
from asr.scoring.marks import Mark, Taken, Token, trace


class Kind(StrEnum):
    """What became of a word."""

    EQUAL = "equal"
    SUBSTITUTED = "substituted"
    DELETED = "deleted"
    INSERTED = "inserted"
    UNSCORED = "unscored"
    """It was removed from either text, so that nobody can say whether it was heard right."""


@dataclass(frozen=True, slots=True)
class Step:
    """A word of the reference with that of the hypothesis, empty where there is none. Of a step that is not scored,
    each side is all its words or the name of its mark."""

    kind: Kind
    reference: str = field(repr=False)
    hypothesis: str = field(repr=False)
    n_reference: int
    """Words of the reference in it: 1 or 0, and more where they are not scored."""


def align(reference: Sequence[Token], hypothesis: Sequence[Token]) -> list[Step]:
    """The alignment with the fewest errors, in order.

    Where neither text has a mark it is rapidfuzz's, which jiwer's figures are of. Marks that both texts have in one
    place stand for one another. Any other mark takes words of the other text at no cost, up to its room, and they are
    not scored; of alignments with as few errors the one that leaves the fewest words unscored is taken.
    """
    from rapidfuzz.distance import Levenshtein

    steps: list[Step] = []
    for own, theirs, taken in _runs(reference, hypothesis):
        for found in Levenshtein.opcodes(own, theirs):
            steps += _steps(found.tag, own[found.src_start : found.src_end], theirs[found.dest_start : found.dest_end])
        if taken is not None:
            steps.append(taken)
    return steps


def errors(steps: Iterable[Step]) -> EditErrors:
    """The word errors of an alignment; what is not scored is neither error nor length.

    >>> errors(align("one two three".split(), "one too three four".split()))
    EditErrors(substitutions=1, deletions=0, insertions=1, reference_length=3)
    """
    kinds = [step.kind for step in steps]
    substitutions, deletions, insertions, right = (
        kinds.count(kind) for kind in (Kind.SUBSTITUTED, Kind.DELETED, Kind.INSERTED, Kind.EQUAL)
    )
    return EditErrors(substitutions, deletions, insertions, substitutions + deletions + right)


def errors_in_characters(steps: Iterable[Step]) -> EditErrors:
    """The character errors of the same, of each stretch between what is not scored by itself."""
    return pooled(character_errors(own, theirs) for own, theirs in _stretches(steps))


def unscored(steps: Iterable[Step]) -> int:
    """How many words of the reference are not scored."""
    return sum(step.n_reference for step in steps if step.kind is Kind.UNSCORED)


def _stretches(steps: Iterable[Step]) -> Iterator[tuple[str, str]]:
    own: list[str] = []
    theirs: list[str] = []
    for step in steps:
        if step.kind is Kind.UNSCORED:
            yield " ".join(own), " ".join(theirs)
            own, theirs = [], []
        else:
            own += [step.reference] if step.reference else []
            theirs += [step.hypothesis] if step.hypothesis else []
    yield " ".join(own), " ".join(theirs)


def _steps(kind: str, own: Sequence[str], theirs: Sequence[str]) -> list[Step]:
    if kind == "delete":
        return [Step(Kind.DELETED, word, "", 1) for word in own]
    if kind == "insert":
        return [Step(Kind.INSERTED, "", word, 0) for word in theirs]
    found = Kind.EQUAL if kind == "equal" else Kind.SUBSTITUTED
    return [Step(found, word, other, 1) for word, other in zip(own, theirs, strict=True)]


_Run = tuple[list[str], list[str], Step | None]


def _runs(reference: Sequence[Token], hypothesis: Sequence[Token]) -> Iterator[_Run]:
    """Words without marks that belong together, and what is not scored after them; None after the last."""
    at = other_at = 0
    for taken in _taken(reference, hypothesis):
        own, theirs = reference[slice(*taken.reference)], hypothesis[slice(*taken.hypothesis)]
        step = Step(Kind.UNSCORED, _written(own), _written(theirs), len(_words(own)))
        yield _words(reference[at : taken.reference[0]]), _words(hypothesis[other_at : taken.hypothesis[0]]), step
        at, other_at = taken.reference[1], taken.hypothesis[1]
    yield _words(reference[at:]), _words(hypothesis[other_at:]), None


def _taken(reference: Sequence[Token], hypothesis: Sequence[Token]) -> Iterator[Taken]:
    """What marks take, in order: marks that both texts have take one another, and the others words between these."""
    at = other_at = 0
    for row, column in [*_same_marks(reference, hypothesis), (len(reference), len(hypothesis))]:
        own, theirs = reference[at:row], hypothesis[other_at:column]
        if _has_marks(own) or _has_marks(theirs):
            yield from (taken.moved(at, other_at) for taken in trace(own, theirs).taken)
        if row < len(reference):
            yield Taken((row, row + 1), (column, column + 1))
        at, other_at = row + 1, column + 1


def _same_marks(reference: Sequence[Token], hypothesis: Sequence[Token]) -> list[tuple[int, int]]:
    """Places of marks of one name that stand for one another if marks are taken for words."""
    from rapidfuzz.distance import Levenshtein

    if not (_has_marks(reference) and _has_marks(hypothesis)):
        return []
    return [
        (found.src_start + step, found.dest_start + step)
        for found in Levenshtein.opcodes(reference, hypothesis)
        if found.tag == "equal"
        for step in range(found.src_end - found.src_start)
        if isinstance(reference[found.src_start + step], Mark)
    ]


def _has_marks(tokens: Sequence[Token]) -> bool:
    return any(isinstance(token, Mark) for token in tokens)


def _words(tokens: Sequence[Token]) -> list[str]:
    return [token for token in tokens if isinstance(token, str)]


def _written(tokens: Sequence[Token]) -> str:
    return " ".join(token if isinstance(token, str) else f"[{token.name}]" for token in tokens)
