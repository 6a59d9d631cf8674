"""The audit trail: a chain in which every event's hash covers the hash of the event before.

A changed, inserted or removed event breaks the chain where it stood. Events that are cut off the end leave a
sound chain, and so does a chain that was written anew from its first event: signed anchors, kept elsewhere, tell both.
Events over their time are deleted from the oldest on; a signed statement says where the chain then begins.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from storage.inserts import insert_all
from storage.tables import AuditEventRow, AuditPruneRow

GENESIS = "0" * 64
"""The hash before the first event."""

_APPEND_LOCK = 0x61756474
"""Key of the PostgreSQL advisory lock under which one transaction at a time appends: "audt" in ASCII."""

Detail = Mapping[str, str | int | float | bool | None]
"""Facts about an event, never a word that was spoken."""


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Who (`actor`) did what (`action`) to what (`subject`), and when (aware, UTC)."""

    at: datetime
    actor: str
    action: str
    subject: str
    detail: Detail


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The last event of the chain: its row's id, 0 if there is none, and its hash."""

    id: int
    hash: str


def head(connection: sa.Connection) -> ChainHead:
    """Return the last event's id and hash; for an empty chain 0 and GENESIS."""
    last = connection.execute(
        sa.select(AuditEventRow.id, AuditEventRow.hash).order_by(AuditEventRow.id.desc()).limit(1)
    ).first()
    return ChainHead(0, GENESIS) if last is None else ChainHead(last.id, last.hash)


def first(connection: sa.Connection) -> tuple[int, datetime] | None:
    """Return the id of the first event that is left, and when it was; None for an empty trail."""
    columns = AuditEventRow.__table__.columns
    row = connection.execute(sa.select(columns.id, columns.at).order_by(columns.id).limit(1)).first()
    return None if row is None else (row.id, row.at)


def append(connection: sa.Connection, event: AuditEvent) -> ChainHead:
    """Add an event within the connection's transaction and return the new head; call it last, as `append_all`."""
    return append_all(connection, [event])


def append_all(connection: sa.Connection, events: Iterable[AuditEvent]) -> ChainHead:
    """Add events, in their order, within the connection's transaction and return the new head.

    Call it last in a transaction: on PostgreSQL others that append wait from here until it ends.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_APPEND_LOCK)))
    last, rows = head(connection), []
    for event in events:
        new = ChainHead(last.id + 1, event_hash(last.id + 1, event, last.hash))
        rows.append(
            {
                "id": new.id,
                "at": event.at,
                "actor": event.actor,
                "action": event.action,
                "subject": event.subject,
                "detail": dict(event.detail),
                "previous_hash": last.hash,
                "hash": new.hash,
            }
        )
        last = new
    insert_all(connection, [(AuditEventRow, rows)])
    return last


@dataclass(frozen=True, slots=True)
class Prune:
    """That the events up to `through` were deleted after their time; `statement` is a signed document that says so."""

    through: ChainHead
    at: datetime
    statement: str


def verify(connection: sa.Connection) -> int | None:
    """Return the id of the first row that does not continue the chain, or None if the chain is sound.

    The chain begins after the last prune. Whether that was rightful its signed statement says, which is not read here.
    """
    pruned = prunes(connection)
    previous = pruned[-1].through if pruned else ChainHead(0, GENESIS)
    columns = AuditEventRow.__table__.columns
    wanted = sa.select(*columns).order_by(columns.id).execution_options(yield_per=1_000)
    with connection.execute(wanted) as rows:
        for row in rows:
            event = AuditEvent(row.at, row.actor, row.action, row.subject, row.detail)
            expected = event_hash(previous.id + 1, event, previous.hash)
            if (row.id, row.previous_hash, row.hash) != (previous.id + 1, previous.hash, expected):
                return int(row.id)
            previous = ChainHead(row.id, row.hash)
    return None


def hash_of(connection: sa.Connection, event_id: int) -> str | None:
    """Return the hash of an event as it is stored, or None if there is no such event."""
    return connection.execute(sa.select(AuditEventRow.hash).where(AuditEventRow.id == event_id)).scalar()


def prunes(connection: sa.Connection) -> list[Prune]:
    """Return all prunes, the earliest first."""
    columns = AuditPruneRow.__table__.columns
    rows = connection.execute(sa.select(*columns).order_by(columns.through_id))
    return [Prune(ChainHead(row.through_id, row.hash), row.at, row.statement) for row in rows]


def last_over(
    connection: sa.Connection, is_over: Callable[[datetime], bool], is_held: Callable[[str], bool]
) -> ChainHead | None:
    """Return the last event that may be pruned: it and all before it are over their time, and no subject is held.

    The newest event of all always stays. None if nothing may be pruned.
    """
    columns = AuditEventRow.__table__.columns
    wanted = sa.select(columns.id, columns.hash, columns.at, columns.subject).order_by(columns.id)
    last: ChainHead | None = None
    newest = head(connection).id
    with connection.execute(wanted.execution_options(yield_per=1_000)) as rows:
        for row in rows:
            if row.id == newest or not is_over(row.at) or is_held(row.subject):
                break
            last = ChainHead(row.id, row.hash)
    return last


def prune(connection: sa.Connection, pruned: Prune) -> int:
    """Delete the events up to where a prune goes, and return how many there were."""
    through = pruned.through
    connection.execute(
        sa.insert(AuditPruneRow).values(
            through_id=through.id, hash=through.hash, at=pruned.at, statement=pruned.statement
        )
    )
    return connection.execute(sa.delete(AuditEventRow).where(AuditEventRow.id <= through.id)).rowcount


def event_hash(event_id: int, event: AuditEvent, previous_hash: str) -> str:
    """Return the SHA-256, in hex, of the event and the previous hash as JSON, keys sorted and no spaces."""
    said = {
        "id": event_id,
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": event.actor,
        "action": event.action,
        "subject": event.subject,
        "detail": dict(event.detail),
        "previous_hash": previous_hash,
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
