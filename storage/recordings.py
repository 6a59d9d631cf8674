"""The rows of recordings and sources."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from asr.types import Recording
from storage.columns import Base
from storage.tables import ModelRow, RecordingRow, SourceRow
from storage.types import AudioFacts, Failure, RecordingState


def register_recording(
    connection: sa.Connection, recording: Recording, now: datetime, uri: str | None = None, *, found: bool = False
) -> int:
    """Insert the recording, and where it lies if it was `found` there or no place is known; return the recording's id.

    It lies at its path unless a `uri` says where it was fetched from. The row stays locked until the transaction ends,
    so that two processes never write one recording at once.
    """
    known = sa.select(RecordingRow.id).where(RecordingRow.sha256 == recording.sha256).with_for_update()
    recording_id = connection.execute(known).scalar()
    if recording_id is not None and not found:
        return recording_id  # its place was written with it
    if recording_id is None:
        row = {
            "sha256": recording.sha256,
            "size_bytes": recording.size_bytes,
            "state": RecordingState.RECEIVED,
            "first_seen_at": now,
            "attempts": 0,
        }
        insert_if_new(connection, RecordingRow, row)
        recording_id = connection.execute(known).scalar_one()
    source = {
        "recording_id": recording_id,
        "uri": uri or recording.path.absolute().as_uri(),
        # A name that is not UTF-8 is legal on Linux and cannot be kept as text.
        "name": os.fsencode(recording.name).decode("utf-8", "replace"),
        "first_seen_at": now,
    }
    insert_if_new(connection, SourceRow, source)
    return recording_id


def recording_state(connection: sa.Connection, recording_id: int) -> RecordingState:
    """Return how far a known recording has come."""
    wanted = sa.select(RecordingRow.state).where(RecordingRow.id == recording_id)
    return connection.execute(wanted).scalar_one()


def set_recording_state(
    connection: sa.Connection,
    recording_id: int,
    state: RecordingState,
    audio: AudioFacts | None,
    failure: Failure | None,
) -> None:
    """Set a recording's state, why it failed if it did, and its audio's facts (None keeps what was known)."""
    values: dict[str, Any] = {
        "state": state,
        "stage": failure.stage if failure else None,
        "reason": failure.reason if failure else None,
        "remedy": failure.remedy if failure else None,
    }
    if audio is not None:
        values |= {
            "duration_s": audio.duration_s,
            "container": audio.container,
            "codec": audio.codec,
            "sample_rate_hz": audio.sample_rate_hz,
        }
    connection.execute(sa.update(RecordingRow).where(RecordingRow.id == recording_id).values(values))


def count_attempt(connection: sa.Connection, recording_id: int) -> int:
    """Count one more attempt at a recording and return how many there were."""
    return connection.execute(
        sa.update(RecordingRow)
        .where(RecordingRow.id == recording_id)
        .values(attempts=RecordingRow.attempts + 1)
        .returning(RecordingRow.attempts)
    ).scalar_one()


def model_row_id(connection: sa.Connection, name: str, sha256: str) -> int:
    """Return the id of a model's row, which is made if it is new."""
    wanted = sa.select(ModelRow.id).where(ModelRow.name == name, ModelRow.sha256 == sha256)
    known = connection.execute(wanted).scalar()
    if known is not None:
        return known
    insert_if_new(connection, ModelRow, {"name": name, "sha256": sha256})
    return connection.execute(wanted).scalar_one()


def insert_if_new(connection: sa.Connection, table: type[Base], row: dict[str, Any]) -> None:
    """Insert a row unless one with the same unique key is there, whoever put it there."""
    # The two dialects spell one statement in two classes.
    if connection.dialect.name == "postgresql":
        connection.execute(postgresql.insert(table).values(row).on_conflict_do_nothing())
    else:
        connection.execute(sqlite.insert(table).values(row).on_conflict_do_nothing())
