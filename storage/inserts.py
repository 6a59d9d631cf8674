"""Inserting many rows, a statement for each table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from storage.columns import Base

Row = dict[str, Any]
"""One row to insert, by column name. All rows of a table have the same names."""

Rows = tuple[type[Base], list[Row]]
"""Rows to insert into a table; none is fine."""


def insert_all(connection: sa.Connection, of_tables: Iterable[Rows]) -> None:
    """Insert rows into tables in the order in which these are named first, however often."""
    gathered: dict[type[Base], list[Row]] = {}
    for table, rows in of_tables:
        gathered.setdefault(table, []).extend(rows)
    for table, rows in gathered.items():
        if rows:
            connection.execute(sa.insert(table), rows)


def insert_if_new(connection: sa.Connection, table: type[Base], rows: Sequence[Row]) -> None:
    """Insert rows, but for those whose unique key is there, whoever put it there."""
    if rows:
        # The two dialects spell one statement in two classes.
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(dialect.insert(table).on_conflict_do_nothing(), rows)
