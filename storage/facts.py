"""What rules of retention, holds and erasures look at: the one place that knows where it is kept.

A caller, a jurisdiction and tags are told beside the sound, under these names; tags are also what a summary or
an analysis says that a call is about.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from compliance.types import CallFacts
from llm.types import AnalysisKind
from storage.analysis_tables import AnalysisRow
from storage.summary_tables import SummaryRow
from storage.tables import CallMetadataRow, RecordingRow

CALLER_NAMES = ("caller", "caller_number", "ani", "from")
"""What recorders call the number or name of whoever called, the first that is told counts."""


def call_facts(connection: sa.Connection, recording_ids: Sequence[int]) -> dict[int, CallFacts]:
    """Return the facts of these recordings, by id; what was not told of a call is None."""
    columns = CallMetadataRow.__table__.columns
    rows = connection.execute(sa.select(*columns).where(columns.recording_id.in_(recording_ids)))
    told = {row.recording_id: row for row in rows}
    about = sa.select(SummaryRow.recording_id, SummaryRow.categories).where(SummaryRow.recording_id.in_(recording_ids))
    tags: dict[int, list[Any]] = {row.recording_id: [*row.categories] for row in connection.execute(about)}
    fits = (AnalysisRow.kind == AnalysisKind.CATEGORY, AnalysisRow.value == 1.0)
    found_since = sa.select(AnalysisRow.recording_id, AnalysisRow.name).where(
        *fits, AnalysisRow.recording_id.in_(recording_ids)
    )
    for key, name in connection.execute(found_since):
        tags.setdefault(key, []).append(name)
    wanted = sa.select(RecordingRow.id, RecordingRow.sha256, RecordingRow.first_seen_at)
    found = {}
    for row in connection.execute(wanted.where(RecordingRow.id.in_(recording_ids))):
        call = told.get(row.id)
        other = call.other if call else {}
        found[row.id] = CallFacts(
            sha256=row.sha256,
            began_at=(call and call.started_at) or row.first_seen_at,
            queue=call.queue if call else None,
            agent=call.agent if call else None,
            caller=next((str(other[name]) for name in CALLER_NAMES if other.get(name)), None),
            jurisdiction=_text(other.get("jurisdiction")),
            tags=frozenset([*tags.get(row.id, ()), *_tags(other.get("tags"))]),
        )
    return found


def forget_facts(connection: sa.Connection, recording_id: int) -> None:
    """Delete what was told of a call beside its sound."""
    connection.execute(sa.delete(CallMetadataRow).where(CallMetadataRow.recording_id == recording_id))


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _tags(value: object) -> list[str]:
    """Tags as a recorder writes them: a list, or one text with commas."""
    if isinstance(value, str):
        return [tag.strip() for tag in value.split(",") if tag.strip()]
    return [str(tag) for tag in value] if isinstance(value, list) else []
