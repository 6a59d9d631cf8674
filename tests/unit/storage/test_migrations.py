from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.schema import CreateIndex, CreateTable

from asr.errors import FatalError
from storage.columns import Base
from storage.repository import Repository
from storage.session import MIGRATIONS, alembic_config, migrate, open_database, reading, writing
from storage.tables import V_CALLS
from storage.types import Publication
from tests.migrating import fill_every_table, step_down_and_up

NEWEST = ScriptDirectory(str(MIGRATIONS)).get_current_head()


def test_upgrade_gives_exactly_the_tables(engine: sa.Engine) -> None:
    # FTS5 keeps its index in tables of its own.
    options = {"include_name": lambda name, kind, _: kind != "table" or not str(name).startswith("turn_index")}
    with reading(engine) as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata) == []


def test_upgrade_gives_the_same_statements_as_the_tables(engine: sa.Engine) -> None:
    """Types, defaults, keys, checks and names of constraints: all that compare_metadata does not look at."""

    def told(sql: str) -> list[str]:
        # A column that came later stands at the end of the last line.
        return sorted(part.strip(" ()\t") for part in re.split("[,\n]", sql.replace('"', "")) if part.strip(" ()\t"))

    with reading(engine) as connection:
        made = dict(connection.exec_driver_sql("SELECT name, sql FROM sqlite_schema WHERE sql <> ''").all())
    for table in Base.metadata.sorted_tables:
        assert told(made[table.name]) == told(str(CreateTable(table).compile(engine))), table.name
        for index in table.indexes:
            assert told(made[str(index.name)]) == told(str(CreateIndex(index).compile(engine))), index.name


def test_the_view_has_the_columns_that_are_declared(engine: sa.Engine) -> None:
    with reading(engine) as connection:
        columns = sa.inspect(connection).get_columns("v_calls")
    assert [column["name"] for column in columns] == [column.name for column in V_CALLS.columns]


def test_downgrade_leaves_nothing_and_upgrade_works_again(engine: sa.Engine) -> None:
    with writing(engine) as connection:
        command.downgrade(alembic_config(connection), "base")
    with reading(engine) as connection:
        assert sa.inspect(connection).get_table_names() == ["alembic_version"]
        assert sa.inspect(connection).get_view_names() == []
    migrate(engine)
    with reading(engine) as connection:
        assert "words" in sa.inspect(connection).get_table_names()


def test_every_step_goes_down_and_up_with_data_inside(engine: sa.Engine) -> None:
    fill_every_table(engine)
    assert step_down_and_up(engine)[0] == NEWEST
    migrate(engine)
    fill_every_table(engine)


def test_migrate_is_quick_at_head(engine: sa.Engine) -> None:
    started_s = time.perf_counter()
    migrate(engine)
    assert time.perf_counter() - started_s < 0.5


def test_a_failed_step_leaves_nothing(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/calls.db")
    with writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE audit_events (id INTEGER)")  # the last table of the first step
    with pytest.raises(FatalError):
        migrate(engine)
    with reading(engine) as connection:
        assert sa.inspect(connection).get_table_names() == ["audit_events"]
    engine.dispose()


def test_a_newer_schema_is_refused(engine: sa.Engine) -> None:
    with writing(engine) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(FatalError, match=rf"newest is {NEWEST}.*Update callwright"):
        migrate(engine)


MIGRATE = "import sys; from storage.session import migrate, open_database; migrate(open_database(sys.argv[1]))"


def test_many_processes_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/calls.db"
    workers = [subprocess.Popen([sys.executable, "-c", MIGRATE, url]) for _ in range(4)]
    assert [worker.wait(60) for worker in workers] == [0, 0, 0, 0]
    engine = open_database(url)
    with reading(engine) as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars().all() == [NEWEST]
    engine.dispose()


def test_every_table_compiles_for_postgresql() -> None:
    dialect = sa.make_url("postgresql+psycopg://localhost/x").get_dialect()()
    for table in Base.metadata.sorted_tables:
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=dialect))


def test_summaries_are_kept_when_their_table_is_made_anew(
    engine: sa.Engine, make_call: Callable[..., Publication]
) -> None:
    repository = Repository(engine)
    published = repository.publish(repository.begin_run("f", "1"), make_call())
    before = repository.summary(published)
    with writing(engine) as connection:
        command.downgrade(alembic_config(connection), "0010")
    with reading(engine) as connection:
        assert "follow_up" not in {column["name"] for column in sa.inspect(connection).get_columns("summaries")}
    migrate(engine)
    assert before is not None
    assert repository.summary(published) == before
