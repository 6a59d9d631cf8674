"""How well calls were heard: between its figures and their rows, and the history of all calls' figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Base, belongs_to
from storage.inserts import Row
from storage.session import Database, reading
from storage.tables import CallMetadataRow, ModelRow, RecordingRow, TranscriptRow
from storage.types import CallQuality


class QualityRow(Base):
    """How well a call was heard (storage.types.CallQuality): figures alone."""

    __tablename__ = "quality"

    recording_id: Mapped[int] = mapped_column(belongs_to("transcripts.recording_id"), primary_key=True)
    words: Mapped[int]
    estimated_wer: Mapped[float | None]
    mean_confidence: Mapped[float | None]
    doubtful_share: Mapped[float | None]
    unknown_share: Mapped[float | None]
    mean_logprob: Mapped[float | None]
    no_speech_prob: Mapped[float | None]
    compression_ratio: Mapped[float | None]
    speech_s: Mapped[float]
    unworded_s: Mapped[float]
    least_side_share: Mapped[float | None]
    redactions: Mapped[int]
    snr_db: Mapped[float | None]
    second_model: Mapped[str | None]
    second_words: Mapped[int | None]
    second_errors: Mapped[int | None]


@dataclass(frozen=True, slots=True)
class MeasuredCall:
    """One call of a history: when it began, what it may be grouped by, what made its transcript, and its figures."""

    sha256: str
    day: date
    queue: str | None
    trunk: str | None
    codec: str | None
    model: str
    engine: str
    precision: str
    config_fingerprint: str
    code_version: str
    quality: CallQuality


def quality_row(recording_id: int, quality: CallQuality) -> Row:
    """The row of a call's figures."""
    return {"recording_id": recording_id, **asdict(quality)}


def load_quality(connection: sa.Connection, recording_id: int) -> CallQuality | None:
    """Return a call's figures, equal to those that were stored, or None if it has none."""
    columns = [QualityRow.__table__.columns[field.name] for field in fields(CallQuality)]
    row = connection.execute(sa.select(*columns).where(QualityRow.recording_id == recording_id)).first()
    return None if row is None else CallQuality(*row)


def load_history(database: Database, since: date, until: date, trunk: str) -> list[MeasuredCall]:
    """Return the measured calls that began from one day to another, both included, in UTC; in the order of their ids.

    A call whose beginning is not told began when it was first seen. `trunk` names the field of its metadata, one that
    callwright has no name for, that tells by which trunk it came. Raises RetryableError or FatalError if the database
    cannot be used.
    """
    with reading(database) as connection:
        return list(_history(connection, since, until, trunk))


def _history(connection: sa.Connection, since: date, until: date, trunk: str) -> Iterator[MeasuredCall]:
    days = sa.table("v_days", sa.column("recording_id", sa.BigInteger()), sa.column("day", sa.Text()))
    figures = [QualityRow.__table__.columns[field.name] for field in fields(CallQuality)]
    wanted = (
        sa.select(
            *(RecordingRow.sha256, days.c.day, CallMetadataRow.queue, CallMetadataRow.other, RecordingRow.codec),
            *(ModelRow.name, TranscriptRow.engine, TranscriptRow.precision, TranscriptRow.config_fingerprint),
            TranscriptRow.code_version,
            *figures,
        )
        .join_from(QualityRow, TranscriptRow, TranscriptRow.recording_id == QualityRow.recording_id)
        .join(RecordingRow, RecordingRow.id == QualityRow.recording_id)
        .join(ModelRow, ModelRow.id == TranscriptRow.model_id)
        .join(days, days.c.recording_id == QualityRow.recording_id)
        .outerjoin(CallMetadataRow, CallMetadataRow.recording_id == QualityRow.recording_id)
        .where(days.c.day >= since.isoformat(), days.c.day < (until + timedelta(days=1)).isoformat())
        .order_by(QualityRow.recording_id)
    )
    for row in connection.execute(wanted, execution_options={"yield_per": 10_000}):
        yield _measured(row, trunk)


def _measured(row: Sequence[Any], trunk: str) -> MeasuredCall:
    sha256, day, queue, other, codec, model, engine, precision, fingerprint, version = row[:10]
    told = (other or {}).get(trunk)
    return MeasuredCall(
        sha256,
        date.fromisoformat(day),
        queue,
        None if told is None else str(told),
        codec,
        model,
        engine,
        precision,
        fingerprint,
        version,
        CallQuality(*row[10:]),
    )
