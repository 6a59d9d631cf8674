"""The rows of legal holds."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from compliance.types import Hold
from storage.errors import UnknownHoldError
from storage.tables import HoldRow

_COLUMNS = tuple(HoldRow.__table__.columns)


def insert_hold(connection: sa.Connection, hold: Hold) -> int:
    """Insert a hold, whose own id does not count, and return the id that it has from now on."""
    row = {
        "scope": hold.scope,
        "value": hold.value,
        "who": hold.who,
        "why": hold.why,
        "placed_at": hold.placed_at,
        "until": hold.until,
    }
    return connection.execute(sa.insert(HoldRow).values(row).returning(HoldRow.id)).scalar_one()


def release_hold(connection: sa.Connection, hold_id: int, now: datetime) -> Hold:
    """End a hold now and return it. Raises UnknownHoldError if none that is not released has that id."""
    changed = connection.execute(
        sa.update(HoldRow).where(HoldRow.id == hold_id, HoldRow.released_at.is_(None)).values(released_at=now)
    )
    if changed.rowcount != 1:
        raise UnknownHoldError(f"no hold in force has the number {hold_id}", "`callwright hold list` shows all")
    return next(hold for hold in load_holds(connection) if hold.id == hold_id)


def load_holds(connection: sa.Connection) -> tuple[Hold, ...]:
    """Return every hold there ever was, in the order in which they were placed."""
    rows = connection.execute(sa.select(*_COLUMNS).order_by(HoldRow.id))
    return tuple(
        Hold(row.id, row.scope, row.value, row.who, row.why, row.placed_at, row.until, row.released_at) for row in rows
    )
