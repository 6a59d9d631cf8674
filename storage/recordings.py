"""The rows of recordings and sources."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import cast

import sqlalchemy as sa

from asr.types import Recording
from storage.batches import batches
from storage.inserts import Row, insert_if_new
from storage.tables import ModelRow, RecordingRow, SourceRow
from storage.types import AudioFacts, Failure, RecordingState


def register_recording(connection: sa.Connection, recording: Recording, now: datetime) -> int:
    """Make one recording known, and its path if it is new; return its id. Its row stays locked."""
    return register_recordings(connection, [(recording, None)], now)[recording.sha256]


def register_recordings(
    connection: sa.Connection, found: Sequence[tuple[Recording, str | None]], now: datetime, *, places: bool = False
) -> dict[str, int]:
    """Insert recordings, and where they lie if `places` are told or a recording is new; return their ids by SHA-256.

    One lies at its path unless a URI says where it was fetched from. Rows stay locked until the transaction ends, so
    that two processes never write one recording at once, and are locked in one order by all.
    """
    found = sorted(found, key=lambda one: one[0].sha256)
    ids = _lock(connection, list(dict.fromkeys(recording.sha256 for recording, _ in found)))
    new = {recording.sha256: recording for recording, _ in found if recording.sha256 not in ids}
    insert_if_new(connection, RecordingRow, [_recording_row(recording, now) for recording in new.values()])
    ids |= _lock(connection, list(new))
    told = [(recording, uri) for recording, uri in found if places or recording.sha256 in new]
    insert_if_new(connection, SourceRow, [_source_row(ids[one.sha256], one, uri, now) for one, uri in told])
    return ids


def _lock(connection: sa.Connection, sha256s: Sequence[str]) -> dict[str, int]:
    """The ids of those recordings that are known, by SHA-256; their rows are locked, in the order of the hashes."""
    ids: dict[str, int] = {}
    for batch in batches(sha256s):
        wanted = sa.select(RecordingRow.sha256, RecordingRow.id).order_by(RecordingRow.sha256).with_for_update()
        ids.update(connection.execute(wanted.where(RecordingRow.sha256.in_(batch))).all())
    return ids


def _recording_row(recording: Recording, now: datetime) -> Row:
    return {
        "sha256": recording.sha256,
        "size_bytes": recording.size_bytes,
        "state": RecordingState.RECEIVED,
        "first_seen_at": now,
        "attempts": 0,
    }


def _source_row(recording_id: int, recording: Recording, uri: str | None, now: datetime) -> Row:
    return {
        "recording_id": recording_id,
        "uri": uri or recording.path.absolute().as_uri(),
        # A name that is not UTF-8 is legal on Linux and cannot be kept as text.
        "name": os.fsencode(recording.name).decode("utf-8", "replace"),
        "first_seen_at": now,
    }


def recording_states(connection: sa.Connection, ids: Sequence[int]) -> dict[int, RecordingState]:
    """Return how far known recordings have come, by their ids."""
    states: dict[int, RecordingState] = {}
    for batch in batches(ids):
        wanted = sa.select(RecordingRow.id, RecordingRow.state).where(RecordingRow.id.in_(batch))
        states.update(connection.execute(wanted).all())
    return states


def lock_recordings(connection: sa.Connection, ids: Sequence[int]) -> dict[int, str]:
    """Return the SHA-256 of known recordings, by their ids; their rows are locked, in the order of the hashes."""
    found: dict[int, str] = {}
    for batch in batches(ids):
        wanted = sa.select(RecordingRow.id, RecordingRow.sha256).where(RecordingRow.id.in_(batch))
        found.update(connection.execute(wanted.order_by(RecordingRow.sha256).with_for_update()).all())
    return found


def set_recording_state(
    connection: sa.Connection,
    recording_id: int,
    state: RecordingState,
    audio: AudioFacts | None,
    failure: Failure | None,
) -> None:
    """Set a recording's state, why it failed if it did, and its audio's facts (None keeps what was known)."""
    values: Row = {
        "state": state,
        "stage": failure.stage if failure else None,
        "reason": failure.reason if failure else None,
        "remedy": failure.remedy if failure else None,
    }
    if audio is not None:
        values |= asdict(audio)
    connection.execute(sa.update(RecordingRow).where(RecordingRow.id == recording_id).values(values))


def set_published(connection: sa.Connection, audio: Mapping[int, AudioFacts]) -> None:
    """Set that recordings are published, and the facts of their audio, by their ids."""
    table = cast("sa.Table", RecordingRow.__table__)
    settled: Row = {"state": RecordingState.PUBLISHED, "stage": None, "reason": None, "remedy": None}
    facts: Row = {field.name: sa.bindparam(f"its_{field.name}") for field in fields(AudioFacts)}
    rows = [
        {"its_id": recording_id, **{f"its_{name}": value for name, value in asdict(one).items()}}
        for recording_id, one in audio.items()
    ]
    connection.execute(sa.update(table).where(table.c.id == sa.bindparam("its_id")).values(settled | facts), rows)


def count_attempts(connection: sa.Connection, ids: Sequence[int]) -> None:
    """Count one more attempt at each of the recordings."""
    for batch in batches(ids):
        counted = sa.update(RecordingRow).where(RecordingRow.id.in_(batch))
        connection.execute(counted.values(attempts=RecordingRow.attempts + 1))


def model_row_id(connection: sa.Connection, name: str, sha256: str) -> int:
    """Return the id of a model's row, which is made if it is new."""
    wanted = sa.select(ModelRow.id).where(ModelRow.name == name, ModelRow.sha256 == sha256)
    known = connection.execute(wanted).scalar()
    if known is not None:
        return known
    insert_if_new(connection, ModelRow, [{"name": name, "sha256": sha256}])
    return connection.execute(wanted).scalar_one()
