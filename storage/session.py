"""Opening a database, bringing it up to date, and transactions whose errors say what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import event

from asr.errors import ConfigError, FatalError
from storage.failures import database_failure
from storage.rights import guard

if TYPE_CHECKING:
    from alembic.config import Config

Database = sa.Engine
"""An open database, for those who pass it on and do not look inside."""

MIGRATIONS = Path(__file__).parent / "migrations"

BUSY_TIMEOUT_MS = 30_000
"""How long a writer waits for another; the longest transaction, one publish, takes well under a second."""

_OLDEST_POSTGRESQL = 15
"""Views that read with the rights of whoever asks came with it."""

_MIGRATION_LOCK = 0x63616C6C
"""Key of the PostgreSQL advisory lock that lets one process migrate at a time: "call" in ASCII."""


def open_database(url: str) -> sa.Engine:
    """Return an engine for an SQLAlchemy URL; nothing connects yet, but SQLite's folder is made.

    No statement's parameters show in an exception, because they are what was said in a call.

    Raises ConfigError for a URL that is not SQLite in a file or PostgreSQL, FatalError if the folder of an
    SQLite file cannot be made.
    """
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        _make_folder(Path(str(parsed.database)).parent)
        engine = sa.create_engine(parsed, hide_parameters=True)
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return sa.create_engine(parsed, hide_parameters=True, pool_pre_ping=True)


def sqlite_file(url: str) -> Path | None:
    """The file that an SQLAlchemy URL names, None if it names a server. Raises ConfigError as open_database does."""
    parsed = _parse(url)
    return Path(str(parsed.database)) if parsed.get_backend_name() == "sqlite" else None


def migrate(engine: sa.Engine) -> None:
    """Bring the database to the newest schema; quick when it is there, and safe in two processes at once.

    All steps are one transaction; roles that were granted calls keep what they may read. Raises RetryableError if the
    database is busy or away, FatalError if it cannot be written, was made by a newer version, or is too old a
    PostgreSQL.
    """
    from alembic import command
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    newest = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    with reading(engine) as connection:
        if MigrationContext.configure(connection).get_current_revision() == newest:
            return
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            _check_version(connection)
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
        try:
            command.upgrade(alembic_config(connection), "head")
        except CommandError as error:
            raise FatalError(
                f"the database's schema is not one that this version knows (its newest is {newest})",
                "Update callwright to at least the version that made the database, or name another database",
            ) from error
        guard(connection)


def _check_version(connection: sa.Connection) -> None:
    version = int((connection.dialect.server_version_info or (0,))[0])
    if version < _OLDEST_POSTGRESQL:
        raise FatalError(
            f"the server is PostgreSQL {version}", f"callwright needs PostgreSQL {_OLDEST_POSTGRESQL} or later"
        )


def scrub(engine: sa.Engine) -> None:
    """Let nothing of deleted rows stay in the database's files: SQLite's log is emptied, PostgreSQL is vacuumed.

    SQLite's index of words is merged before: it only notes which turns are gone, until it merges.
    """
    statement = "PRAGMA wal_checkpoint(TRUNCATE)"
    if engine.dialect.name == "postgresql":
        statement = "VACUUM"
    else:
        with writing(engine) as connection:
            connection.exec_driver_sql("INSERT INTO turn_index (turn_index) VALUES ('optimize')")
    with _mapped_errors(), engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql(statement)


def alembic_config(connection: sa.Connection) -> Config:
    """Return what Alembic's commands need to work on a connection, inside its transaction."""
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Give a connection in one transaction that reads from one snapshot, whatever others write meanwhile.

    Raises RetryableError or FatalError for whatever the database raises inside the block.
    """
    # SQLite's transactions are snapshots as they come.
    options = {"isolation_level": "REPEATABLE READ"} if engine.dialect.name == "postgresql" else {}
    with _mapped_errors(), engine.execution_options(**options).connect() as connection:
        if role := connection.get_execution_options().get("read_as"):
            connection.exec_driver_sql(f"SET LOCAL ROLE {role}")
            # Policies make statements look dear, and compiling them takes longer than running them.
            connection.exec_driver_sql("SET LOCAL jit = off")
        yield connection


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Give a connection in one transaction: all of the block is kept, or on any exception nothing of it.

    Raises RetryableError or FatalError for whatever the database raises inside the block.
    """
    # SQLite upgrades a reader to a writer without waiting, and so fails at once if another one writes:
    # a transaction that will write must say so when it begins.
    with _mapped_errors(), engine.execution_options(will_write=True).begin() as connection:
        yield connection


@contextmanager
def _mapped_errors() -> Iterator[None]:
    try:
        yield
    except (sa.exc.SQLAlchemyError, UnicodeEncodeError) as error:
        failure, cause = database_failure(error)
        raise failure from cause


def _parse(url: str) -> sa.URL:
    remedy = "Use sqlite:///PATH, or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE"
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        # The message of the cause repeats the URL, which may hold a password.
        raise ConfigError("the database URL cannot be read", remedy) from None
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        if parsed.database in {None, "", ":memory:"}:
            raise ConfigError("an SQLite database in memory keeps nothing", remedy)
        return parsed
    if backend == "postgresql" and parsed.drivername in {"postgresql", "postgresql+psycopg"}:
        return parsed.set(drivername="postgresql+psycopg")
    raise ConfigError(f"the database driver {parsed.drivername!r} is not known", remedy)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FatalError(
            f"the folder {folder} for the database cannot be made: {error.strerror}",
            "Give this user the right to write there, or set storage.database_url",
        ) from error


def _configure_sqlite(dbapi_connection: Any, _record: object) -> None:
    # The driver's own BEGIN comes too late, after the first reads; _begin_sqlite says it instead.
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    # Readers and the one writer do not wait for each other.
    cursor.execute("PRAGMA journal_mode = WAL")
    # NORMAL may lose the last commits when the power goes. A commit ends minutes of recognition and the audit
    # trail counts on it, so its few milliseconds of fsync are well spent.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    # What is deleted is overwritten, or an erased call could be read from the file's free pages.
    cursor.execute("PRAGMA secure_delete = ON")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("will_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN DEFERRED")
