"""Transcripts that may rest on disk.

A RedactedTranscript is made by compliance.redactor.redact alone. Storage, summaries and renderings that are
kept accept nothing else, so that the type checker stops an unredacted word on its way to a disk.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

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
    def side(self) -> str:
        """Whose words these are: the channel's, whoever of it speaks, or the speaker's where all share one."""
        return self.speaker if self.channel is Channel.MIXED else self.channel.value

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
class SecondReading:
    """That a second reader read a call: who, how many spans it added, and how many of its proposals were dropped."""

    reader: str
    added: int
    dropped: int


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
    second_reading: SecondReading | None = None
    """Told by the certificate; not kept in the database."""


@dataclass(frozen=True, slots=True)
class Document:
    """What may be kept as an object: made by compliance.render and compliance.certificate alone."""

    kind: str
    """The file name suffix: "json", "vtt" or "certificate"."""
    media_type: str
    body: bytes = field(repr=False)


AUDIO_KINDS = ("wav", "flac", "opus", "ogg", "mp3", "m4a")
"""Kinds of documents that are redacted audio; all others are text."""


class Kind(StrEnum):
    """What is kept of a call, as far as it may be kept for times of its own."""

    SOURCE_AUDIO = "source_audio"
    REDACTED_AUDIO = "redacted_audio"
    TRANSCRIPT = "transcript"
    WORDS = "words"
    SUMMARY = "summary"
    VAULT = "vault"
    AUDIT = "audit"


class Scope(StrEnum):
    """What a legal hold or an erasure names."""

    CALL = "call"
    CALLER = "caller"
    AGENT = "agent"
    QUEUE = "queue"


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What rules of retention and holds look at. `began_at` (aware) is when the call began, or was first seen."""

    sha256: str
    began_at: datetime
    queue: str | None = None
    agent: str | None = None
    caller: str | None = field(default=None, repr=False)
    jurisdiction: str | None = None
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Hold:
    """A legal hold: who placed it, why, and until when (aware); None is until it is released.

    `value` is the recording's SHA-256, or the caller, agent or queue.
    """

    id: int
    scope: Scope
    value: str = field(repr=False)
    who: str
    why: str
    placed_at: datetime
    until: datetime | None = None
    released_at: datetime | None = None


class MasterKey(Protocol):
    """Wraps the vault's data keys. Whoever lacks it can open nothing that is sealed under it."""

    @property
    def id(self) -> str:
        """A name that tells this key from others and gives nothing of it away."""
        ...

    def wrap(self, data_key: bytes, recording: str) -> bytes:
        """Encrypt a data key of 32 bytes, bound to the recording's SHA-256."""
        ...

    def unwrap(self, wrapped: bytes, recording: str) -> bytes:
        """Give the data key back. Raises VaultError if it was wrapped by another key, or for another recording."""
        ...
