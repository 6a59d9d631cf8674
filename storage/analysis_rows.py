"""Between what analyses say of a call and their rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from llm.types import Analysed, Fault
from storage.analysis_tables import AnalysisRow
from storage.inserts import Row, insert_all


def replace_analyses(connection: sa.Connection, recording_id: int, found: Sequence[Analysed], now: datetime) -> None:
    """Insert what analyses say of a call, in place of what these said before; the transcript's row must be there."""
    columns = AnalysisRow.__table__.columns
    names = {one.name for one in found}
    connection.execute(sa.delete(AnalysisRow).where(columns.recording_id == recording_id, columns.name.in_(names)))
    insert_all(connection, [(AnalysisRow, analysis_rows(recording_id, found, now))])


def analysis_rows(recording_id: int, found: Sequence[Analysed], now: datetime) -> list[Row]:
    """The rows of what analyses say of a call."""
    return [
        {
            "recording_id": recording_id,
            "name": one.name,
            "part": one.part,
            "kind": one.kind,
            "version": one.version,
            "method": one.method,
            "value": one.value,
            "answer": one.answer,
            "turns": [*one.turns],
            "faults": [*one.faults],
            "made_at": now,
        }
        for one in found
    ]


def load_analyses(connection: sa.Connection, recording_ids: Sequence[int]) -> dict[int, tuple[Analysed, ...]]:
    """What analyses say of these calls, by recording, in the order of names, each scorecard before its checks."""
    columns = AnalysisRow.__table__.columns
    wanted = sa.select(*columns).where(columns.recording_id.in_(recording_ids))
    found: dict[int, list[Analysed]] = {}
    for row in connection.execute(wanted.order_by(columns.recording_id, columns.name, columns.part)):
        one = Analysed(
            name=row.name,
            kind=row.kind,
            version=row.version,
            method=row.method,
            value=row.value,
            turns=tuple(row.turns),
            part=row.part,
            answer=row.answer,
            faults=tuple(map(Fault, row.faults)),
        )
        found.setdefault(row.recording_id, []).append(one)
    return {recording_id: tuple(told) for recording_id, told in found.items()}
