"""What a database's error means for the pipeline: try again, or stop and let somebody mend it.

SQLite's codes: https://www.sqlite.org/rescode.html. PostgreSQL's: appendix A of its manual, by class.
"""

from __future__ import annotations

import sqlalchemy as sa

from asr.errors import FatalError, PipelineError, RetryableError, SkippableError

_OUTDATED = "If the tables are of an older version, `callwright run` brings them up to date"

_SQLITE_RETRYABLE = {
    "SQLITE_BUSY": "Another process is writing; try again when it is done",
    "SQLITE_LOCKED": "Another process is writing; try again when it is done",
    "SQLITE_FULL": "Free space on the disk that holds the database, then try again",
    "SQLITE_NOMEM": "Free some memory, then try again",
}

_SQLITE_FATAL = {
    "SQLITE_READONLY": "Give this user the right to write the database file and its folder",
    "SQLITE_CANTOPEN": "Check that the path exists and that this user may read and write it",
    "SQLITE_PERM": "Give this user the right to write the database file and its folder",
    "SQLITE_NOTADB": "Name another file in storage.database_url; this one was not made by SQLite",
    "SQLITE_CORRUPT": "Restore the database from a backup; `PRAGMA integrity_check` says what is broken",
    "SQLITE_IOERR": "Check the disk that holds the database, and that it is not a network share",
    "SQLITE_ERROR": _OUTDATED,
}

_POSTGRES_RETRYABLE = {
    "08": "Check that the PostgreSQL server can be reached, then try again",
    "40": "Another transaction was in the way; try again",
    "53": "The PostgreSQL server is out of connections, memory or disk; free some, then try again",
    "55": "Another transaction holds the lock; try again when it is done",
    "57": "The PostgreSQL server is stopping or starting; try again when it is up",
}

_POSTGRES_FATAL = {
    "25": "The server takes no writes now; name the primary server in storage.database_url",
    "28": "Check the user and the password in storage.database_url",
    "3D": "Create the database, or name another in storage.database_url",
    "42": f"{_OUTDATED}; check too that the database user may read and write them",
}


def database_failure(
    error: sa.exc.SQLAlchemyError | UnicodeEncodeError,
) -> tuple[PipelineError, BaseException | None]:
    """Return the pipeline's error for a database's, and the cause that it may be chained to.

    The cause is None where the database's own message may quote a row and so a call, as PostgreSQL's "failing
    row contains" does.
    """
    if isinstance(error, UnicodeEncodeError):
        return SkippableError("a name or text of this recording is not valid Unicode", "Rename the file"), None
    if not isinstance(error, sa.exc.DBAPIError):
        if isinstance(error, sa.exc.TimeoutError):
            return RetryableError("every connection to the database is in use", "Try again later"), error
        name = type(error).__name__
        return FatalError(f"the database could not be used ({name})", "Report this as a bug"), None
    original = error.orig
    sqlite_name = getattr(original, "sqlite_errorname", None)
    if sqlite_name is not None:
        return _sqlite_failure(error, str(sqlite_name)), None if _quotes_rows(error) else error
    sqlstate = getattr(original, "sqlstate", None)
    return _postgres_failure(error, sqlstate), None if _quotes_rows(error) else error


def sqlite_failure(error_name: str, message: str) -> PipelineError | None:
    """Return the error for one of SQLite's, by its name such as "SQLITE_BUSY_SNAPSHOT"; None if unknown."""
    primary = "_".join(error_name.split("_")[:2])
    if primary in _SQLITE_RETRYABLE:
        return RetryableError(f"SQLite says: {message}", _SQLITE_RETRYABLE[primary])
    if primary in _SQLITE_FATAL:
        return FatalError(f"SQLite says: {message}", _SQLITE_FATAL[primary])
    return None


def _sqlite_failure(error: sa.exc.DBAPIError, error_name: str) -> PipelineError:
    if not _quotes_rows(error):
        known = sqlite_failure(error_name, str(error.orig))
        if known is not None:
            return known
    return FatalError(f"SQLite refused a statement ({error_name})", "Report this as a bug")


def _postgres_failure(error: sa.exc.DBAPIError, sqlstate: str | None) -> PipelineError:
    if sqlstate is None:
        if isinstance(error, (sa.exc.OperationalError, sa.exc.InterfaceError)):
            remedy = "Check that the server is up and that storage.database_url names it, then try again"
            return RetryableError("the connection to PostgreSQL failed", remedy)
        return FatalError(f"PostgreSQL refused a statement ({type(error).__name__})", "Report this as a bug")
    if sqlstate[:2] in _POSTGRES_RETRYABLE:
        return RetryableError(f"PostgreSQL says {sqlstate}", _POSTGRES_RETRYABLE[sqlstate[:2]])
    remedy = _POSTGRES_FATAL.get(sqlstate[:2], "Report this as a bug")
    return FatalError(f"PostgreSQL says {sqlstate}", remedy)


def _quotes_rows(error: sa.exc.DBAPIError) -> bool:
    return isinstance(error, (sa.exc.IntegrityError, sa.exc.DataError))
