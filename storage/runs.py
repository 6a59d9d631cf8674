"""The rows of runs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from asr.errors import FatalError
from storage.tables import RunRow
from storage.tries import Term
from storage.types import RunState
from storage.work_tables import WorkerRow


def end_stale_runs(connection: sa.Connection, now: datetime) -> None:
    """Make runs INTERRUPTED that never said that they ended and whose worker is not known to be alive."""
    alive = sa.select(WorkerRow.run_id).where(WorkerRow.alive_until > now)
    stale = (RunRow.state == RunState.RUNNING, RunRow.id.not_in(alive))
    connection.execute(sa.update(RunRow).where(*stale).values(state=RunState.INTERRUPTED))


def _end_runs_of(connection: sa.Connection, owner: str) -> None:
    """Make an owner's runs INTERRUPTED, of which it has one at a time: the database was away when that was to end."""
    theirs = sa.select(WorkerRow.run_id).where(WorkerRow.owner == owner)
    ended = sa.update(RunRow).where(RunRow.state == RunState.RUNNING, RunRow.id.in_(theirs))
    connection.execute(ended.values(state=RunState.INTERRUPTED))


def insert_run(
    connection: sa.Connection, config_fingerprint: str, code_version: str, now: datetime, lease: Term | None = None
) -> int:
    """Insert a run that starts now and return its id; those that are known to be dead become INTERRUPTED.

    `lease` says whose it is, and how long it is known to be alive.
    """
    end_stale_runs(connection, lease.now if lease else now)
    if lease is not None:
        _end_runs_of(connection, lease.owner)
    row = {
        "state": RunState.RUNNING,
        "started_at": now,
        "config_fingerprint": config_fingerprint,
        "code_version": code_version,
        "published": 0,
        "quarantined": 0,
        "audio_s": 0.0,
    }
    run_id = connection.execute(sa.insert(RunRow).values(row).returning(RunRow.id)).scalar_one()
    if lease is not None:
        worker = {"run_id": run_id, "owner": lease.owner, "alive_until": lease.expires_at}
        connection.execute(sa.insert(WorkerRow).values(worker))
    return run_id


def end_run(connection: sa.Connection, run_id: int, state: RunState, finished_at: datetime, wall_s: float) -> None:
    """Set how and when a run ended; FatalError for a run that was never begun."""
    _update(connection, run_id, {"state": state, "finished_at": finished_at, "wall_s": wall_s})


def count_published(connection: sa.Connection, run_id: int, published: int, audio_s: float) -> None:
    """Add published recordings of so many seconds together to a run; FatalError for a run that was never begun."""
    _update(connection, run_id, {"published": RunRow.published + published, "audio_s": RunRow.audio_s + audio_s})


def count_quarantined(connection: sa.Connection, run_id: int) -> None:
    """Add one quarantined recording to a run; FatalError for a run that was never begun."""
    _update(connection, run_id, {"quarantined": RunRow.quarantined + 1})


def _update(connection: sa.Connection, run_id: int, values: dict[str, Any]) -> None:
    changed = connection.execute(sa.update(RunRow).where(RunRow.id == run_id).values(values))
    if changed.rowcount != 1:
        raise FatalError(f"there is no run {run_id}", "Begin a run first, with Repository.begin_run")
