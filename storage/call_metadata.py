"""The rows of what is told of calls beside their sound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta, timezone
from typing import Any

import sqlalchemy as sa

from asr.types import CallMetadata, Channel
from storage.batches import batches
from storage.inserts import Row, insert_all
from storage.tables import CallMetadataRow, DocumentRow

_COLUMNS = tuple(CallMetadataRow.__table__.columns)


def load_metadata(connection: sa.Connection, recording_id: int) -> CallMetadata | None:
    """Return what is kept of a call's metadata, `started_at` in the offset in which it was told; None if nothing is."""
    return load_all_metadata(connection, [recording_id]).get(recording_id)


def load_all_metadata(connection: sa.Connection, ids: Sequence[int]) -> dict[int, CallMetadata]:
    """Return what is kept of calls' metadata as `load_metadata` does, by id; those of which nothing is are left out."""
    found: dict[int, CallMetadata] = {}
    for batch in batches(ids):
        rows = connection.execute(sa.select(*_COLUMNS).where(CallMetadataRow.recording_id.in_(batch)))
        found.update({row.recording_id: _call(row) for row in rows})
    return found


def _call(row: sa.Row[Any]) -> CallMetadata:
    offset = timezone(timedelta(minutes=row.utc_offset_min or 0))
    return CallMetadata(
        call_id=row.call_id,
        started_at=row.started_at.astimezone(offset) if row.started_at else None,
        agent=row.agent,
        queue=row.queue,
        tenant=row.tenant,
        direction=row.direction,
        language=row.language,
        channel_map=tuple(Channel(side) if side else None for side in row.channel_map) or None,
        consent=row.consent,
        pauses=tuple((start_s, end_s) for start_s, end_s in row.pauses),
        other=row.other,
        sources=row.sources,
    )


def changed_fields(kept: CallMetadata | None, call: CallMetadata) -> tuple[str, ...]:
    """Return the names of the columns of call_metadata in which a call's metadata differ from what is kept, or from
    nothing told."""
    before = _row(kept or CallMetadata())
    return tuple(name for name, value in _row(call).items() if before[name] != value)


def store_metadata(connection: sa.Connection, told: Mapping[int, CallMetadata]) -> None:
    """Keep calls' metadata, by their recordings' ids, in place of what was kept before."""
    for batch in batches(list(told)):
        connection.execute(sa.delete(CallMetadataRow).where(CallMetadataRow.recording_id.in_(batch)))
    rows = [{"recording_id": recording_id, **_row(call)} for recording_id, call in told.items()]
    insert_all(connection, [(CallMetadataRow, rows)])


def replace_documents(connection: sa.Connection, recording_id: int, documents: Mapping[str, str]) -> None:
    """Let the renderings of a transcript lie under these object keys, by kind; those of other kinds stay."""
    for kind, key in documents.items():
        row = sa.update(DocumentRow).where(DocumentRow.recording_id == recording_id, DocumentRow.kind == kind)
        connection.execute(row.values(object_key=key))


def _row(call: CallMetadata) -> Row:
    offset = call.started_at.utcoffset() if call.started_at else None
    return {
        "call_id": call.call_id,
        "started_at": call.started_at,
        "utc_offset_min": None if offset is None else int(offset.total_seconds() // 60),
        "agent": call.agent,
        "queue": call.queue,
        "tenant": call.tenant,
        "direction": call.direction,
        "language": call.language,
        "consent": call.consent,
        "channel_map": [side.value if side else None for side in call.channel_map or ()],
        "pauses": [list(pause) for pause in call.pauses],
        "other": dict(call.other),
        "sources": dict(call.sources),
    }
