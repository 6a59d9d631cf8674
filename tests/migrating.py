"""Every migration down and up again with a row in each table, on any database: what is left has to be as it was."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory

from storage.columns import Base
from storage.session import MIGRATIONS, alembic_config, reading, writing

_UNSET = {"stage", "reason", "remedy"}
"""Of a recording that is not quarantined."""

_NOW = datetime(2026, 9, 1, tzinfo=UTC)

Rows = dict[str, list[dict[str, Any]]]


def fill_every_table(engine: sa.Engine) -> None:
    """Insert a row into each table, with a value in every column that may have one."""
    with writing(engine) as connection:
        for table in Base.metadata.sorted_tables:
            unset = _UNSET if table.name == "recordings" else set()
            row = {column.name: _value(column) for column in table.columns if column.name not in unset}
            connection.execute(sa.insert(table).values(row))


def step_down_and_up(engine: sa.Engine) -> list[str]:
    """From the newest schema to none; return the revisions that were gone through, asserting at each step.

    A step down takes along its own tables and columns and nothing else; a step up leaves what is there.
    """
    revisions = [script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()]
    for older in [*revisions[1:], "base"]:
        before = _rows(engine)
        assert all(before.values()), "each table has its row"
        _move(engine, command.downgrade, older)
        down = _rows(engine)
        assert down == _shared(before, down), f"down to {older}"
        _move(engine, command.upgrade, "+1")
        up = _rows(engine)
        assert down == _shared(up, down), f"up from {older}"
        assert {table: _columns(engine, table) for table in before} == {table: _columns(engine, table) for table in up}
        _move(engine, command.downgrade, older)
    return revisions


def _move(engine: sa.Engine, how: Any, revision: str) -> None:
    with writing(engine) as connection:
        how(alembic_config(connection), revision)


def _columns(engine: sa.Engine, table: str) -> list[str]:
    with reading(engine) as connection:
        return sorted(column["name"] for column in sa.inspect(connection).get_columns(table))


def _rows(engine: sa.Engine) -> Rows:
    with reading(engine) as connection:
        inspector = sa.inspect(connection)
        names = [name for name in inspector.get_table_names() if name in Base.metadata.tables]
        found: Rows = {}
        for name in sorted(names):
            columns = sorted(column["name"] for column in inspector.get_columns(name))
            listed = ", ".join(f'"{column}"' for column in columns if column != "searched")
            answer = connection.exec_driver_sql(f'SELECT {listed} FROM "{name}"')
            found[name] = [dict(row) for row in answer.mappings()]
        return found


def _shared(rows: Rows, other: Rows) -> Rows:
    """Of rows, the tables and columns that others have too."""
    return {
        table: [{name: row[name] for name in kept} for row, kept in zip(rows[table], other[table], strict=True)]
        for table in other
    }


def _value(column: sa.Column[Any]) -> Any:
    if isinstance(column.type, sa.Enum):
        return column.type.enums[0]
    values = {sa.JSON: {}, sa.Boolean: True, sa.Integer: 1, sa.Double: 1.5, sa.String: "en"}
    return next((value for kind, value in values.items() if isinstance(column.type, kind)), _NOW)
