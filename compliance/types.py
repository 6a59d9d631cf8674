"""Transcripts that may rest on disk.

A RedactedTranscript is made by compliance.redactor.redact alone. Storage, summaries and renderings that are
kept accept nothing else, so that the type checker stops an unredacted word on its way to a disk.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from asr.types import Channel, Finding, GuardCounts, Provenance, Region


@dataclass(frozen=True, slots=True)
class RedactedWord:
    """A word that may be kept, or the mark that stands for a run of words that was removed.

    A mark's text is its entity type in brackets, such as "[CREDIT_CARD]"; its times span what was removed.
    """

    text: str = field(repr=False)
    start_s: float
    end_s: float
    confidence: float
    entity: str | None = None


@dataclass(frozen=True, slots=True)
class RedactedTurn:
    """One speaker's uninterrupted words after redaction, at least one."""

    speaker: str
    channel: Channel
    words: tuple[RedactedWord, ...]

    @property
    def start_s(self) -> float:
        """Start of the first word, in seconds."""
        return self.words[0].start_s

    @property
    def end_s(self) -> float:
        """End of the last word, in seconds."""
        return self.words[-1].end_s

    @property
    def text(self) -> str:
        """The words and marks with single spaces between them."""
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True, slots=True)
class Redaction:
    """That something was removed, of which type and where: never what it was.

    `turn` and `word` index the mark in the redacted transcript; `n_words` counts the words that it replaced.
    """

    entity: str
    channel: Channel
    turn: int
    word: int
    n_words: int
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class RedactedTranscript:
    """A transcript that may rest: same shape as asr.types.Transcript, with marks for what was removed."""

    audio: str
    duration_s: float
    channels: tuple[Channel, ...]
    turns: tuple[RedactedTurn, ...]
    regions: tuple[Region, ...]
    redactions: tuple[Redaction, ...]
    policy: str
    provenance: Provenance
    findings: tuple[Finding, ...] = ()
    guards: GuardCounts = field(default_factory=GuardCounts)


@dataclass(frozen=True, slots=True)
class Document:
    """A rendering of a redacted transcript, ready to be kept: made by compliance.render.documents alone."""

    kind: str
    """The file name suffix: "json" or "vtt"."""
    media_type: str
    body: bytes = field(repr=False)
