from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from asr.errors import FatalError
from storage.errors import QueryError
from storage.search import MAX_RANKED, Where, search
from storage.search_query import parse
from storage.session import alembic_config, migrate, open_database, reading, scrub, writing
from storage.tables import TranscriptRow, TurnRow
from tests.searches import CALLS, FOUND, MONDAY, REFUSED, fill, found


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Engine]:
    engine = open_database(f"sqlite:///{tmp_path_factory.mktemp('search')}/calls.db")
    migrate(engine)
    fill(engine)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("query", FOUND)
def test_a_query_finds_these_calls(query: str, filled: sa.Engine) -> None:
    assert found(filled, query) == FOUND[query]


@pytest.mark.parametrize("query", REFUSED)
def test_a_query_that_cannot_be_read_is_refused_and_not_quoted(query: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(query)
    assert all(part in str(caught.value) for part in REFUSED[query])
    assert "refund" not in caught.value.reason


def test_a_hit_tells_where_and_what(filled: sa.Engine) -> None:
    (hit,) = search(filled, parse('"full refund" OR lost'), Where(), 10)
    assert (hit.call, hit.call_id, hit.agent, hit.queue) == ("lost.wav", "LOST", "agent 1", "claims")
    assert (hit.turn, hit.channel, hit.start_s, hit.began_at) == (0, "agent", 0.0, MONDAY + timedelta(days=1))
    assert [hit.text[start:end] for start, end in hit.highlights] == ["lost", "full refund"]
    assert "refund" not in repr(hit)


def test_a_word_is_highlighted_as_it_is_found(filled: sa.Engine) -> None:
    for query, marked in (("rene", "René"), ("don't", "don't"), ("ref*", "refund"), ("CREDIT_CARD", "CREDIT_CARD")):
        hit = search(filled, parse(query), Where(), 1)[0]
        assert marked in [hit.text[start:end] for start, end in hit.highlights]


def test_narrowed_by_agent_queue_and_time(filled: sa.Engine) -> None:
    query = "refund* OR shipping"
    assert found(filled, query, Where(agent="agent 0")) == {"late"}
    assert found(filled, query, Where(queue="sales")) == {"late", "card"}
    assert found(filled, query, Where(since=MONDAY + timedelta(days=1))) == {"lost", "card", "calm"}
    assert found(filled, query, Where(since=MONDAY + timedelta(days=3), queue="sales")) == set()
    assert found(filled, query, Where(agent="agent 0", queue="claims")) == set()


def test_the_best_come_first_and_no_more_than_asked_for(filled: sa.Engine) -> None:
    hits = search(filled, parse("refund OR shipping"), Where(), 100)
    assert hits[0].call == "lost.wav"  # it holds both
    assert search(filled, parse("refund OR shipping"), Where(), 2) == hits[:2]


def test_the_index_goes_with_what_it_is_of(engine: sa.Engine) -> None:
    fill(engine)
    fill(engine)  # published again: what was there is replaced
    assert len(search(engine, parse("parcel"), Where(), 10)) == 1
    with writing(engine) as connection:
        connection.execute(sa.update(TurnRow).where(TurnRow.text.contains("parcel")).values(text="another parcels"))
    assert found(engine, "parcel") == set()
    assert found(engine, "parcels") == {"lost"}
    with writing(engine) as connection:
        command.downgrade(alembic_config(connection), "0005")
    migrate(engine)
    assert found(engine, "parcels") == {"lost"}
    with writing(engine) as connection:
        connection.exec_driver_sql("INSERT INTO turn_index (turn_index, rank) VALUES ('integrity-check', 0)")
        connection.execute(sa.delete(TranscriptRow))
    assert found(engine, "parcels OR refund OR shipping") == set()
    with reading(engine) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM turn_index").scalar_one() == 0


def test_a_publication_that_fails_leaves_no_word_in_the_index(engine: sa.Engine) -> None:
    fill(engine)
    two = [{"number": 0, "text": "quixotic"}, {"number": 1, "text": None}]  # the second is refused
    change = sa.update(TurnRow).where(TurnRow.turn == sa.bindparam("number")).values(text=sa.bindparam("text"))
    with pytest.raises(FatalError), writing(engine) as connection:
        connection.execute(change, two)
    assert found(engine, "quixotic") == set()
    assert found(engine, "parcel") == {"lost"}


def test_words_of_turns_that_are_gone_are_in_no_file(engine: sa.Engine, tmp_path: Path) -> None:
    def kept() -> bytes:
        return b"".join(path.read_bytes().lower() for path in tmp_path.rglob("calls.db*"))

    fill(engine)
    scrub(engine)
    # Only the index has words in lower case that stand in capitals in the text.
    with writing(engine) as connection:
        connection.execute(sa.update(TurnRow).where(TurnRow.text.contains("parcel")).values(text="ZANZIBARIC parcel"))
    scrub(engine)
    path = tmp_path / "data" / "calls.db"
    assert b"zanzibaric" in path.read_bytes()
    with writing(engine) as connection:
        connection.execute(sa.delete(TurnRow).where(TurnRow.text.contains("ZANZIBARIC")))
    assert b"zanzibaric" in kept(), "FTS5 has only noted that the turn is gone"
    scrub(engine)
    assert b"zanzibaric" not in kept()
    assert found(engine, "station") == {"calm"}


def test_of_many_hits_the_last_are_ranked(engine: sa.Engine) -> None:
    fill(engine)
    with writing(engine) as connection:
        first = connection.execute(sa.select(sa.func.min(TurnRow.recording_id))).scalar_one()
        columns = "recording_id, turn, speaker, channel, start_s, end_s, text"
        numbers = f"WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < {MAX_RANKED + 100})"
        rows = f"SELECT {first}, i, 'agent', 'agent', i, i + 1, 'thank you' FROM n"
        connection.exec_driver_sql(f"INSERT INTO turns ({columns}) {numbers} {rows}")
    turns = {hit.turn for hit in search(engine, parse("thank NOT shipping"), Where(), MAX_RANKED + 1_000)}
    assert (len(turns), min(turns)) == (MAX_RANKED, 101)


def test_analysts_may_use_the_index_from_outside(filled: sa.Engine) -> None:
    """Another program, without our functions, reads and deletes."""
    connection = sqlite3.connect(str(filled.url.database))
    sql = "SELECT rowid >> 20 FROM turn_index WHERE turn_index MATCH 'parcel'"
    assert len(connection.execute(sql).fetchall()) == 1
    connection.execute("DELETE FROM turns")
    assert connection.execute(sql).fetchall() == []
    connection.rollback()
    connection.close()
    assert len(CALLS) == 4
