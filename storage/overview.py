"""What the database holds, in numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import sqlalchemy as sa

from storage import types
from storage.batches import batches
from storage.tables import V_CALLS, RunRow
from storage.views import view_table

FILTERS = ("state", "call_id", "agent", "queue", "direction", "language", "consent", "tenant")
"""The columns of v_calls by which an overview may be narrowed."""


def load_overview(connection: sa.Connection, max_calls: int, only: Mapping[str, str]) -> types.Overview:
    """Return totals of every state, be they zero, the calls that were first seen last, and the last run.

    Calls and totals are of those alone that have these texts in these columns, all of them in FILTERS.
    """
    wanted = [_equals(name, text) for name, text in only.items()]
    return types.Overview(
        _totals(connection, wanted), _latest_calls(connection, max_calls, wanted), _last_run(connection)
    )


def _equals(name: str, text: str) -> sa.ColumnElement[bool]:
    column = V_CALLS.c[name]
    # As a text, so that what no state or direction is called finds nothing.
    return column.is_(text == "true") if name == "consent" else sa.cast(column, sa.Text) == text


def _totals(connection: sa.Connection, wanted: Sequence[sa.ColumnElement[bool]]) -> tuple[types.StateTotal, ...]:
    calls = V_CALLS.c
    rows = connection.execute(
        sa.select(calls.state, sa.func.count(), sa.func.sum(calls.length_s)).where(*wanted).group_by(calls.state)
    )
    found = {state: types.StateTotal(state, recordings, audio_s or 0.0) for state, recordings, audio_s in rows}
    return tuple(found.get(state, types.StateTotal(state, 0, 0.0)) for state in types.RecordingState)


def load_calls(connection: sa.Connection, sha256s: Sequence[str]) -> tuple[types.CallRow, ...]:
    """Return the calls of those hashes, in the order given; unknown hashes are left out."""
    found: dict[str, types.CallRow] = {}
    for batch in batches(sha256s):
        wanted = _call_rows().where(V_CALLS.c.sha256.in_(batch))
        found |= {row.sha256: types.CallRow(*row) for row in connection.execute(wanted)}
    return tuple(found[sha256] for sha256 in sha256s if sha256 in found)


def _latest_calls(
    connection: sa.Connection, max_calls: int, wanted: Sequence[sa.ColumnElement[bool]]
) -> tuple[types.CallRow, ...]:
    calls = V_CALLS.c
    latest = (
        _call_rows().where(*wanted).order_by(calls.first_seen_at.desc(), calls.recording_id.desc()).limit(max_calls)
    )
    return tuple(types.CallRow(*row) for row in connection.execute(latest))


def _call_rows() -> sa.Select[Any]:
    """The columns of a CallRow, in its order."""
    return sa.select(*(V_CALLS.c[column.name] for column in fields(types.CallRow)))


def _last_run(connection: sa.Connection) -> types.RunRow | None:
    row = connection.execute(
        sa.select(
            RunRow.id,
            RunRow.state,
            RunRow.started_at,
            RunRow.finished_at,
            RunRow.published,
            RunRow.quarantined,
            RunRow.audio_s,
            RunRow.wall_s,
        )
        .order_by(RunRow.id.desc())
        .limit(1)
    ).first()
    return None if row is None else types.RunRow(*row, *_costs(connection, row.id))


def _costs(connection: sa.Connection, run_id: int) -> tuple[float | None, float | None]:
    """CPU time and price of an hour of a run's audio, each of the calls of which it is known."""
    costs = view_table("v_costs").c
    cpu_hours, cost_hours = (
        sa.func.sum(costs.audio_s).filter(known.is_not(None)) / 3600 for known in (costs.cpu_s, costs.cost)
    )
    wanted = sa.select(sa.func.sum(costs.cpu_s) / cpu_hours, sa.func.sum(costs.cost) / cost_hours)
    cpu_s, cost = connection.execute(wanted.where(costs.run_id == run_id, costs.audio_s > 0.0)).one()
    return None if cpu_s is None else float(cpu_s), None if cost is None else float(cost)
