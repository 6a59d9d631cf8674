"""Answering a statement that a person typed, with no way to change anything."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

import sqlalchemy as sa

from asr.errors import PipelineError
from storage.errors import QueryError
from storage.failures import sqlite_failure
from storage.session import BUSY_TIMEOUT_MS, reading
from storage.types import Table

if TYPE_CHECKING:
    import psycopg

MAX_VALUE_BYTES = 16 * 1024 * 1024
"""Longest single value that SQLite may build; its own limit of 1 GB would let one SELECT take all memory."""

_STEPS_PER_CHECK = 10_000
"""SQLite's virtual machine looks at the clock this often, every millisecond or less."""

_CURSOR = "callwright_sql"
"""Name of the server-side cursor on PostgreSQL."""

_ALLOWED_ACTIONS = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
)

_FORBIDDEN_FUNCTIONS = frozenset({"load_extension", "fts3_tokenizer"})
"""Functions that reach outside the database."""

_ONLY_SELECT = "Type one SELECT, such as SELECT * FROM v_calls"


def read_only(engine: sa.Engine, sql: str, max_rows: int = 1_000, timeout_s: float = 30.0) -> Table:
    """Run one SELECT and return at most `max_rows` rows; the database refuses whatever would change anything.

    On PostgreSQL, functions such as pg_read_file reach outside the database for a user who may call them, so
    callwright's user should not be one.

    Raises QueryError for a statement that is wrong, is not alone, would change something or takes longer than
    `timeout_s` seconds; RetryableError or FatalError if the database cannot be used.
    """
    if "\0" in sql or any("\ud800" <= char <= "\udfff" for char in sql):
        raise QueryError("the statement holds a character that is no text", _ONLY_SELECT)
    if engine.dialect.name == "postgresql":
        return _read_postgres(engine, sql, max_rows, timeout_s)
    return _read_sqlite(Path(str(engine.url.database)), sql, max_rows, timeout_s)


def _read_sqlite(path: Path, sql: str, max_rows: int, timeout_s: float) -> Table:
    uri = f"{path.absolute().as_uri()}?mode=ro"
    deadline_s = time.monotonic() + timeout_s
    connection: sqlite3.Connection | None = None
    try:
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_MS / 1_000)
        connection.execute("PRAGMA query_only = ON")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)
        connection.set_authorizer(_authorize)
        connection.set_progress_handler(_overdue(deadline_s), _STEPS_PER_CHECK)
        cursor = connection.execute(sql)
        if cursor.description is None:
            raise QueryError("there is no statement that gives rows", _ONLY_SELECT)
        columns = tuple(str(column[0]) for column in cursor.description)
        rows = cursor.fetchmany(max_rows + 1)
    except (sqlite3.Error, sqlite3.Warning) as error:
        raise _sqlite_refusal(error, sql, timeout_s) from error
    finally:
        if connection is not None:
            connection.close()
    return Table(columns, tuple(tuple(row) for row in rows[:max_rows]), truncated=len(rows) > max_rows)


def _authorize(action: int, first: str | None, second: str | None, _database: str | None, _trigger: str | None) -> int:
    if action not in _ALLOWED_ACTIONS:
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_FUNCTION and (second or first or "").lower() in _FORBIDDEN_FUNCTIONS:
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


def _overdue(deadline_s: float) -> Callable[[], bool]:
    return lambda: time.monotonic() > deadline_s


def _sqlite_refusal(error: Exception, sql: str, timeout_s: float) -> PipelineError:
    if not isinstance(error, sqlite3.DatabaseError) or isinstance(error, sqlite3.ProgrammingError):
        return QueryError("there is more than one statement, or a placeholder", _ONLY_SELECT)
    name = getattr(error, "sqlite_errorname", "SQLITE_ERROR")
    if name == "SQLITE_INTERRUPT":
        return _too_slow(timeout_s)
    if name in {"SQLITE_AUTH", "SQLITE_READONLY"}:
        return QueryError("the statement does more than read", _ONLY_SELECT)
    failure = None if name == "SQLITE_ERROR" else sqlite_failure(name, str(error))
    return failure or QueryError(
        f"SQLite says: {error}{_position(str(error), sql)}", "Mend the statement and try again"
    )


def _position(message: str, sql: str) -> str:
    """Say where the text that SQLite complains of stands, if it stands in one place only."""
    near = message.split('"')[1] if message.startswith('near "') else message.rpartition(": ")[2]
    if not near or sql.count(near) != 1:
        return ""
    return _line_and_column(sql, sql.index(near))


def _line_and_column(sql: str, offset: int) -> str:
    before = sql[:offset]
    return f" (line {before.count(chr(10)) + 1}, column {offset - before.rfind(chr(10))})"


def _read_postgres(engine: sa.Engine, sql: str, max_rows: int, timeout_s: float) -> Table:
    import psycopg

    with reading(engine) as connection:
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {max(1, int(timeout_s * 1_000))}")
        driver = cast("psycopg.Connection", connection.connection.driver_connection)
        try:
            # A server-side cursor takes one statement, a SELECT, and sends no more rows than are fetched.
            with driver.cursor(name=_CURSOR) as cursor:
                cursor.execute(sql)
                columns = tuple(str(column.name) for column in cursor.description or ())
                rows = cursor.fetchmany(max_rows + 1)
        except psycopg.errors.QueryCanceled as error:
            raise _too_slow(timeout_s) from error
        except psycopg.Error as error:
            raise _postgres_refusal(error, sql) from error
    return Table(columns, tuple(tuple(row) for row in rows[:max_rows]), truncated=len(rows) > max_rows)


def _postgres_refusal(error: psycopg.Error, sql: str) -> QueryError:
    primary = error.diag.message_primary or type(error).__name__
    position = error.diag.statement_position
    # It counts from 1, and from where the driver's own words begin.
    offset = int(position or 0) - 1 - len(f'DECLARE "{_CURSOR}" CURSOR FOR ')
    where = _line_and_column(sql, offset) if offset >= 0 else ""
    return QueryError(f"PostgreSQL says: {primary}{where}", _ONLY_SELECT)


def _too_slow(timeout_s: float) -> QueryError:
    return QueryError(
        f"the statement took longer than {timeout_s:g} s",
        "Narrow it with WHERE, or allow it more time",
    )
