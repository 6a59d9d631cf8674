"""Roles that may read one tenant's calls, or one queue's, try to read across on a real PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from asr.errors import ConfigError, FatalError, PipelineError
from asr.types import CallMetadata
from flows import parquet
from storage.access import ALL, Access, read_as
from storage.columns import Base
from storage.errors import QueryError
from storage.query import read_only
from storage.repository import Repository
from storage.rights import FIGURES, guard
from storage.rights import VIEWS as READABLE
from storage.search import Where, search
from storage.search_query import parse
from storage.session import alembic_config, migrate, open_database, reading, writing
from storage.views import VIEWS, days, rows_of
from tests.searches import CALLS, MONDAY, publication
from tests.sql_examples import EXAMPLES, ROLE

pytestmark = pytest.mark.skipif(shutil.which("initdb") is None, reason="PostgreSQL is not installed")

WHOSE = {"late": ("acme", "sales"), "lost": ("acme", "claims"), "card": ("globex", "sales"), "calm": (None, None)}
"""Tenant and queue of each call."""

SEES = {
    ("acme", ALL): {"late", "lost"},
    ("acme", "claims"): {"lost"},
    (ALL, "sales"): {"late", "card"},
    (ALL, ALL): {"late", "lost", "card", "calm"},
    ("globex", "claims"): set(),
}
"""Which calls each grant shows; the one of which nothing is told is seen by those alone who see all."""

Analyst = Callable[..., sa.Engine]


@pytest.fixture
def engine(postgres_url: str) -> Iterator[sa.Engine]:
    """A database in which each call is another's."""
    engine = open_database(postgres_url)
    with writing(engine) as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    migrate(engine)
    repository = Repository(engine)
    run_id = repository.begin_run("f", "1")
    for name, (tenant, queue) in WHOSE.items():
        recording_id = repository.publish(run_id, publication(name, CALLS[name]))
        if tenant:
            told = CallMetadata(call_id=name, queue=queue, tenant=tenant, started_at=MONDAY, other={"caller": name})
            repository.annotate(recording_id, told, {})
    yield engine
    engine.dispose()


@pytest.fixture
def analyst(engine: sa.Engine, postgres_url: str) -> Iterator[Analyst]:
    """A role as docs/sql.md makes it, with grants, and a connection of its own."""
    with writing(engine) as connection:
        for statement in ROLE.replace("acme_analyst", "callwright_analyst").split(";\n"):
            connection.exec_driver_sql(statement)
    own = open_database(postgres_url.replace("postgres@", "callwright_analyst@"))

    def granted(*grants: tuple[str, str], text: bool = True) -> sa.Engine:
        for tenant, queue in grants:
            Access(engine).grant("callwright_analyst", tenant, queue, text=text)
        return own

    yield granted
    own.dispose()
    with writing(engine) as connection:
        connection.exec_driver_sql("DROP OWNED BY callwright_analyst")
        connection.exec_driver_sql("DROP ROLE callwright_analyst")


def names(engine: sa.Engine, view: str) -> set[str]:
    """The calls of which a view shows anything."""
    ids = {row[0] for row in read_only(engine, f"SELECT recording_id FROM {view}").rows}
    return {list(WHOSE)[int(str(recording_id)) - 1] for recording_id in ids}


@pytest.mark.parametrize("grant", SEES)
def test_a_role_reads_its_calls_in_every_view_and_table(analyst: Analyst, grant: tuple[str, str]) -> None:
    own = analyst(grant)
    sees = SEES[grant]
    views = ("v_calls", "v_days", "v_turns", "v_words", "v_quality", "v_costs", "v_analyses")
    for view in (*views, "turns", "words", "analyses", "transcripts"):
        assert names(own, view) == sees, view
    assert len(read_only(own, "SELECT id FROM recordings").rows) == len(sees)
    texts = {text for (text,) in read_only(own, "SELECT text FROM turns").rows}
    assert texts == {text for name in sees for text in CALLS[name]}
    assert {row[0] for row in read_only(own, "SELECT tenant FROM v_calls").rows} == {WHOSE[name][0] for name in sees}


def test_searches_and_exports_are_the_roles_own(engine: sa.Engine, analyst: Analyst, tmp_path: Path) -> None:
    own = analyst(("acme", "claims"), ("globex", ALL))
    for database in (own, read_as(engine, "callwright_analyst")):
        assert {hit.call for hit in search(database, parse("refund* OR shipping"), Where(), 100)} == {
            "lost.wav",
            "card.wav",
        }
        assert search(database, parse("week"), Where(), 100) == ()
        assert search(database, parse("refund*"), Where(tenant="acme", queue="sales"), 100) == ()
        assert [row[-1] for view, part in rows_of(database, MONDAY.date()) for row in part if view == "v_turns"] == [
            *CALLS["lost"],
            *CALLS["card"],
        ]
        assert days(database, None, None) == [MONDAY.date()]
    exported = parquet.export(read_as(engine, "callwright_analyst"), tmp_path / "lake", None, None)
    assert (exported.rows["v_calls"], exported.rows["v_turns"]) == (2, 4)
    written = b"".join(path.read_bytes() for path in (tmp_path / "lake").rglob("*.parquet"))
    assert (b"late.wav" in written, b"lost.wav" in written) == (False, True)
    with reading(engine) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM turns").scalar() == 2 * len(CALLS), "it was for once"


def test_nothing_else_can_be_read_and_nothing_written(engine: sa.Engine, analyst: Analyst) -> None:
    own = analyst(("acme", ALL))
    for table in {*Base.metadata.tables, "alembic_version"} - set(FIGURES):
        with pytest.raises(QueryError, match="permission denied"):
            read_only(own, f"SELECT 1 FROM {table}")
    for sql in (
        "SELECT other FROM call_metadata",
        "SELECT pauses FROM call_metadata",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT turn_words('x')",
        "SELECT rolpassword FROM pg_authid",
    ):
        with pytest.raises(QueryError, match=r"permission denied|read-only"):
            read_only(own, sql)
    for sql in (
        "SET default_transaction_read_only = off; CREATE TABLE mine (i int)",
        "DELETE FROM v_turns",
        "UPDATE v_turns SET text = ''",
        "SET ROLE postgres",
        "ALTER TABLE turns DISABLE ROW LEVEL SECURITY",
        "INSERT INTO access_grants VALUES ('callwright_analyst', '*', '*', now())",
        "SET row_security = off; SELECT * FROM turns",
    ):
        with pytest.raises(PipelineError), writing(own) as connection:
            connection.exec_driver_sql(sql)
    leak = "CREATE FUNCTION pg_temp.leak(t text) RETURNS bool LANGUAGE plpgsql COST 0.0001 AS "
    with own.connect() as connection:
        connection.exec_driver_sql("SET TRANSACTION READ WRITE")
        connection.exec_driver_sql(f"{leak} $$ BEGIN ASSERT t NOT LIKE '%%card%%', t; RETURN true; END $$")
        assert connection.exec_driver_sql("SELECT count(*) FROM turns WHERE pg_temp.leak(text)").scalar() == 4


def test_a_role_without_grants_sees_nothing_and_one_for_figures_no_word(engine: sa.Engine, analyst: Analyst) -> None:
    own = analyst(("acme", ALL), text=False)
    assert {row[0] for row in read_only(own, "SELECT words FROM v_quality").rows} == {17}
    assert len(read_only(own, "SELECT name, value FROM v_analyses").rows) == 4
    for sql in (
        "SELECT answer FROM analyses",
        "SELECT name FROM v_answers",
        "SELECT * FROM v_turns",
        "SELECT text FROM v_words",
        "SELECT text FROM turns",
        "SELECT * FROM words",
    ):
        with pytest.raises(QueryError, match="permission denied"):
            read_only(own, sql)
    access = Access(engine)
    assert [(grant.tenant, grant.queue, grant.text) for grant in access.grants()] == [("acme", ALL, False)]
    access.grant("callwright_analyst", "globex", ALL, text=True)
    assert names(own, "v_turns") == {"late", "lost", "card"}
    assert access.revoke("callwright_analyst", "globex", None) == 1
    assert names(own, "v_turns") == {"late", "lost"}
    assert access.revoke("callwright_analyst", None, None) == 1
    with pytest.raises(QueryError, match=r"permission denied|does not exist"):
        read_only(own, "SELECT * FROM v_calls")
    with writing(engine) as connection:  # rights without grants, as somebody may give them by hand
        connection.exec_driver_sql("GRANT USAGE ON SCHEMA public TO callwright_analyst")
        connection.exec_driver_sql("GRANT SELECT ON ALL TABLES IN SCHEMA public TO callwright_analyst")
    for table in {*Base.metadata.tables, *VIEWS} - {"models"}:
        assert read_only(own, f"SELECT * FROM {table}").rows == (), table


def test_a_member_of_a_role_reads_what_the_role_may(engine: sa.Engine, analyst: Analyst, postgres_url: str) -> None:
    analyst(("acme", "claims"))
    with writing(engine) as connection:
        connection.exec_driver_sql("CREATE ROLE kim LOGIN IN ROLE callwright_analyst")
    kim = open_database(postgres_url.replace("postgres@", "kim@"))
    try:
        assert names(kim, "v_turns") == {"lost"}
        Access(engine).grant("kim", "globex", ALL, text=True)
        assert names(kim, "v_turns") == {"lost", "card"}
    finally:
        kim.dispose()
        with writing(engine) as connection:
            connection.exec_driver_sql("DROP OWNED BY kim")
            connection.exec_driver_sql("DROP ROLE kim")


def test_grants_outlast_an_upgrade_and_every_table_is_guarded(engine: sa.Engine, analyst: Analyst) -> None:
    own = analyst((ALL, ALL))
    with writing(engine) as connection:
        connection.exec_driver_sql("DROP VIEW v_turns")
        connection.exec_driver_sql("CREATE TABLE newer (recording_id int, text text)")
        connection.exec_driver_sql("CREATE VIEW v_turns AS SELECT * FROM turns")
    with pytest.raises(QueryError, match="permission denied"):
        read_only(own, "SELECT * FROM v_turns")
    with writing(engine) as connection:
        guard(connection)
    assert len(read_only(own, "SELECT * FROM v_turns").rows) == 2 * len(CALLS)
    guarded = "SELECT relname FROM pg_class WHERE relrowsecurity AND relnamespace = 'public'::regnamespace"
    invoking = "SELECT relname FROM pg_class WHERE reloptions::text LIKE '%%security_invoker%%'"
    with reading(engine) as connection:
        assert set(connection.exec_driver_sql(guarded).scalars()) == {*Base.metadata.tables, "newer"}
        assert set(connection.exec_driver_sql(invoking).scalars()) == set(VIEWS) == set(READABLE)


def test_the_examples_run_for_a_role(analyst: Analyst) -> None:
    own = analyst(("acme", ALL))
    for example in EXAMPLES:
        assert read_only(own, example).columns


def test_what_cannot_be_held_back_is_refused(engine: sa.Engine) -> None:
    access = Access(engine)
    with pytest.raises(ConfigError, match="no role 'nobody'"):
        access.grant("nobody", ALL, ALL, text=True)
    with pytest.raises(ConfigError, match="superuser"):
        access.grant("postgres", "acme", ALL, text=True)
    with pytest.raises(ConfigError, match="superuser"):
        read_as(engine, "postgres")
    assert access.grants() == []


def test_a_server_that_is_too_old_is_refused(engine: sa.Engine) -> None:
    with writing(engine) as connection:
        command.stamp(alembic_config(connection), "0001")
    engine.dialect.server_version_info = (14, 9)
    with pytest.raises(FatalError, match="callwright needs PostgreSQL"):
        migrate(engine)
