"""Finding a recording by what a person types: a file's name, the end of its path, the start of its hash."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from urllib.parse import quote

import sqlalchemy as sa

from storage.errors import AmbiguousRecordingError, UnknownRecordingError
from storage.tables import RecordingRow, SourceRow
from storage.types import RecordingState, StoredRecording

MIN_HASH_CHARS = 6
"""Fewer digits are more likely a typing error; 6 of them tell 16 million recordings apart."""

MAX_LISTED = 10
"""How many candidates, or recordings last seen, an error's message lists."""


def find_recording(connection: sa.Connection, reference: str) -> StoredRecording:
    """Return the one recording that a reference names.

    Tried in this order, and the first that names any decides: the file name or the end of the path
    ("2024/call.wav"), the file name without its extension, the first 6 or more hex digits of the SHA-256.

    Raises UnknownRecordingError if none answers, AmbiguousRecordingError if several do.
    """
    reference = reference.strip().strip("/")
    found = _by_name(connection, reference) or _by_hash(connection, reference)
    if len(found) == 1:
        return found[0]
    if found:
        candidates = tuple(_label(recording) for recording in found)
        listed = ", ".join(candidates[:MAX_LISTED]) + (", ..." if len(candidates) > MAX_LISTED else "")
        raise AmbiguousRecordingError(
            f"{reference!r} names {len(found)} recordings: {listed}",
            "Type more of the hash, or more of the path",
            candidates,
        )
    latest = _stored(connection, _known().order_by(RecordingRow.id.desc()).limit(MAX_LISTED))
    listed = ", ".join(_label(recording) for recording in latest)
    raise UnknownRecordingError(
        f"no recording is named {reference!r}",
        f"Type a file name, the end of a path, or at least {MIN_HASH_CHARS} digits of a SHA-256; "
        + (f"last seen: {listed}" if listed else "none has been seen yet, so process some first"),
    )


def first_name(recording_id: sa.SQLColumnExpression[int]) -> sa.ScalarSelect[str]:
    """Return the file name under which a recording was first seen, as a subquery."""
    return (
        sa.select(SourceRow.name)
        .where(SourceRow.recording_id == recording_id)
        .order_by(SourceRow.first_seen_at, SourceRow.uri)
        .limit(1)
        .scalar_subquery()
    )


def _known() -> sa.Select[int, str, str, RecordingState, int]:
    return sa.select(
        RecordingRow.id,
        RecordingRow.sha256,
        first_name(RecordingRow.id),
        RecordingRow.state,
        RecordingRow.attempts,
    )


def _stored(connection: sa.Connection, wanted: sa.Select[int, str, str, RecordingState, int]) -> list[StoredRecording]:
    rows = connection.execute(wanted)
    return [StoredRecording(row_id, sha256, name, state, attempts) for row_id, sha256, name, state, attempts in rows]


def _by_name(connection: sa.Connection, reference: str) -> list[StoredRecording]:
    if not reference:
        return []
    path_end = f"/{quote(reference)}"
    sources = connection.execute(
        sa.select(SourceRow.recording_id, SourceRow.name, SourceRow.uri).where(
            sa.or_(
                SourceRow.name == reference,
                SourceRow.name.startswith(f"{reference}.", autoescape=True),
                SourceRow.uri.endswith(path_end, autoescape=True) if "/" in reference else sa.false(),
            )
        )
    ).all()
    # Decided here, because LIKE ignores case on SQLite and not on PostgreSQL.
    whole = {row.recording_id for row in sources if row.name == reference or row.uri.endswith(path_end)}
    stems = {row.recording_id for row in sources if PurePosixPath(row.name).stem == reference}
    return _stored(connection, _known().where(RecordingRow.id.in_(whole or stems)).order_by(RecordingRow.id))


def _by_hash(connection: sa.Connection, reference: str) -> list[StoredRecording]:
    if not re.fullmatch(f"[0-9a-fA-F]{{{MIN_HASH_CHARS},64}}", reference):
        return []
    begins = RecordingRow.sha256.startswith(reference.lower())
    return _stored(connection, _known().where(begins).order_by(RecordingRow.id))


def _label(recording: StoredRecording) -> str:
    return f"{recording.sha256[:12]} {recording.name}"
