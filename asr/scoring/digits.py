"""Errors in digits alone: what a contact centre cannot afford to mishear."""

from __future__ import annotations

from collections.abc import Iterable

from asr.scoring.alignment import Kind, Step
from asr.scoring.errors import EditErrors


def digit_errors(steps: Iterable[Step]) -> EditErrors:
    """The errors of the digits of an alignment of all words; its text is to have each digit as a word of its own.

    A digit of the reference is right, replaced (by whatever word) or lost. A digit of the hypothesis that stands for no
    digit of the reference, or for none at all, is put in.

    >>> from asr.scoring.alignment import align
    >>> digit_errors(align("4 1 1 1 please".split(), "4 1 one 7 2".split()))
    EditErrors(substitutions=2, deletions=0, insertions=1, reference_length=4)
    """
    replaced = lost = put_in = right = 0
    for step in steps:
        if step.kind is Kind.UNSCORED:
            continue
        if not step.reference.isdigit():
            put_in += step.hypothesis.isdigit()
        elif step.kind is Kind.DELETED:
            lost += 1
        else:
            replaced += step.kind is Kind.SUBSTITUTED
            right += step.kind is Kind.EQUAL
    return EditErrors(replaced, lost, put_in, replaced + lost + right)
