"""The tables. Keys follow from the call, so that the same work done twice gives the same rows.

turns, words and redactions share the column names `recording_id`, `turn` and `word`: join them with USING.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from asr.types import Channel, Direction, FindingEffect, FindingKind, RegionKind
from compliance.types import Kind, Scope
from storage.columns import Base, UtcDateTime, belongs_to, text_of
from storage.types import RecordingState, RunState


class RecordingRow(Base):
    """One audio file by its bytes. `stage`, `reason`, `remedy` are set while it is quarantined, only then."""

    __tablename__ = "recordings"
    __table_args__ = (sa.CheckConstraint("(state = 'quarantined') = (reason IS NOT NULL)", name="reason"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(sa.String(64), unique=True)
    size_bytes: Mapped[int] = mapped_column(sa.BigInteger)
    state: Mapped[RecordingState] = mapped_column(index=True)
    duration_s: Mapped[float | None]
    container: Mapped[str | None]
    codec: Mapped[str | None]
    sample_rate_hz: Mapped[int | None]
    first_seen_at: Mapped[datetime] = mapped_column(index=True)
    attempts: Mapped[int]
    stage: Mapped[str | None]
    reason: Mapped[str | None]
    remedy: Mapped[str | None]


class SourceRow(Base):
    """A place where a recording was found; the same bytes may lie in several."""

    __tablename__ = "sources"

    recording_id: Mapped[int] = mapped_column(belongs_to("recordings.id"), primary_key=True)
    uri: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(index=True)
    first_seen_at: Mapped[datetime]


class CallMetadataRow(Base):
    """What is told of a call beside its sound. `started_at` is UTC; with `utc_offset_min` added it is local time.

    `channel_map` is a list of sides with null for an ignored channel, empty if none is told; `pauses` a list of
    [start_s, end_s]; `other` what was told under names that are not known; `sources` who told each field.
    """

    __tablename__ = "call_metadata"

    recording_id: Mapped[int] = mapped_column(belongs_to("recordings.id"), primary_key=True)
    call_id: Mapped[str | None] = mapped_column(index=True)
    started_at: Mapped[datetime | None] = mapped_column(index=True)
    utc_offset_min: Mapped[int | None]
    agent: Mapped[str | None] = mapped_column(index=True)
    queue: Mapped[str | None] = mapped_column(index=True)
    tenant: Mapped[str | None] = mapped_column(index=True)
    direction: Mapped[Direction | None]
    language: Mapped[str | None] = mapped_column(sa.String(2))
    consent: Mapped[bool | None]
    channel_map: Mapped[list[Any]]
    pauses: Mapped[list[Any]]
    other: Mapped[dict[str, Any]]
    sources: Mapped[dict[str, Any]]


class RunRow(Base):
    """One run over a set of recordings; its counts grow in the transactions that they count."""

    __tablename__ = "runs"

    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[RunState] = mapped_column(index=True)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    config_fingerprint: Mapped[str]
    code_version: Mapped[str]
    published: Mapped[int]
    quarantined: Mapped[int]
    audio_s: Mapped[float]
    wall_s: Mapped[float | None]


class ModelRow(Base):
    """A speech model that made a transcript; `name` is its id in the list of models."""

    __tablename__ = "models"
    __table_args__ = (sa.UniqueConstraint("name", "sha256"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    sha256: Mapped[str]


class TranscriptRow(Base):
    """The one current transcript of a recording and what made it."""

    __tablename__ = "transcripts"

    recording_id: Mapped[int] = mapped_column(belongs_to("recordings.id"), primary_key=True)
    run_id: Mapped[int] = mapped_column(sa.ForeignKey("runs.id"), index=True)
    model_id: Mapped[int] = mapped_column(sa.ForeignKey("models.id"), index=True)
    engine: Mapped[str]
    precision: Mapped[str]
    config_fingerprint: Mapped[str] = mapped_column(index=True)
    code_version: Mapped[str]
    policy: Mapped[str]
    audio: Mapped[str]
    duration_s: Mapped[float]
    speakers: Mapped[int]
    words: Mapped[int]
    stage_s: Mapped[dict[str, Any]]
    cpu_s: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    cost: Mapped[float | None]
    published_at: Mapped[datetime] = mapped_column(index=True)


class DocumentRow(Base):
    """A rendering of a transcript and where the object store keeps it."""

    __tablename__ = "documents"

    recording_id: Mapped[int] = mapped_column(belongs_to("transcripts.recording_id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    object_key: Mapped[str]


class ChannelRow(Base):
    """Whose side of the line the n-th channel carries."""

    __tablename__ = "channels"

    recording_id: Mapped[int] = mapped_column(belongs_to("transcripts.recording_id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[Channel]


class RegionRow(Base):
    """What a span of one channel holds; `speaker` is who talks in one of kind talk."""

    __tablename__ = "regions"

    recording_id: Mapped[int] = mapped_column(belongs_to("transcripts.recording_id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[Channel]
    kind: Mapped[RegionKind]
    start_s: Mapped[float]
    end_s: Mapped[float]
    speaker: Mapped[str | None]


class FindingRow(Base):
    """What is amiss with a channel, or with all of them if it names none."""

    __tablename__ = "findings"

    recording_id: Mapped[int] = mapped_column(belongs_to("transcripts.recording_id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[FindingKind] = mapped_column(index=True)
    channel: Mapped[Channel | None]
    value: Mapped[float]
    unit: Mapped[str]
    effect: Mapped[FindingEffect]
    delay_ms: Mapped[float | None]


class TurnRow(Base):
    """One speaker's uninterrupted words; `text` is the words with single spaces between them."""

    __tablename__ = "turns"

    recording_id: Mapped[int] = mapped_column(belongs_to("transcripts.recording_id"), primary_key=True)
    turn: Mapped[int] = mapped_column(primary_key=True)
    speaker: Mapped[str]
    channel: Mapped[Channel]
    start_s: Mapped[float]
    end_s: Mapped[float]
    text: Mapped[str]


class WordRow(Base):
    """A word that may be kept, or the mark of what was removed; `entity` is set for a mark."""

    __tablename__ = "words"
    __table_args__ = (
        sa.ForeignKeyConstraint(["recording_id", "turn"], ["turns.recording_id", "turns.turn"], ondelete="CASCADE"),
        # The key is most of the row: without a rowid the table is one tree and not two.
        {"sqlite_with_rowid": False},
    )

    recording_id: Mapped[int] = mapped_column(primary_key=True)
    turn: Mapped[int] = mapped_column(primary_key=True)
    word: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    start_s: Mapped[float]
    end_s: Mapped[float]
    confidence: Mapped[float]
    entity: Mapped[str | None]


class RedactionRow(Base):
    """That something was removed, of which type and where: never what it was."""

    __tablename__ = "redactions"

    recording_id: Mapped[int] = mapped_column(belongs_to("transcripts.recording_id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    entity: Mapped[str] = mapped_column(index=True)
    channel: Mapped[Channel]
    turn: Mapped[int]
    word: Mapped[int]
    n_words: Mapped[int]
    start_s: Mapped[float]
    end_s: Mapped[float]


class GuardRow(Base):
    """How often one guard against invented words acted in a call (asr.types.GuardCounts); guards that did not have
    none."""

    __tablename__ = "guards"

    recording_id: Mapped[int] = mapped_column(belongs_to("transcripts.recording_id"), primary_key=True)
    guard: Mapped[str] = mapped_column(primary_key=True)
    times: Mapped[int]


class ConversationRow(Base):
    """How a call's time was spent (asr.types.Conversation)."""

    __tablename__ = "conversations"

    recording_id: Mapped[int] = mapped_column(belongs_to("transcripts.recording_id"), primary_key=True)
    silence_s: Mapped[float]
    hold_s: Mapped[float]
    overlap_s: Mapped[float]


class SpeakerRow(Base):
    """One speaker's part in a call (asr.types.SpeakerFacts), in the order of first words; join turns on `speaker`."""

    __tablename__ = "speakers"

    recording_id: Mapped[int] = mapped_column(belongs_to("transcripts.recording_id"), primary_key=True)
    speaker: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]
    role: Mapped[Channel | None]
    role_confidence: Mapped[float]
    talk_s: Mapped[float]
    talk_share: Mapped[float]
    words: Mapped[int]
    words_per_min: Mapped[float]
    longest_monologue_s: Mapped[float]
    interruptions: Mapped[int]
    response_s: Mapped[float | None]


class AuditEventRow(Base):
    """What was done, by whom, to what. Append only: triggers refuse UPDATE and DELETE.

    `previous_hash` is unique, so that the chain cannot fork.
    """

    __tablename__ = "audit_events"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str] = mapped_column(index=True)
    detail: Mapped[dict[str, Any]]
    previous_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    hash: Mapped[str] = mapped_column(sa.String(64))


class AuditPruneRow(Base):
    """That the audit events up to `through_id` were deleted after their time; `statement` is signed and says so."""

    __tablename__ = "audit_prunes"

    through_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hash: Mapped[str] = mapped_column(sa.String(64))
    at: Mapped[datetime]
    statement: Mapped[str]


class HoldRow(Base):
    """A legal hold; in force until `until` or its release, whichever is first."""

    __tablename__ = "holds"

    id: Mapped[int] = mapped_column(primary_key=True)
    scope: Mapped[Scope]
    value: Mapped[str]
    who: Mapped[str]
    why: Mapped[str]
    placed_at: Mapped[datetime]
    until: Mapped[datetime | None]
    released_at: Mapped[datetime | None]


class ErasureRequestRow(Base):
    """An erasure that somebody asked for. `call` is the SHA-256 if it named one; callers and agents are not kept."""

    __tablename__ = "erasure_requests"

    id: Mapped[int] = mapped_column(primary_key=True)
    scope: Mapped[Scope]
    call: Mapped[str | None] = mapped_column(sa.String(64))
    reason: Mapped[str]
    actor: Mapped[str]
    at: Mapped[datetime]


class ErasureRow(Base):
    """That one kind of a recording is to be erased, written before it is; `done_at` and `result` say that it was."""

    __tablename__ = "erasures"

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[int | None] = mapped_column(sa.ForeignKey("erasure_requests.id"), index=True)
    recording_id: Mapped[int] = mapped_column(sa.ForeignKey("recordings.id"), index=True)
    kind: Mapped[Kind]
    why: Mapped[str]
    intended_at: Mapped[datetime]
    done_at: Mapped[datetime | None] = mapped_column(index=True)
    n_gone: Mapped[int]
    note: Mapped[str]


class CertificateRow(Base):
    """A certificate in the object store: of a recording's redaction, or of an erasure that was asked for."""

    __tablename__ = "certificates"

    object_key: Mapped[str] = mapped_column(primary_key=True)
    recording_id: Mapped[int | None] = mapped_column(sa.ForeignKey("recordings.id"), index=True)
    request_id: Mapped[int | None] = mapped_column(sa.ForeignKey("erasure_requests.id"), index=True)
    made_at: Mapped[datetime]


class AccessGrantRow(Base):
    """That a role of PostgreSQL may read a tenant's calls of a queue; "*" is every one, those without one too."""

    __tablename__ = "access_grants"

    role: Mapped[str] = mapped_column(primary_key=True)
    tenant: Mapped[str] = mapped_column(primary_key=True)
    queue: Mapped[str] = mapped_column(primary_key=True)
    granted_at: Mapped[datetime]


V_CALLS = sa.table(
    "v_calls",
    sa.column("recording_id", sa.Integer()),
    sa.column("call", sa.Text()),
    sa.column("sha256", sa.Text()),
    sa.column("state", text_of(RecordingState)),
    sa.column("length_s", sa.Double()),
    sa.column("speakers", sa.Integer()),
    sa.column("words", sa.Integer()),
    sa.column("redactions", sa.Integer()),
    sa.column("model", sa.Text()),
    sa.column("published_at", UtcDateTime()),
    sa.column("reason", sa.Text()),
    sa.column("remedy", sa.Text()),
    sa.column("first_seen_at", UtcDateTime()),
    sa.column("call_id", sa.Text()),
    sa.column("started_at", UtcDateTime()),
    sa.column("utc_offset_min", sa.Integer()),
    sa.column("agent", sa.Text()),
    sa.column("queue", sa.Text()),
    sa.column("direction", text_of(Direction)),
    sa.column("language", sa.Text()),
    sa.column("consent", sa.Boolean()),
    sa.column("tenant", sa.Text()),
)
"""One row a recording, made by the migrations as a view, for analysts and for `status`."""
