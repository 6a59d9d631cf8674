from __future__ import annotations

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from asr.errors import ConfigError, FatalError, RetryableError
from storage import session
from storage.session import migrate, open_database, reading, writing


def run(engine: sa.Engine, *statements: str) -> None:
    with writing(engine) as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_sqlite_is_set_up_on_every_connection(engine: sa.Engine) -> None:
    def pragma(connection: sa.Connection, name: str) -> object:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar()

    with reading(engine) as first, reading(engine) as second:
        for connection in (first, second):
            assert pragma(connection, "journal_mode") == "wal"
            assert pragma(connection, "foreign_keys") == 1
            assert pragma(connection, "synchronous") == 2
            assert pragma(connection, "busy_timeout") == session.BUSY_TIMEOUT_MS


def test_an_exception_undoes_the_whole_block(engine: sa.Engine) -> None:
    with pytest.raises(FatalError, match="no such table: nowhere"):
        run(engine, "CREATE TABLE t (a)", "INSERT INTO t VALUES (1)", "INSERT INTO nowhere VALUES (1)")
    with reading(engine) as connection:
        assert not sa.inspect(connection).has_table("t")


def test_a_reader_sees_one_snapshot(engine: sa.Engine) -> None:
    with writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE t (a)")
    with reading(engine) as reader:
        assert reader.exec_driver_sql("SELECT count(*) FROM t").scalar() == 0
        with writing(engine) as connection:
            connection.exec_driver_sql("INSERT INTO t VALUES (1)")
        assert reader.exec_driver_sql("SELECT count(*) FROM t").scalar() == 0


def test_writers_wait_for_each_other(engine: sa.Engine) -> None:
    with writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE t (a INTEGER)")
        connection.exec_driver_sql("INSERT INTO t VALUES (0)")

    def add() -> None:
        for _ in range(20):
            with writing(engine) as connection:
                value = connection.exec_driver_sql("SELECT a FROM t").scalar_one()
                connection.exec_driver_sql("UPDATE t SET a = ?", (value + 1,))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with reading(engine) as connection:
        assert connection.exec_driver_sql("SELECT a FROM t").scalar() == 80


def test_a_busy_database_is_retryable(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "BUSY_TIMEOUT_MS", 50)
    impatient = open_database(str(engine.url))
    with writing(engine), pytest.raises(RetryableError, match=r"locked\. Another process is writing"):
        run(impatient, "CREATE TABLE t (a)")
    impatient.dispose()


def test_a_full_disk_is_retryable(engine: sa.Engine) -> None:
    with pytest.raises(RetryableError, match="Free space"):
        run(engine, "PRAGMA max_page_count = 1", "CREATE TABLE big AS SELECT zeroblob(10000000) AS b")


def test_a_file_that_is_not_a_database_is_fatal(tmp_path: Path) -> None:
    (tmp_path / "calls.db").write_bytes(b"not a database, but long enough to be looked at" * 100)
    engine = open_database(f"sqlite:///{tmp_path}/calls.db")
    with pytest.raises(FatalError, match="not a database"):
        migrate(engine)
    engine.dispose()


def test_a_folder_that_cannot_be_made_is_fatal(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FatalError, match=r"storage\.database_url"):
        open_database(f"sqlite:///{tmp_path}/file/calls.db")


def test_missing_tables_name_the_remedy(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/calls.db")
    with pytest.raises(FatalError, match="callwright run"), reading(engine) as connection:
        connection.exec_driver_sql("SELECT * FROM words")
    engine.dispose()


@pytest.mark.parametrize("table", ["models", "nowhere"])
def test_what_was_said_shows_in_no_error(engine: sa.Engine, table: str) -> None:
    insert = sa.text(f"INSERT INTO {table} (id, name, sha256) VALUES (1, :name, 'x')")
    twice = [{"name": "my secret"}, {"name": "my other secret"}]
    with pytest.raises(FatalError) as caught, writing(engine) as connection:
        connection.execute(insert, twice)
    shown, error = [], caught.value
    while error is not None:
        shown.append(f"{error!s} {error!r}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    assert "secret" not in " ".join(shown)


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "sqlite://", "sqlite:///:memory:", "mysql://u:hidden@h/d", "postgresql+asyncpg://h/d"],
)
def test_bad_urls_are_config_errors_without_the_password(url: str) -> None:
    with pytest.raises(ConfigError, match="Use sqlite:///PATH") as caught:
        open_database(url)
    assert "hidden" not in str(caught.value)


def test_postgresql_goes_through_psycopg() -> None:
    engine = open_database("postgresql://user@localhost:1/calls")
    assert engine.dialect.driver == "psycopg"
    with pytest.raises(RetryableError, match="server is up"), reading(engine):
        pytest.fail("nobody listens on port 1")


def test_a_folder_with_odd_characters(tmp_path: Path) -> None:
    engine = open_database(str(sa.URL.create("sqlite", database=str(tmp_path / "50% off #1?" / "calls.db"))))
    migrate(engine)
    assert (tmp_path / "50% off #1?" / "calls.db").exists()
    engine.dispose()
