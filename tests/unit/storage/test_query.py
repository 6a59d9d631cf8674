from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from asr.errors import FatalError
from storage.errors import QueryError
from storage.query import read_only
from storage.repository import Repository
from storage.session import open_database, reading
from storage.types import Publication


@pytest.fixture
def published(engine: sa.Engine, repository: Repository, make_call: Callable[..., Publication]) -> sa.Engine:
    repository.publish(repository.begin_run("f", "1"), make_call(n_turns=3, n_words=4))
    return engine


def test_columns_and_rows(published: sa.Engine) -> None:
    table = read_only(published, "SELECT speaker, count(*) AS turns FROM turns GROUP BY 1 ORDER BY 1")
    assert table.columns == ("speaker", "turns")
    assert table.rows == (("speaker 0", 2), ("speaker 1", 1))
    assert not table.truncated


def test_the_view_for_analysts(published: sa.Engine) -> None:
    table = read_only(published, "SELECT call, state, length_s, speakers, words, redactions, model FROM v_calls")
    assert table.rows == (("call.wav", "published", 3.0, 2, 12, 3, "m"),)


def test_no_more_rows_than_wanted(published: sa.Engine) -> None:
    assert read_only(published, "SELECT * FROM words", max_rows=12).truncated is False
    table = read_only(published, "SELECT * FROM words", max_rows=5)
    assert (len(table.rows), table.truncated) == (5, True)


def test_no_rows(published: sa.Engine) -> None:
    assert read_only(published, "SELECT 1 AS one WHERE 0;").columns == ("one",)


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM words",
        "UPDATE turns SET text = ''",
        "INSERT INTO models (name, sha256) VALUES ('x', 'x')",
        "DROP TABLE words",
        "CREATE TABLE x (a)",
        "CREATE TEMP TABLE x (a)",
        "ATTACH DATABASE '/tmp/x.db' AS x",
        "PRAGMA query_only = OFF",
        "PRAGMA writable_schema = ON",
        "VACUUM INTO '/tmp/x.db'",
        "BEGIN",
        "COMMIT",
        "SELECT load_extension('x')",
        "DELETE FROM words RETURNING text",
        "WITH x AS (SELECT 1) DELETE FROM words",
    ],
)
def test_what_would_change_anything_is_refused(published: sa.Engine, sql: str) -> None:
    with pytest.raises(QueryError):
        read_only(published, sql)
    with reading(published) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM words").scalar() == 12


@pytest.mark.parametrize("sql", ["PRAGMA user_version", "ATTACH ':memory:' AS x", "BEGIN", "DELETE FROM words"])
def test_the_refusal_says_why(published: sa.Engine, sql: str) -> None:
    with pytest.raises(QueryError, match="does more than read"):
        read_only(published, sql)


@pytest.mark.parametrize("sql", ["SELECT 1; SELECT 2", "SELECT 1; DELETE FROM words", "SELECT ?"])
def test_one_statement_without_placeholders(published: sa.Engine, sql: str) -> None:
    with pytest.raises(QueryError, match="more than one statement, or a placeholder"):
        read_only(published, sql)


@pytest.mark.parametrize("sql", ["", "  ", "-- nothing", ";"])
def test_no_statement(published: sa.Engine, sql: str) -> None:
    with pytest.raises(QueryError, match="no statement"):
        read_only(published, sql)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT text\nFORM words", r'near "words": syntax error \(line 2, column 6\)'),
        ("SELECT nonsense FROM words", r"no such column: nonsense \(line 1, column 8\)"),
        ("SELECT * FROM nowhere", r"no such table: nowhere \(line 1, column 15\)"),
        ("SELECT (", "incomplete input"),
        ("SELECT '\0'", "no text"),
        ("SELECT '\udce9'", "no text"),
    ],
)
def test_a_wrong_statement_says_where(published: sa.Engine, sql: str, said: str) -> None:
    with pytest.raises(QueryError, match=said):
        read_only(published, sql)


def test_a_statement_that_never_ends(published: sa.Engine) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    started_s = time.monotonic()
    with pytest.raises(QueryError, match=r"longer than 0\.2 s"):
        read_only(published, endless, timeout_s=0.2)
    assert time.monotonic() - started_s < 5.0


def test_a_value_that_fills_the_memory(published: sa.Engine) -> None:
    with pytest.raises(QueryError, match="too big"):
        read_only(published, "SELECT hex(zeroblob(900000000))")


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/calls.db")
    with pytest.raises(FatalError, match="unable to open"):
        read_only(engine, "SELECT 1")
    assert list(tmp_path.iterdir()) == []
