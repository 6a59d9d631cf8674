"""The audit trail: a chain in which every event's hash covers the hash of the event before.

A changed, inserted or removed event breaks the chain where it stood. Events that are cut off the end leave a
sound chain, so keep the hash of the last event somewhere else too and compare.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from storage.tables import AuditEventRow

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


def append(connection: sa.Connection, event: AuditEvent) -> ChainHead:
    """Add an event within the connection's transaction and return the new head.

    Call it last in a transaction: on PostgreSQL others that append wait from here until it ends.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_APPEND_LOCK)))
    last = head(connection)
    new = ChainHead(last.id + 1, event_hash(last.id + 1, event, last.hash))
    connection.execute(
        sa.insert(AuditEventRow).values(
            id=new.id,
            at=event.at,
            actor=event.actor,
            action=event.action,
            subject=event.subject,
            detail=dict(event.detail),
            previous_hash=last.hash,
            hash=new.hash,
        )
    )
    return new


def verify(connection: sa.Connection) -> int | None:
    """Return the id of the first row that does not continue the chain, or None if the chain is sound."""
    previous = ChainHead(0, GENESIS)
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
