"""Figures of the whole database, for whoever watches over it: counts and ages, never a name, a hash or a word."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from storage.session import Database, reading
from storage.tables import AuditEventRow, ErasureRow, RecordingRow, TranscriptRow
from storage.types import RecordingState, StateTotal
from storage.views import view_table
from storage.work_tables import ArrivalRow, TryRow

LAST_CALLS = 50
"""Quality and cost are of so many calls, those that were published last."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much waits, and since when the oldest does; None if nothing does."""

    count: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Recent:
    """Of the calls that were published last, together: seconds of audio, speech, and speech without words; mean
    confidence of their words and how many are doubtful; CPU seconds by stage of those that they are known of, with
    the audio of these; and the price of those that have one, likewise. None is unknown."""

    audio_s: float
    speech_s: float
    wordless_s: float
    words: int
    doubtful: int
    confidence: float | None
    cpu_s: Mapping[str, float]
    cpu_audio_s: float
    cost: float | None
    cost_audio_s: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What the database holds and what waits there; `quarantined` is by stage, `last_event` the number of the last one
    in the audit trail."""

    totals: tuple[StateTotal, ...]
    arrivals: Waiting
    recordings: Waiting
    in_hand: int
    quarantined: Mapping[str, int]
    last_seen_at: datetime | None
    last_published_at: datetime | None
    erasures: Waiting
    last_event: int


def load_figures(database: Database) -> Figures:
    """Read the figures from one snapshot. Raises RetryableError or FatalError if the database cannot be used."""
    recordings, state = RecordingRow.__table__.columns, RecordingRow.state
    with reading(database) as connection:
        return Figures(
            totals=_totals(connection),
            arrivals=_waiting(connection, ArrivalRow.first_seen_at, ArrivalRow.settled_at.is_(None)),
            recordings=_waiting(connection, RecordingRow.first_seen_at, state == RecordingState.RECEIVED),
            in_hand=_count(connection, TryRow.ended_at.is_(None)),
            quarantined=_quarantined(connection),
            last_seen_at=connection.execute(sa.select(sa.func.max(recordings.first_seen_at))).scalar(),
            last_published_at=connection.execute(sa.select(sa.func.max(TranscriptRow.published_at))).scalar(),
            erasures=_waiting(connection, ErasureRow.intended_at, ErasureRow.done_at.is_(None)),
            last_event=connection.execute(sa.select(sa.func.max(AuditEventRow.id))).scalar() or 0,
        )


def load_recent(database: Database) -> Recent:
    """Read the figures of the calls that were published last, which takes as long as reading all their words.

    Raises RetryableError or FatalError if the database cannot be used.
    """
    with reading(database) as connection:
        return _recent(connection)


def rechecks_with_faults(database: Database) -> int:
    """Return in how many calls `callwright verify-redaction` found faults when it was last run over them.

    Raises RetryableError or FatalError if the database cannot be used.
    """
    columns = AuditEventRow.__table__.columns
    wanted = sa.select(columns.subject, columns.detail).where(columns.action == "redaction.verify")
    with reading(database) as connection:
        last = {row.subject: row.detail for row in connection.execute(wanted.order_by(columns.id))}
    return sum(bool(detail.get("faults")) for detail in last.values())


def _totals(connection: sa.Connection) -> tuple[StateTotal, ...]:
    wanted = sa.select(RecordingRow.state, sa.func.count(), sa.func.sum(RecordingRow.duration_s))
    rows = connection.execute(wanted.group_by(RecordingRow.state))
    found = {state: StateTotal(state, count, audio_s or 0.0) for state, count, audio_s in rows}
    return tuple(found.get(state, StateTotal(state, 0, 0.0)) for state in RecordingState)


def _waiting(
    connection: sa.Connection, since: sa.SQLColumnExpression[datetime], which: sa.ColumnElement[bool]
) -> Waiting:
    return Waiting(*connection.execute(sa.select(sa.func.count(), sa.func.min(since)).where(which)).one())


def _count(connection: sa.Connection, which: sa.ColumnElement[bool]) -> int:
    return connection.execute(sa.select(sa.func.count()).where(which)).scalar_one()


def _quarantined(connection: sa.Connection) -> dict[str, int]:
    wanted = sa.select(RecordingRow.stage, sa.func.count()).where(RecordingRow.state == RecordingState.QUARANTINED)
    return {str(row[0]): row[1] for row in connection.execute(wanted.group_by(RecordingRow.stage))}


def _recent(connection: sa.Connection) -> Recent:
    newest = sa.select(TranscriptRow.recording_id).order_by(TranscriptRow.published_at.desc()).limit(LAST_CALLS)
    ids = connection.scalars(newest).all()
    quality, costs = view_table("v_quality"), view_table("v_costs")
    heard = connection.execute(sa.select(quality).where(quality.c.recording_id.in_(ids))).all()
    spent = connection.execute(sa.select(costs).where(costs.c.recording_id.in_(ids))).all()
    words = [(row.words, row.mean_confidence) for row in heard if row.mean_confidence is not None]
    stages = [name for name in costs.c.keys() if name.endswith("_cpu_s")]  # noqa: SIM118 - no mapping
    known = [row for row in spent if row.cpu_s is not None]
    priced = [row for row in spent if row.cost is not None]
    return Recent(
        audio_s=_sum(row.audio_s for row in spent),
        speech_s=_sum(row.speech_s for row in heard),
        wordless_s=_sum(row.speech_without_words_s for row in heard),
        words=sum(row.words for row in heard),
        doubtful=sum(row.doubtful_words for row in heard),
        confidence=sum(n * mean for n, mean in words) / max(1, sum(n for n, _ in words)) if words else None,
        cpu_s={name.removesuffix("_cpu_s"): _sum(row._mapping[name] for row in known) for name in stages},  # noqa: SLF001 - the documented way to a column by name
        cpu_audio_s=_sum(row.audio_s for row in known),
        cost=_sum(row.cost for row in priced) if priced else None,
        cost_audio_s=_sum(row.audio_s for row in priced),
    )


def _sum(values: Iterable[float | None]) -> float:
    return sum(value for value in values if value is not None)
