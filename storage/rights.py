"""What a role of PostgreSQL may read: of which tables and columns at all, and of which calls.

The owner of the tables, as whom callwright works, is past it. Any other role reads the rows of those tenants and queues
alone that access_grants names for it, and no row of a table that knows no recording.
"""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from storage.tables import AccessGrantRow

VIEWS = (
    *("v_calls", "v_days", "v_turns", "v_words", "v_redactions", "v_findings", "v_quality", "v_costs"),
    *("v_analyses", "v_answers"),
)

_TOLD = "recording_id, call_id, started_at, utc_offset_min, agent, queue, direction, language, consent, tenant"

FIGURES: Mapping[str, str] = {
    **dict.fromkeys(VIEWS, ""),
    **dict.fromkeys(("readable", "recordings", "sources", "transcripts", "models"), ""),
    **dict.fromkeys(("redactions", "findings", "guards", "regions", "quality"), ""),
    "call_metadata": _TOLD,
    "analyses": "recording_id, name, part, kind, version, method, value, turns, faults, made_at",
    "turns": "recording_id, turn, speaker, channel, start_s, end_s",
    "words": "recording_id, turn, word, start_s, end_s, confidence, entity",
}
"""The views, and the columns of the tables under them, which a view reads with the rights of whoever asks; no columns
are all. Nothing of it is what was said, nor what was told under names that are not known."""

TEXT: Mapping[str, str] = {"turns": "text, searched", "words": "text", "analyses": "answer"}
"""What was said, after redaction, and its index."""


_KNOWS = "recording_id"

_READABLE = "EXISTS (SELECT 1 FROM readable v WHERE v.recording_id = {column})"

_UNGUARDED = sa.text(
    "SELECT c.table_name, c.column_name FROM information_schema.columns c "
    "JOIN pg_tables t ON t.schemaname = c.table_schema AND t.tablename = c.table_name "
    "WHERE c.table_schema = current_schema() AND NOT t.rowsecurity AND c.table_name <> 'alembic_version'"
)
"""The columns of tables that no policy guards yet."""


def grant_rights(connection: sa.Connection, role: str, *, text: bool) -> None:
    """Let a role that is there read the analysts' views, and search; without `text` no word that was said."""
    name = quoted(connection, role)
    connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA {_schema(connection)} TO {name}")
    for table, columns in FIGURES.items():
        connection.exec_driver_sql(f"GRANT SELECT {_of(columns)} ON {table} TO {name}")
    for table, columns in TEXT.items():
        change, preposition = ("GRANT", "TO") if text else ("REVOKE", "FROM")
        connection.exec_driver_sql(f"{change} SELECT {_of(columns)} ON {table} {preposition} {name}")


def revoke_rights(connection: sa.Connection, role: str) -> None:
    """Take from a role that is there all that `grant_rights` gives."""
    name = quoted(connection, role)
    schema = _schema(connection)
    connection.exec_driver_sql(f"REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {name}")
    connection.exec_driver_sql(f"REVOKE USAGE ON SCHEMA {schema} FROM {name}")


def reads_text(connection: sa.Connection, role: str) -> bool:
    """Say whether a role that is there may read what was said."""
    asked = sa.select(sa.func.has_column_privilege(role, "turns", "text", "SELECT"))
    return bool(connection.execute(asked).scalar_one())


def guard(connection: sa.Connection) -> None:
    """Guard every table and view, those too that an upgrade has made anew; nothing on SQLite, which knows no roles.

    Each table gets row-level security, and one that knows recordings a policy; views read with the rights of whoever
    asks. Roles with grants get their rights again.
    """
    if connection.dialect.name != "postgresql":
        return
    for view in VIEWS:
        connection.exec_driver_sql(f"ALTER VIEW {view} SET (security_invoker = true)")
    columns = connection.execute(_UNGUARDED).all()
    for table in {table for table, _ in columns}:
        connection.exec_driver_sql(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    readable = {table: _READABLE.format(column=f"{table}.{column}") for table, column in columns if column == _KNOWS}
    readable |= {"recordings": _READABLE.format(column="recordings.id"), "models": "true"}
    for table, condition in readable.items():
        if table in {table for table, _ in columns}:
            connection.exec_driver_sql(f"CREATE POLICY readable ON {table} FOR SELECT USING ({condition})")
    granted = sa.select(AccessGrantRow.role).distinct().order_by(AccessGrantRow.role)
    for role in connection.scalars(granted).all():
        if role_exists(connection, role):
            grant_rights(connection, role, text=reads_text(connection, role))


def role_exists(connection: sa.Connection, role: str) -> bool:
    """Say whether PostgreSQL knows a role of that name."""
    roles = sa.table("pg_roles", sa.column("rolname", sa.Text()), schema="pg_catalog")
    wanted = sa.select(roles.c.rolname).where(roles.c.rolname == role)
    return connection.execute(wanted).first() is not None


def quoted(connection: sa.Connection, name: str) -> str:
    """A name as SQL takes it, whatever characters it has."""
    return connection.dialect.identifier_preparer.quote_identifier(name)


def _schema(connection: sa.Connection) -> str:
    return quoted(connection, str(connection.exec_driver_sql("SELECT current_schema()").scalar_one()))


def _of(columns: str) -> str:
    return f"({columns})" if columns else ""
