from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from asr.types import Recording
from storage.figures import Waiting, load_figures, load_recent, rechecks_with_faults
from storage.ledger import Ledger
from storage.repository import Repository
from storage.types import Failure, RecordingState
from tests.unit.storage.conftest import MakeCall

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_an_empty_database_has_figures(engine: sa.Engine) -> None:
    figures = load_figures(engine)
    assert {total.state for total in figures.totals} == set(RecordingState)
    assert figures.recordings == figures.arrivals == figures.erasures == Waiting(0, None)
    assert (figures.last_event, figures.last_published_at, figures.quarantined) == (0, None, {})
    recent = load_recent(engine)
    assert (recent.confidence, recent.cost, recent.cpu_audio_s) == (None, None, 0.0)


def test_what_waits_what_failed_and_when(engine: sa.Engine, repository: Repository, make_call: MakeCall) -> None:
    waiting = Recording("a" * 64, Path("/calls/a.wav"), 1)
    repository.register(waiting)
    run_id = repository.begin_run("f", "1")
    repository.publish(run_id, make_call())
    for name, stage in (("b", "prepare"), ("c", "prepare"), ("d", "prove")):
        repository.quarantine(run_id, Recording(name * 64, Path(f"/calls/{name}.wav"), 1), Failure(stage, "why"))
    figures = load_figures(engine)
    counts = {total.state: total.recordings for total in figures.totals}
    assert counts[RecordingState.RECEIVED] == counts[RecordingState.PUBLISHED] == 1
    assert figures.quarantined == {"prepare": 2, "prove": 1}
    assert figures.recordings == Waiting(1, START)
    assert figures.last_published_at is not None
    assert figures.last_seen_at is not None
    assert START < figures.last_published_at < figures.last_seen_at
    assert figures.last_event > 0


def test_quality_and_cost_are_pooled_over_calls(engine: sa.Engine, repository: Repository, make_call: MakeCall) -> None:
    run_id = repository.begin_run("f", "1")
    first, second, third = (make_call(f"{n}.wav", n_turns=n, n_words=3) for n in (2, 4, 6))
    repository.publish(run_id, replace(first, cpu_s={"prepare": 1.0, "transcribe": 3.0}, cost=0.5))
    repository.publish(run_id, replace(second, cpu_s={"prepare": 1.0, "transcribe": 5.0}))
    repository.publish(run_id, third)  # of an older version, which knew no CPU time
    recent = load_recent(engine)
    assert (recent.audio_s, recent.cpu_audio_s, recent.cost_audio_s, recent.cost) == (12.0, 6.0, 2.0, 0.5)
    assert {name: spent for name, spent in recent.cpu_s.items() if spent} == {"prepare": 2.0, "transcribe": 8.0}
    assert recent.confidence == pytest.approx(0.9)
    assert recent.words == 36
    assert recent.speech_s == pytest.approx(4.5)


def test_a_call_is_faulty_until_it_was_found_sound(engine: sa.Engine) -> None:
    ledger = Ledger(engine, lambda: START)
    for subject, faults in (("a", 2), ("b", 1), ("a", 0)):
        ledger.write("redaction.verify", subject * 64, {"faults": faults})
    assert rechecks_with_faults(engine) == 1


def test_the_view_tells_cpu_time_and_price_by_the_hour(
    engine: sa.Engine, repository: Repository, make_call: MakeCall
) -> None:
    run_id = repository.begin_run("f", "1")
    call = replace(make_call(n_turns=36), cpu_s={"prepare": 1.0, "transcribe": 3.0, "later": 1.0}, cost=0.01)
    repository.publish(run_id, call)
    repository.publish(run_id, make_call("old.wav"))
    with engine.connect() as connection:
        row, old = connection.execute(sa.text("SELECT * FROM v_costs ORDER BY recording_id")).all()
    assert (row.prepare_cpu_s, row.transcribe_cpu_s, row.prove_cpu_s, row.cpu_s) == (1.0, 3.0, None, 5.0)
    assert row.cpu_s_per_audio_hour == pytest.approx(500.0)
    assert row.cost_per_audio_hour == pytest.approx(1.0)
    assert (old.cpu_s, old.cost, old.cost_per_audio_hour) == (None, None, None)
    last_run = repository.overview().last_run
    assert last_run is not None
    assert last_run.cpu_s_per_audio_hour == pytest.approx(500.0)
    assert last_run.cost_per_audio_hour == pytest.approx(1.0)
