"""Who may read which calls on PostgreSQL: grants of tenants and queues to roles, which the database itself obeys.

The policies that obey them are made by the migrations: a role reads a row of a call if one of its grants, or of the
roles whose member it is, names the call's tenant and queue.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from asr.errors import ConfigError
from storage import audit_log
from storage.inserts import insert_if_new
from storage.repository import utc_now
from storage.rights import grant_rights, quoted, reads_text, revoke_rights, role_exists
from storage.session import reading, writing
from storage.tables import AccessGrantRow

ALL = "*"
"""Every tenant or queue, and the calls of which none is told."""


@dataclass(frozen=True, slots=True)
class Grant:
    """That a role may read the calls of a tenant and a queue; `text` says whether it may read what was said in them."""

    role: str
    tenant: str
    queue: str
    granted_at: datetime
    text: bool


class Access:
    """The grants of a database. Every change is one transaction, with its audit event inside it.

    Methods raise ConfigError on SQLite, which knows no roles, RetryableError or FatalError if the database cannot be
    used, or if its user is not the tables' owner.
    """

    def __init__(self, engine: sa.Engine, now: Callable[[], datetime] = utc_now, actor: str = "callwright") -> None:
        if engine.dialect.name != "postgresql":
            raise ConfigError("SQLite knows no roles", "Grants are for PostgreSQL: set storage.database_url")
        self._engine = engine
        self._now = now
        self._actor = actor

    def grant(self, role: str, tenant: str, queue: str, *, text: bool) -> None:
        """Let a role read the calls of a tenant and queue, ALL for every one; `text` is for all that it may read.

        Raises ConfigError for a role that PostgreSQL does not know, or that no policy holds back.
        """
        with writing(self._engine) as connection:
            _check(connection, role)
            row = {"role": role, "tenant": tenant, "queue": queue, "granted_at": self._now()}
            insert_if_new(connection, AccessGrantRow, [row])
            grant_rights(connection, role, text=text)
            self._audit(connection, "access.grant", role, {"tenant": tenant, "queue": queue, "text": text})

    def revoke(self, role: str, tenant: str | None, queue: str | None) -> int:
        """Take grants from a role, those of a tenant or queue or all; return how many. With the last go its rights."""
        wanted = [AccessGrantRow.role == role]
        wanted += [AccessGrantRow.tenant == tenant] if tenant is not None else []
        wanted += [AccessGrantRow.queue == queue] if queue is not None else []
        with writing(self._engine) as connection:
            gone = connection.execute(sa.delete(AccessGrantRow).where(*wanted)).rowcount
            left = sa.select(AccessGrantRow.role).where(AccessGrantRow.role == role).limit(1)
            if role_exists(connection, role) and connection.execute(left).first() is None:
                revoke_rights(connection, role)
            self._audit(connection, "access.revoke", role, {"tenant": tenant, "queue": queue, "grants": gone})
        return gone

    def grants(self) -> list[Grant]:
        """Return all grants, by role."""
        columns = AccessGrantRow.__table__.columns
        with reading(self._engine) as connection:
            rows = connection.execute(sa.select(*columns).order_by(*columns)).all()
            text = {row.role: role_exists(connection, row.role) and reads_text(connection, row.role) for row in rows}
        return [Grant(row.role, row.tenant, row.queue, row.granted_at, text[row.role]) for row in rows]

    def _audit(self, connection: sa.Connection, action: str, role: str, detail: audit_log.Detail) -> None:
        audit_log.append(connection, audit_log.AuditEvent(self._now(), self._actor, action, f"role:{role}", detail))


def read_as(engine: sa.Engine, role: str) -> sa.Engine:
    """Return the same database, of which storage.session.reading reads what a role may read, and nothing else.

    Raises ConfigError on SQLite and for a role that PostgreSQL does not know or that no policy holds back, FatalError
    if this user may not act as the role.
    """
    if engine.dialect.name != "postgresql":
        raise ConfigError("SQLite knows no roles", "Leave --as out, or set storage.database_url to a PostgreSQL")
    with reading(engine) as connection:
        _check(connection, role)
        name = quoted(connection, role)
    return engine.execution_options(read_as=name)


def _check(connection: sa.Connection, role: str) -> None:
    if not role_exists(connection, role):
        raise ConfigError(
            f"PostgreSQL knows no role {role!r}", f"Make it first: CREATE ROLE {quoted(connection, role)}"
        )
    past = sa.text(
        "SELECT r.rolsuper OR r.rolbypassrls OR pg_has_role(r.oid, c.relowner, 'USAGE') FROM pg_catalog.pg_roles r, "
        "pg_catalog.pg_class c WHERE r.rolname = :role AND c.oid = CAST('turns' AS regclass)"
    )
    if connection.execute(past, {"role": role}).scalar_one():
        raise ConfigError(
            f"the role {role!r} is a superuser, owns the tables or is past row-level security: it reads every call",
            "Name a role with NOSUPERUSER and NOBYPASSRLS that is no member of the owner",
        )
