"""Which of what is kept of a recording a rendering of its transcript goes with."""

from __future__ import annotations

from compliance.types import AUDIO_KINDS, Kind

WORD_DOCUMENTS = ("json",)
"""Kinds of documents that hold the times of single words."""


def goes_with(kind: Kind, document: str) -> bool:
    """Say whether a rendering of this kind ("json", "wav") goes when that is erased."""
    if kind is Kind.REDACTED_AUDIO:
        return document in AUDIO_KINDS
    if kind is Kind.WORDS:
        return document in WORD_DOCUMENTS
    return kind is Kind.TRANSCRIPT and document not in AUDIO_KINDS
