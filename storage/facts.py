"""What rules of retention, holds and erasures look at: the one place that knows where it is kept.

A caller, a jurisdiction and tags are told beside the sound, under these names; tags are also what a summary says that
a call is about.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from compliance.types import CallFacts
from storage.tables import RecordingRow, SummaryRow, UtcDateTime

CALLER_NAMES = ("caller", "caller_number", "ani", "from")
"""What recorders call the number or name of whoever called, the first that is told counts."""

_METADATA = sa.table(
    "call_metadata",
    sa.column("recording_id", sa.Integer()),
    sa.column("started_at", UtcDateTime()),
    sa.column("queue", sa.Text()),
    sa.column("agent", sa.Text()),
    sa.column("other", sa.JSON()),
)


def call_facts(connection: sa.Connection, recording_ids: Sequence[int]) -> dict[int, CallFacts]:
    """Return the facts of these recordings, by id; what was not told of a call is None."""
    told = _told(connection, recording_ids)
    about = sa.select(SummaryRow.recording_id, SummaryRow.categories).where(SummaryRow.recording_id.in_(recording_ids))
    tags: dict[int, list[Any]] = {row.recording_id: row.categories for row in connection.execute(about)}
    wanted = sa.select(RecordingRow.id, RecordingRow.sha256, RecordingRow.first_seen_at)
    found = {}
    for row in connection.execute(wanted.where(RecordingRow.id.in_(recording_ids))):
        call = told.get(row.id, {})
        other = call.get("other") or {}
        found[row.id] = CallFacts(
            sha256=row.sha256,
            began_at=call.get("started_at") or row.first_seen_at,
            queue=call.get("queue"),
            agent=call.get("agent"),
            caller=next((str(other[name]) for name in CALLER_NAMES if other.get(name)), None),
            jurisdiction=_text(other.get("jurisdiction")),
            tags=frozenset([*tags.get(row.id, ()), *_tags(other.get("tags"))]),
        )
    return found


def forget_facts(connection: sa.Connection, recording_id: int) -> None:
    """Delete what was told of a call beside its sound."""
    if _is_kept(connection):
        connection.execute(sa.delete(_METADATA).where(_METADATA.c.recording_id == recording_id))


def _told(connection: sa.Connection, recording_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    if not _is_kept(connection):
        return {}
    rows = connection.execute(sa.select(_METADATA).where(_METADATA.c.recording_id.in_(recording_ids)))
    return {row["recording_id"]: dict(row) for row in rows.mappings()}


def _is_kept(connection: sa.Connection) -> bool:
    return sa.inspect(connection).has_table(_METADATA.name)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _tags(value: object) -> list[str]:
    """Tags as a recorder writes them: a list, or one text with commas."""
    if isinstance(value, str):
        return [tag.strip() for tag in value.split(",") if tag.strip()]
    return [str(tag) for tag in value] if isinstance(value, list) else []
