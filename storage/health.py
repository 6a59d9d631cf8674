"""Whether a database answers, can be written, and has the schema that this version works with."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from storage.leases import shared_clock
from storage.session import MIGRATIONS, reading, writing
from storage.tables import AuditEventRow, RunRow


@dataclass(frozen=True, slots=True)
class DatabaseHealth:
    """What a database says of itself: its schema, "" if it has none yet, and the newest that this version knows;
    seconds that a question and a write take; how far its clock, and the newest event of its audit trail, are ahead of
    this machine's clock."""

    schema: str
    newest_schema: str
    is_known: bool
    answer_s: float
    write_s: float
    clock_ahead_s: float
    event_ahead_s: float


def database_health(engine: sa.Engine) -> DatabaseHealth:
    """Ask a database how it is, and change nothing in it. Raises RetryableError or FatalError as storage.session does.

    That it can be written shows an UPDATE that meets no row: it takes SQLite's lock and PostgreSQL's rights all the
    same.
    """
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(MIGRATIONS))
    known = {script.revision for script in scripts.walk_revisions()}
    with reading(engine) as connection:
        began_s = time.perf_counter()
        connection.execute(sa.select(1))
        answer_s = time.perf_counter() - began_s
        schema = MigrationContext.configure(connection).get_current_revision() or ""
        latest = connection.execute(_LATEST).scalar() if schema else None
    asked_at, told_at = datetime.now(UTC), shared_clock(engine)()
    between = asked_at + (datetime.now(UTC) - asked_at) / 2
    return DatabaseHealth(
        schema=schema,
        newest_schema=scripts.get_current_head() or "",
        is_known=schema in known,
        answer_s=answer_s,
        write_s=_write(engine) if schema else 0.0,
        clock_ahead_s=(told_at - between).total_seconds(),
        event_ahead_s=(latest - between).total_seconds() if latest else 0.0,
    )


_LATEST = sa.select(AuditEventRow.at).order_by(AuditEventRow.id.desc()).limit(1)


def _write(engine: sa.Engine) -> float:
    began_s = time.perf_counter()
    with writing(engine) as connection:
        connection.execute(sa.update(RunRow).where(RunRow.id == -1).values(wall_s=RunRow.wall_s))
    return time.perf_counter() - began_s
