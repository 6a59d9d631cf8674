"""What storage takes and gives back, in values that know nothing of SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from asr.types import Conversation, Direction, Recording
from compliance.types import CallFacts, Kind, RedactedTranscript
from llm.types import Analysed, Summary


class RecordingState(StrEnum):
    """How far a recording has come.

    There is no state for "being processed": whatever a killed process had in hand is still RECEIVED, and its
    lease, which is an open try, runs out.
    """

    RECEIVED = "received"
    PUBLISHED = "published"
    QUARANTINED = "quarantined"
    SKIPPED = "skipped"
    """Not to be transcribed: there is no consent."""
    ERASED = "erased"
    """Its transcript was erased, by a rule of retention or on request: it is never done again."""


class RunState(StrEnum):
    """How a run ended, if it did."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class TryOutcome(StrEnum):
    """How a try at a recording ended."""

    PUBLISHED = "published"
    QUARANTINED = "quarantined"
    RELEASED = "released"
    """Given back without a result, because the work as a whole had to stop."""
    LOST = "lost"
    """Whoever worked on it died, or was not heard of for longer than its lease."""
    REQUEUED = "requeued"
    """No try: somebody said that what went before is not to count."""


@dataclass(frozen=True, slots=True)
class AudioFacts:
    """What decoding learned of a recording: length in seconds, format, and the file's own sample rate."""

    duration_s: float
    container: str
    codec: str
    sample_rate_hz: int


@dataclass(frozen=True, slots=True)
class CallQuality:
    """How well a call was heard, in figures that need no reference (docs/quality.md); None is what could not be told.

    `estimated_wer` is the expected word error rate (asr.estimate). `mean_logprob`, `no_speech_prob` and
    `compression_ratio` are means over chunks by their seconds; shares are of words, and `least_side_share` of speech:
    the side's that speaks least, of two. `snr_db` is the noisiest side's. `second_errors` of `second_words` are where
    `second_model` heard something else, in a part of the call, if it was asked.
    """

    words: int
    estimated_wer: float | None = None
    mean_confidence: float | None = None
    doubtful_share: float | None = None
    unknown_share: float | None = None
    mean_logprob: float | None = None
    no_speech_prob: float | None = None
    compression_ratio: float | None = None
    speech_s: float = 0.0
    unworded_s: float = 0.0
    least_side_share: float | None = None
    redactions: int = 0
    snr_db: float | None = None
    second_model: str | None = None
    second_words: int | None = None
    second_errors: int | None = None


@dataclass(frozen=True, slots=True)
class Publication:
    """All that is kept of one recording once it is done.

    `documents` maps a rendering's kind ("json", "vtt") to its key in the object store; `stage_s` maps a
    stage's name to the seconds that it took, `cpu_s` to its CPU time, of shared work its share. `cost` is in the
    currency of the settings, None if they name no price.
    """

    recording: Recording
    audio: AudioFacts
    transcript: RedactedTranscript
    summary: Summary | None = None
    documents: Mapping[str, str] = field(default_factory=dict)
    stage_s: Mapping[str, float] = field(default_factory=dict)
    certificate: str | None = None
    """The object key of its redaction certificate."""
    conversation: Conversation | None = None
    cpu_s: Mapping[str, float] = field(default_factory=dict)
    cost: float | None = None
    quality: CallQuality | None = None
    analyses: tuple[Analysed, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a recording could not be done: the stage that gave up, what is wrong, and what to do about it."""

    stage: str
    reason: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class StoredRecording:
    """A recording that the database knows; `name` is the file name under which it was first seen."""

    id: int
    sha256: str
    name: str
    state: RecordingState
    attempts: int


@dataclass(frozen=True, slots=True)
class Try:
    """One try at a recording, for its history. `outcome` is None while the try is open: it is the lease then."""

    token: int
    owner: str
    together: int
    started_at: datetime
    heartbeat_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    outcome: TryOutcome | None
    note: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file or object that is complete where it lies. `version` is another one when its bytes may be, and `told`
    when what tells of it beside its sound may be. `size_bytes` is 0 if nobody knows."""

    uri: str
    version: str
    told: str = ""
    size_bytes: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Came:
    """An arrival as the ledger knows it; `sha256` and `state` are those of its recording, once it was read."""

    arrival: Arrival
    sha256: str | None
    size_bytes: int
    state: RecordingState | None
    settled: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """What came of asking for the leases of some recordings, by SHA-256: a fencing token, or why there is none."""

    tokens: Mapping[str, int]
    held: frozenset[str]
    """Others are working on these."""
    suspects: frozenset[str]
    """With these a worker died: they are to be done with fewer others, `Leases.suspects` says with how many."""
    exhausted: Mapping[str, Failure]
    """These were tried too often, and are quarantined now."""


@dataclass(frozen=True, slots=True)
class StateTotal:
    """How many recordings are in one state, and how many seconds of audio they hold as far as known."""

    state: RecordingState
    recordings: int
    audio_s: float


@dataclass(frozen=True, slots=True)
class CallRow:
    """One call as `status` shows it: counts are None until it is published, `reason` unless quarantined or skipped.

    What follows `remedy` is told of the call by its recorder, if at all.
    """

    call: str
    sha256: str
    state: RecordingState
    length_s: float | None
    speakers: int | None
    words: int | None
    redactions: int | None
    model: str | None
    published_at: datetime | None
    reason: str | None
    remedy: str | None
    call_id: str | None = None
    started_at: datetime | None = None
    utc_offset_min: int | None = None
    agent: str | None = None
    queue: str | None = None
    direction: Direction | None = None
    language: str | None = None
    consent: bool | None = None
    tenant: str | None = None


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run. `wall_s` and `finished_at` are None while it runs, and for ever if it was killed."""

    id: int
    state: RunState
    started_at: datetime
    finished_at: datetime | None
    published: int
    quarantined: int
    audio_s: float
    wall_s: float | None
    cpu_s_per_audio_hour: float | None = None
    cost_per_audio_hour: float | None = None
    """Of the calls whose transcripts are of this run, as far as known."""


@dataclass(frozen=True, slots=True)
class Overview:
    """What the database holds: totals for every state, the calls last seen, and the last run."""

    totals: tuple[StateTotal, ...]
    calls: tuple[CallRow, ...]
    last_run: RunRow | None


@dataclass(frozen=True, slots=True)
class Table:
    """An answer to a query. `truncated` says that there were more rows than were asked for."""

    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...] = field(repr=False)
    truncated: bool


@dataclass(frozen=True, slots=True)
class Stock:
    """What there is of one recording, by kind, and what rules look at; `leftovers` are objects that were announced and
    of which nothing came, their kinds by their keys."""

    recording_id: int
    facts: CallFacts
    kinds: tuple[Kind, ...]
    leftovers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Intention:
    """That one kind of a recording is to be erased: written before anything is touched, so that a kill shows."""

    id: int
    recording_id: int
    facts: CallFacts
    kind: Kind
    why: str
    request_id: int | None
    note: str = ""
    """Why it was not done when it was last tried."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an intention: how many files and rows went, and what remains to be said."""

    done: bool
    count: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """An erasure that somebody asked for; what was named is kept only for a call, as its SHA-256."""

    id: int
    scope: str
    call: str | None
    reason: str
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """A place where a recording's own file lies or lay."""

    uri: str
    moved: bool
