"""The same storage code on a real PostgreSQL, which the test starts for itself: skipped where none is installed."""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from asr.errors import FatalError, SkippableError
from asr.types import CallMetadata, Channel, Direction, Provenance, Recording, Region, RegionKind
from compliance.retention import held_by
from compliance.types import Hold, RedactedTranscript, RedactedTurn, RedactedWord, Redaction, Scope
from llm.types import Finding, Summary
from storage.audit_log import Prune
from storage.call_metadata import changed_fields
from storage.columns import Base
from storage.errors import NoTranscriptError, QueryError
from storage.figures import load_figures, load_recent, rechecks_with_faults
from storage.ledger import ASKED_FOR, Ledger
from storage.quality import MeasuredCall, load_history
from storage.query import read_only
from storage.repository import Repository
from storage.search import Where, search
from storage.search_query import parse
from storage.session import alembic_config, migrate, open_database, reading, scrub, writing
from storage.types import AudioFacts, CallQuality, Failure, Outcome, Publication, RecordingState
from storage.views import VIEWS, days, rows_of
from tests import left_behind
from tests.measured_calls import store_measured
from tests.migrating import fill_every_table, step_down_and_up
from tests.searches import CALLS, FOUND, MONDAY, fill, found
from tests.sql_examples import EXAMPLES

pytestmark = pytest.mark.skipif(shutil.which("initdb") is None, reason="PostgreSQL is not installed")


@pytest.fixture
def engine(postgres_url: str) -> Iterator[sa.Engine]:
    engine = open_database(postgres_url)
    with writing(engine) as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    migrate(engine)
    yield engine
    engine.dispose()


def call(name: str = "call.wav", n_turns: int = 3) -> Publication:
    words = (
        RedactedWord("na\N{LATIN SMALL LETTER I WITH DIAERESIS}ve", 0.1, 0.30000000000000004, 1 / 3),
        RedactedWord("[PERSON]", 0.4, 0.5, 0.0, "PERSON"),
    )
    transcript = RedactedTranscript(
        audio=name,
        duration_s=12.5,
        channels=(Channel.AGENT, Channel.CUSTOMER),
        turns=tuple(RedactedTurn("agent", Channel.AGENT, words) for _ in range(n_turns)),
        regions=(Region(0.0, 1.5, Channel.CUSTOMER, RegionKind.MUSIC),),
        redactions=tuple(Redaction("PERSON", Channel.AGENT, i, 1, 2, 0.4, 0.5) for i in range(n_turns)),
        policy="pii",
        provenance=Provenance("m", "ab" * 32, "scripted", "int8", "f" * 16, "0.1.0"),
    )
    recording = Recording(hashlib.sha256(name.encode()).hexdigest(), Path("/calls") / name, 2**40)
    audio = AudioFacts(12.5, "WAV", "PCM_16", 8_000)
    summary = Summary("extractive", Finding("x", (0,)), None, (Finding("y", (0, 1)),), ("billing",))
    return Publication(recording, audio, transcript, summary, {"json": "ab/ab.json"}, {"decode": 0.1})


def test_upgrade_gives_the_tables_and_downgrade_removes_them(engine: sa.Engine) -> None:
    # The column that is searched is made of another one, and only here.
    options = {"include_name": lambda name, *_: name not in ("searched", "ix_turns_searched")}
    with reading(engine) as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata) == []
    with writing(engine) as connection:
        command.downgrade(alembic_config(connection), "base")
    with reading(engine) as connection:
        assert sa.inspect(connection).get_table_names() == ["alembic_version"]


def test_every_step_goes_down_and_up_with_data_inside(engine: sa.Engine) -> None:
    fill_every_table(engine)
    assert step_down_and_up(engine)[-1] == "0001"
    migrate(engine)
    fill_every_table(engine)


def test_searches_find_what_they_find_on_sqlite(engine: sa.Engine) -> None:
    fill(engine)
    assert {query: found(engine, query) for query in FOUND} == FOUND
    assert found(engine, "refund* OR shipping", Where(since=MONDAY + timedelta(days=1))) == {"lost", "card", "calm"}
    assert found(engine, "refund* OR shipping", Where(agent="agent 0", queue="sales")) == {"late"}
    hits = search(engine, parse("refund OR shipping"), Where(), 100)
    assert [hits[0].call, *[hits[0].text[start:end] for start, end in hits[0].highlights]] == [
        *("lost.wav", "shipping", "refund")
    ]
    assert search(engine, parse("refund OR shipping"), Where(), 2) == hits[:2]
    fill(engine)
    with writing(engine) as connection:
        command.downgrade(alembic_config(connection), "0005")
    migrate(engine)
    assert found(engine, "parcel") == {"lost"}
    erase_all(engine, Ledger(engine), datetime.now(UTC))
    assert found(engine, "refund* OR shipping") == set()


def test_views_have_their_columns_and_the_examples_run(engine: sa.Engine) -> None:
    fill(engine)
    with reading(engine) as connection:
        inspector = sa.inspect(connection)
        assert {name: [column["name"] for column in inspector.get_columns(name)] for name in VIEWS} == {
            name: list(columns) for name, columns in VIEWS.items()
        }
    shown = [read_only(engine, example) for example in EXAMPLES]
    assert sum(bool(table.rows) for table in shown) >= len(EXAMPLES) - 2, "no call is bad, and nothing is amiss"
    tuesday = MONDAY + timedelta(days=1)
    assert days(engine, tuesday.date(), tuesday.date()) == [tuesday.date()]
    rows = {view: list(part) for view, part in rows_of(engine, tuesday.date())}
    assert [row.text for row in rows["v_turns"]] == list(CALLS["lost"])
    assert {row.began_at for row in rows["v_words"]} == {tuesday}
    assert [(row.stages_s, row.stages_s_per_audio_hour) for row in rows["v_costs"]] == [(3.0, 540.0)]
    assert [(row.transcribe_cpu_s, row.cpu_s, row.cost) for row in rows["v_costs"]] == [(4.0, 5.0, 0.005)]
    assert [(row.words, row.doubtful_words, row.speech_s) for row in rows["v_quality"]] == [(17, 2, 0.0)]
    assert "v_findings" not in rows


def test_figures_of_the_whole(engine: sa.Engine) -> None:
    fill(engine)
    figures, recent = load_figures(engine), load_recent(engine)
    assert figures.last_published_at is not None
    audio_s = sum(10.0 * len(texts) for texts in CALLS.values())
    assert recent.audio_s == recent.cpu_audio_s == audio_s
    assert recent.cpu_s["transcribe"] == 4.0 * len(CALLS)
    assert recent.cost == pytest.approx(0.005 * len(CALLS))
    last_run = Repository(engine).overview().last_run
    assert last_run is not None
    assert last_run.cpu_s_per_audio_hour == pytest.approx(3600 * 5.0 * len(CALLS) / audio_s)
    assert rechecks_with_faults(engine) == 0


def test_a_history_of_figures_reads_back(engine: sa.Engine) -> None:
    figures = CallQuality(words=40, estimated_wer=0.2, snr_db=31.0, second_model="m2", second_words=30, second_errors=3)
    day = MONDAY.date()
    calls = [
        MeasuredCall(f"{at:064x}", day + timedelta(days=at), queue, "B", "ULAW", "m", "e", "int8", "f", "1", figures)
        for at, queue in enumerate(("billing", None, "billing"))
    ]
    store_measured(engine, calls)
    assert load_history(engine, day, day + timedelta(days=1), "trunk") == calls[:2]


def test_what_is_published_reads_back(engine: sa.Engine) -> None:
    repository = Repository(engine)
    run = repository.begin_run("f", "1")
    repository.publish(run, call(n_turns=9))
    recording_id = repository.publish(run, call())
    assert repository.transcript(recording_id) == call().transcript
    assert repository.summary(recording_id) == call().summary
    assert repository.quarantine(run, call("b").recording, Failure("x", "y")) is RecordingState.QUARANTINED
    overview = repository.overview()
    assert [total.recordings for total in overview.totals] == [0, 1, 1, 0, 0]
    assert (overview.calls[1].words, overview.calls[1].redactions) == (6, 3)
    assert repository.find("call").sha256 == call().recording.sha256
    assert repository.verify_audit() is None


def test_what_is_told_of_a_call_reads_back_and_is_found(engine: sa.Engine) -> None:
    repository = Repository(engine)
    recording_id = repository.publish(repository.begin_run("f", "1"), call())
    told = CallMetadata(
        call_id="A-1",
        started_at=datetime.fromisoformat("2026-09-24T10:11:12+02:00"),
        queue="billing",
        direction=Direction.INBOUND,
        channel_map=(Channel.AGENT, None),
        consent=False,
        pauses=((1.5, 2.0),),
        other={"tier": "gold", "odd": "a\0b", "n": [1.5, None]},
        sources={"queue": "pattern"},
    )
    repository.annotate(recording_id, told, {"json": "cd/cd.json"})
    assert repository.metadata(recording_id) == told
    assert changed_fields(repository.metadata(recording_id), told) == ()
    assert repository.documents(recording_id) == {"json": "cd/cd.json"}
    only = {"queue": "billing", "consent": "false", "direction": "inbound", "state": "published"}
    found = repository.overview(only=only)
    assert [(row.call_id, row.started_at, row.direction) for row in found.calls] == [
        ("A-1", told.started_at, Direction.INBOUND)
    ]
    assert [total.recordings for total in found.totals] == [0, 1, 0, 0, 0]
    repository.register(call("b").recording)
    repository.skip(repository.recording_id(call("b").recording.sha256))
    (skipped,) = repository.overview(only={"state": "skipped"}).calls
    assert "no consent" in (skipped.reason or "")
    with writing(engine) as connection:
        command.downgrade(alembic_config(connection), "0001")
    assert read_only(engine, "SELECT state FROM v_calls ORDER BY 1").rows == (("published",), ("received",))
    migrate(engine)
    assert repository.metadata(recording_id) is None


def test_many_writers_at_once(engine: sa.Engine) -> None:
    repository = Repository(engine)
    run = repository.begin_run("f", "1")

    def publish() -> None:
        for index in range(10):
            repository.publish(run, call(f"{index % 3}.wav"))

    threads = [threading.Thread(target=publish) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    last = repository.overview().last_run
    assert last is not None
    assert last.published == 40
    assert repository.verify_audit() is None
    assert repository.audit_head().id == 41


def test_the_audit_trail_is_append_only(engine: sa.Engine) -> None:
    Repository(engine).begin_run("f", "1")
    for sql in ("UPDATE audit_events SET actor = ''", "DELETE FROM audit_events", "TRUNCATE audit_events"):
        with pytest.raises(FatalError), writing(engine) as connection:
            connection.exec_driver_sql(sql)


def test_a_query_reads_only(engine: sa.Engine) -> None:
    repository = Repository(engine)
    repository.publish(repository.begin_run("f", "1"), call())
    table = read_only(engine, "SELECT call, words FROM v_calls WHERE call LIKE '%wav'")
    assert (table.columns, table.rows) == (("call", "words"), (("call.wav", 6),))
    assert read_only(engine, "SELECT * FROM words", max_rows=2).truncated
    for sql in (
        "DELETE FROM words",
        "SELECT 1; SELECT 2",
        "COMMIT; DELETE FROM words",
        "WITH x AS (DELETE FROM words RETURNING *) SELECT * FROM x",
        "SELECT set_config('transaction_read_only', 'off', true)",
        "SELECT nextval('models_id_seq')",
        "",
    ):
        with pytest.raises(QueryError):
            read_only(engine, sql)
    with pytest.raises(QueryError, match=r"line 2, column 6"):
        read_only(engine, "SELECT text\nFORM words x")
    with pytest.raises(QueryError, match="took longer"):
        read_only(engine, "SELECT pg_sleep(5)", timeout_s=0.2)
    assert read_only(engine, "SELECT count(*) FROM words").rows == ((6,),)


def test_a_row_that_is_refused_is_not_quoted(engine: sa.Engine) -> None:
    insert = sa.text("INSERT INTO models (id, name) VALUES (1, :name)")
    with pytest.raises(FatalError) as caught, writing(engine) as connection:
        connection.execute(insert, {"name": "my secret"})
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


def erase_all(engine: sa.Engine, ledger: Ledger, now: datetime) -> None:
    """What a sweep does with the database, for everything that no hold covers."""
    for stock in ledger.stock():
        kinds = dict.fromkeys(stock.kinds, "rule")
        if ledger.intend(stock.recording_id, kinds, lambda facts, holds: held_by(facts, holds, now)):
            for place in ledger.places(stock.recording_id):
                ledger.mark_place(stock.recording_id, place, None)
            for intention in ledger.intentions(stock.recording_id):
                ledger.close(intention, Outcome(done=True, count=0), in_vault=False)
    scrub(engine)


@pytest.mark.parametrize("scene", left_behind.SCENES, ids=lambda scene: scene.__name__)
def test_what_was_left_behind(scene: Callable[..., None], engine: sa.Engine) -> None:
    scene(left_behind.Scene(engine), call())


def test_erasing_and_holding(engine: sa.Engine) -> None:
    repository, ledger = Repository(engine), Ledger(engine)
    run = repository.begin_run("f", "1")
    for name in ("a.wav", "b.wav"):
        repository.publish(run, replace(call(name), certificate=f"ab/{name}.certificate"))
    held = call("a.wav").recording.sha256
    now = datetime.now(UTC)
    number = ledger.place_hold(Hold(0, Scope.CALL, held, "me", "case", now))
    erase_all(engine, ledger, now)
    assert repository.transcript(repository.find(held).id) == call("a.wav").transcript
    gone = repository.find(call("b.wav").recording.sha256)
    assert gone.state is RecordingState.ERASED
    with pytest.raises(SkippableError):
        repository.publish(run, call("b.wav"))
    with pytest.raises(NoTranscriptError):
        repository.transcript(gone.id)
    assert ledger.certificates(gone.id) == ["ab/b.wav.certificate"]
    request = ledger.begin_request(Scope.CALL, held, "asked", [repository.find(held).id])
    assert {kind for _, kind, _ in ledger.outcomes(request)} == set(ASKED_FOR)
    ledger.release_hold(number, "over")
    assert ledger.events_of([held]) > 0
    assert repository.verify_audit() is None


def test_audit_events_that_are_over_may_go_and_no_others(engine: sa.Engine) -> None:
    repository, ledger = Repository(engine), Ledger(engine)
    repository.begin_run("f", "1")
    for number in range(5):
        ledger.write("test", f"thing {number}", {"n": number})
    through = ledger.prunable(lambda _: True, "thing 3".__eq__)
    assert through is not None
    assert ledger.prune(Prune(through, datetime.now(UTC), "statement")) == 4
    assert repository.verify_audit() is None
    assert [prune.statement for prune in ledger.chain()[1]] == ["statement"]
    for sql in ("DELETE FROM audit_events", "UPDATE audit_events SET actor = ''", "TRUNCATE audit_events"):
        with pytest.raises(FatalError), writing(engine) as connection:
            connection.exec_driver_sql(sql)
