"""What passes between the stages, from a file as received to a transcript that is not yet redacted.

Everything here is frozen. Text that was spoken never shows in a `repr`, so that a log line or a
traceback that prints one of these values gives away no word of a call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
"""Audio in [-1, 1], float32, shape (n_samples,) for one channel or (n_channels, n_samples)."""

MODEL_RATE_HZ = 16_000
"""The sample rate that Whisper and Silero VAD were trained at; all audio after resampling has it."""


class Channel(StrEnum):
    """Whose side of the line a channel carries."""

    AGENT = "agent"
    CUSTOMER = "customer"
    MIXED = "mixed"


class RegionKind(StrEnum):
    """What a span of one channel holds."""

    SPEECH = "speech"
    MUSIC = "music"
    RINGBACK = "ringback"
    BUSY = "busy"
    CONGESTION = "congestion"
    DIAL_TONE = "dial-tone"
    SPECIAL_TONE = "special-tone"
    """Three rising tones: the call did not go through, and an announcement says why (ITU-T E.180)."""
    DTMF = "dtmf"
    SILENCE = "silence"
    TALK = "talk"
    """One speaker, who is named, talks in a channel that several share, it may be at once; inside regions of speech."""
    OVERLAP = "overlap"
    """Several people talk at once in a channel that they share; inside regions of speech."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One audio file as received. Its identity is the SHA-256 of its bytes, never its name."""

    sha256: str
    path: Path
    size_bytes: int

    @property
    def name(self) -> str:
        """The file's name, for people."""
        return self.path.name


@dataclass(frozen=True, slots=True, eq=False)
class Audio:
    """A decoded recording: samples (n_channels, n_samples) float32 in [-1, 1] at the file's own rate."""

    samples: Samples = field(repr=False)
    sample_rate_hz: int
    channels: tuple[Channel, ...]
    container: str
    codec: str

    @property
    def n_samples(self) -> int:
        """Samples in each channel."""
        return int(self.samples.shape[1])

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.n_samples / self.sample_rate_hz


@dataclass(frozen=True, slots=True, order=True)
class Region:
    """A span of one channel, in seconds from the start of the recording; start_s < end_s.

    `digits` are the keys that were pressed in a region of DTMF. They are as secret as spoken ones: no rendering has
    them, and the redactor leaves them out. `speaker` is who talks in a region of talk.
    """

    start_s: float
    end_s: float
    channel: Channel
    kind: RegionKind
    digits: str = field(default="", repr=False)
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open run of samples [start, stop) of one channel at MODEL_RATE_HZ."""

    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one call of an engine sees: spans of one channel laid end to end, at most 30 s in all.

    The first `overlap` samples were also the last of the chunk before, because a cut fell inside speech.
    """

    channel: Channel
    spans: tuple[Span, ...]
    overlap: int = 0

    def __len__(self) -> int:
        return sum(map(len, self.spans))


@dataclass(frozen=True, slots=True)
class Word:
    """One word as heard: text with its punctuation and no spaces, times in seconds, confidence in [0, 1]."""

    text: str = field(repr=False)
    start_s: float
    end_s: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What an engine heard in one chunk; word times are seconds from the chunk's own start.

    `mean_logprob` is the mean log-probability of a token, `compression_ratio` the text's length over
    its gzip length (loops compress well), `no_speech_prob` the probability of the no-speech token. `is_silenced` says
    that there was a text, and that it was taken for none: it was unlikely, and no speech was not.
    """

    words: tuple[Word, ...]
    language: str
    mean_logprob: float
    no_speech_prob: float
    compression_ratio: float
    temperature: float
    is_silenced: bool = False


@dataclass(frozen=True, slots=True)
class GuardCounts:
    """What was done against words that nobody said, and words that were lost (asr/guards.py, asr/whisper/judging.py);
    never which words.

    Words removed: `away` from all speech, in `loops`, `rushed` beyond what can be said, of `subtitles`. Chunks:
    `silenced`, since no speech was likely; `sampled` anew, since the text compressed too well or was unlikely;
    `retried` because their text left speech out, of which in `recovered` a second hearing left out less; in `unheard`
    speech is still without a text.
    """

    away: int = 0
    loops: int = 0
    rushed: int = 0
    subtitles: int = 0
    silenced: int = 0
    sampled: int = 0
    retried: int = 0
    recovered: int = 0
    unheard: int = 0

    @property
    def removed(self) -> int:
        """Words removed by all guards together."""
        return self.away + self.loops + self.rushed + self.subtitles

    def __add__(self, other: GuardCounts) -> GuardCounts:
        """The counts of both.

        >>> GuardCounts(loops=2) + GuardCounts(loops=1, retried=1)
        GuardCounts(away=0, loops=3, rushed=0, subtitles=0, silenced=0, sampled=0, retried=1, recovered=0, unheard=0)
        """
        return GuardCounts(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


@dataclass(frozen=True, slots=True)
class Turn:
    """One speaker's uninterrupted words, at least one, in time order."""

    speaker: str
    channel: Channel
    words: tuple[Word, ...]

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
        """The words with single spaces between them."""
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True, slots=True)
class Provenance:
    """What made a transcript: enough to make it again, or to find all that a bad model made."""

    model_id: str
    model_sha256: str
    engine: str
    precision: str
    config_fingerprint: str
    code_version: str


class FindingKind(StrEnum):
    """What may be amiss with a recording's channels; docs/front-end.md says how each is measured."""

    SAME_CHANNELS = "same_channels"
    DEAD_CHANNEL = "dead_channel"
    SWAPPED_CHANNELS = "swapped_channels"
    CROSSTALK = "crosstalk"
    UPSAMPLED = "upsampled"
    CLIPPING = "clipping"
    DC_OFFSET = "dc_offset"
    TOO_QUIET = "too_quiet"
    TOO_LOUD = "too_loud"
    LOW_SNR = "low_snr"
    DROPPED_PACKETS = "dropped_packets"


class FindingEffect(StrEnum):
    """What was done about a finding."""

    REPORTED = "reported"
    REMOVED = "removed"
    SUPPRESSED = "suppressed"
    MERGED = "merged"
    IGNORED = "ignored"
    EXCHANGED = "exchanged"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something amiss with a channel, or with all of them if `channel` is None: how much of it, in which unit, and what
    was done. `delay_ms` is set where one channel follows another."""

    kind: FindingKind
    channel: Channel | None
    value: float
    unit: str
    effect: FindingEffect
    delay_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Transcript:
    """Who said what and when in one recording, not yet redacted: it must never rest on a disk.

    `audio` is the recording's file name. Turns are ordered by start; no text repeats in two of them.
    """

    audio: str
    duration_s: float
    channels: tuple[Channel, ...]
    turns: tuple[Turn, ...]
    regions: tuple[Region, ...]
    provenance: Provenance
    findings: tuple[Finding, ...] = ()
    guards: GuardCounts = field(default_factory=GuardCounts)


@dataclass(frozen=True, slots=True)
class SpeakerFacts:
    """One speaker's part in a conversation. `role` is agent or customer where that is known, with how sure it is in
    [0, 1], else None and 0. `interruptions` are those that this speaker made; `response_s` is the median time of
    answering, None if nobody was answered."""

    speaker: str
    role: Channel | None
    role_confidence: float
    talk_s: float
    talk_share: float
    words: int
    words_per_min: float
    longest_monologue_s: float
    interruptions: int
    response_s: float | None


@dataclass(frozen=True, slots=True)
class Conversation:
    """What asr.conversation tells of a call; all times in seconds."""

    speakers: tuple[SpeakerFacts, ...]
    silence_s: float
    hold_s: float
    overlap_s: float


class SpokenWord(Protocol):
    """A word of any transcript, redacted or not."""

    @property
    def text(self) -> str:
        """The word with its punctuation."""
        ...

    @property
    def start_s(self) -> float:
        """Start in seconds."""
        ...

    @property
    def end_s(self) -> float:
        """End in seconds."""
        ...

    @property
    def confidence(self) -> float:
        """In [0, 1]."""
        ...


class SpokenTurn(Protocol):
    """A turn of any transcript, redacted or not."""

    @property
    def speaker(self) -> str:
        """Who speaks."""
        ...

    @property
    def channel(self) -> Channel:
        """The channel that carries it."""
        ...

    @property
    def words(self) -> Sequence[SpokenWord]:
        """At least one word, in time order."""
        ...

    @property
    def start_s(self) -> float:
        """Start in seconds."""
        ...

    @property
    def end_s(self) -> float:
        """End in seconds."""
        ...

    @property
    def text(self) -> str:
        """The words with single spaces."""
        ...


class Direction(StrEnum):
    """Who called whom."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class CallMetadata:
    """What the recorder tells of a call beside its sound; None, or empty, is what it does not tell.

    `started_at` is aware, in the offset from UTC in which it was told. `channel_map` has a side for each channel of
    the file, None for one that is ignored. `pauses` are (start_s, end_s) of the recording in which nothing may be
    transcribed. `other` is what was told under names that are not known, `sources` who told each field: "sidecar
    call.json", "manifest calls.csv", "pattern". Values never show in a `repr`: they name people.
    """

    call_id: str | None = None
    started_at: datetime | None = None
    agent: str | None = None
    queue: str | None = None
    tenant: str | None = None
    direction: Direction | None = None
    language: str | None = None
    channel_map: tuple[Channel | None, ...] | None = None
    consent: bool | None = None
    pauses: tuple[tuple[float, float], ...] = ()
    other: Mapping[str, Any] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
