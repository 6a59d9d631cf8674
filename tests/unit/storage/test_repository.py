from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from asr.errors import FatalError, SkippableError
from llm.types import Summary
from storage.columns import Base
from storage.errors import NoTranscriptError, UnknownRecordingError
from storage.repository import Repository
from storage.session import reading, writing
from storage.types import AudioFacts, Failure, Publication, RecordingState, RunState

MakeCall = Callable[..., Publication]
CHILDREN = ("turns", "words", "redactions", "regions", "findings", "channels", "summaries", "documents", "transcripts")
FAILURE = Failure("decode", "the file is empty", "Record it again")


def count(engine: sa.Engine, table: str) -> int:
    with reading(engine) as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(sa.table(table))).scalar_one())


def actions(engine: sa.Engine) -> list[str]:
    with reading(engine) as connection:
        return list(connection.exec_driver_sql("SELECT action FROM audit_events ORDER BY id").scalars())


def test_registering_again_changes_nothing(engine: sa.Engine, repository: Repository, make_call: MakeCall) -> None:
    recording = make_call().recording
    assert [repository.register(recording) for _ in range(3)] == [RecordingState.RECEIVED] * 3
    assert (count(engine, "recordings"), count(engine, "sources")) == (1, 1)


def test_the_same_bytes_in_two_places_are_one_recording(
    engine: sa.Engine, repository: Repository, make_call: MakeCall
) -> None:
    recording = make_call().recording
    repository.register(recording)
    repository.register(dataclasses.replace(recording, path=Path("/copies/again.wav")))
    assert (count(engine, "recordings"), count(engine, "sources")) == (1, 2)
    assert repository.find("again").name == "call.wav"


def test_a_name_that_is_not_utf8(repository: Repository, make_call: MakeCall) -> None:
    recording = dataclasses.replace(make_call().recording, path=Path(os.fsdecode(b"/calls/caf\xe9.wav")))
    repository.register(recording)
    assert repository.find(recording.sha256).name == "caf\N{REPLACEMENT CHARACTER}.wav"


def test_text_that_is_not_unicode_skips_the_recording(repository: Repository, make_call: MakeCall) -> None:
    call = make_call()
    call = dataclasses.replace(call, transcript=dataclasses.replace(call.transcript, audio="\udce9.wav"))
    with pytest.raises(SkippableError, match="Unicode"):
        repository.publish(repository.begin_run("f", "1"), call)
    assert repository.states([call.recording.sha256]) == {}


def test_states_of_many_hashes(repository: Repository, make_call: MakeCall) -> None:
    calls = [make_call(f"{index}.wav") for index in range(3)]
    run = repository.begin_run("f", "1")
    repository.register(calls[0].recording)
    repository.publish(run, calls[1])
    repository.quarantine(run, calls[2].recording, FAILURE)
    unknown = [f"{index:064x}" for index in range(1_200)]
    assert repository.states([*unknown, *(call.recording.sha256 for call in calls)]) == {
        calls[0].recording.sha256: RecordingState.RECEIVED,
        calls[1].recording.sha256: RecordingState.PUBLISHED,
        calls[2].recording.sha256: RecordingState.QUARANTINED,
    }


def test_what_is_published_reads_back(repository: Repository, make_call: MakeCall) -> None:
    call = make_call()
    recording_id = repository.publish(repository.begin_run("f", "1"), call)
    assert repository.transcript(recording_id) == call.transcript
    assert repository.summary(recording_id) == call.summary
    assert repository.documents(recording_id) == {"json": "ab/abc.json"}
    assert repository.register(call.recording) is RecordingState.PUBLISHED


def test_publishing_again_replaces_every_row(engine: sa.Engine, repository: Repository, make_call: MakeCall) -> None:
    run = repository.begin_run("f", "1")
    first = repository.publish(run, make_call(n_turns=9, n_words=7, model="old"))
    second = dataclasses.replace(make_call(n_turns=2, n_words=3, model="new"), summary=None, documents={})
    assert repository.publish(run, second) == first
    assert repository.transcript(first) == second.transcript
    assert repository.summary(first) is None
    assert repository.documents(first) == {}
    counts = {table: count(engine, table) for table in CHILDREN}
    assert counts == {
        "turns": 2,
        "words": 6,
        "redactions": 2,
        "findings": 2,
        "regions": 2,
        "channels": 2,
        "summaries": 0,
        "documents": 0,
        "transcripts": 1,
    }


def test_publishing_twice_gives_the_same_rows(engine: sa.Engine, repository: Repository, make_call: MakeCall) -> None:
    def contents() -> dict[str, list[object]]:
        with reading(engine) as connection:
            tables = (table for table in CHILDREN if table != "transcripts")
            return {
                table: list(map(tuple, connection.execute(sa.select(Base.metadata.tables[table])))) for table in tables
            }

    run = repository.begin_run("f", "1")
    repository.publish(run, make_call())
    before = contents()
    repository.publish(run, make_call())
    assert contents() == before


def test_a_failed_publish_leaves_what_was(engine: sa.Engine, repository: Repository, make_call: MakeCall) -> None:
    run = repository.begin_run("f", "1")
    old = make_call()
    recording_id = repository.publish(run, old)
    new = make_call(n_turns=5)
    last_to_be_written = Summary("\udce9", None, None, (), ())
    with pytest.raises(SkippableError):
        repository.publish(run, dataclasses.replace(new, summary=last_to_be_written))
    assert repository.transcript(recording_id) == old.transcript
    assert repository.overview().last_run.published == 1  # type: ignore[union-attr]
    assert actions(engine) == ["run.begin", "recording.publish"]


def test_many_are_published_as_one_by_one_they_would_be(
    engine: sa.Engine, repository: Repository, make_call: MakeCall
) -> None:
    calls = [make_call(f"{index}.wav") for index in range(3)]
    empty = dataclasses.replace(calls[1].transcript, turns=(), regions=(), redactions=(), findings=(), channels=())
    calls[1] = dataclasses.replace(calls[1], transcript=empty, summary=None, conversation=None, quality=None)
    run = repository.begin_run("f", "1")
    ids = repository.publish_all(run, [(call, None) for call in calls])
    assert [repository.find(f"{index}.wav").id for index in range(3)] == ids
    for recording_id, call in zip(ids, calls, strict=True):
        assert repository.transcript(recording_id) == call.transcript
        assert repository.summary(recording_id) == call.summary
        assert repository.documents(recording_id) == call.documents
    last = repository.overview().last_run
    assert last is not None
    assert (last.published, last.audio_s) == (3, sum(call.audio.duration_s for call in calls))
    assert actions(engine) == ["run.begin", *["recording.publish"] * 3]
    assert repository.verify_audit() is None
    assert repository.publish_all(run, []) == []
    assert repository.audit_head().id == 4


def test_of_many_all_are_published_or_none(engine: sa.Engine, repository: Repository, make_call: MakeCall) -> None:
    good, bad = make_call("good.wav"), make_call("bad.wav")
    bad = dataclasses.replace(bad, transcript=dataclasses.replace(bad.transcript, audio="\udce9.wav"))
    with pytest.raises(SkippableError, match="Unicode"):
        repository.publish_all(repository.begin_run("f", "1"), [(good, None), (bad, None)])
    assert count(engine, "recordings") == count(engine, "transcripts") == 0
    assert actions(engine) == ["run.begin"]


def test_a_transcript_without_turns(repository: Repository, make_call: MakeCall) -> None:
    call = make_call(n_turns=0)
    recording_id = repository.publish(repository.begin_run("f", "1"), call)
    assert repository.transcript(recording_id) == call.transcript
    assert repository.overview().calls[0].words == 0


def test_no_transcript_is_an_error_with_a_remedy(repository: Repository, make_call: MakeCall) -> None:
    repository.register(make_call().recording)
    with pytest.raises(NoTranscriptError, match="callwright status"):
        repository.transcript(repository.find("call").id)


def test_quarantine_keeps_the_reason_until_it_is_published(repository: Repository, make_call: MakeCall) -> None:
    call = make_call()
    run = repository.begin_run("f", "1")
    facts = AudioFacts(2.5, "WAV", "PCM_16", 8_000)
    assert repository.quarantine(run, call.recording, FAILURE, facts) is RecordingState.QUARANTINED
    row = repository.overview().calls[0]
    assert (row.state, row.reason, row.remedy, row.length_s, row.words, row.redactions) == (
        RecordingState.QUARANTINED,
        "the file is empty",
        "Record it again",
        2.5,
        None,
        None,
    )
    repository.publish(run, call)
    row = repository.overview().calls[0]
    assert (row.state, row.reason, row.remedy) == (RecordingState.PUBLISHED, None, None)


def test_a_published_recording_that_fails_later_stays(
    engine: sa.Engine, repository: Repository, make_call: MakeCall
) -> None:
    call = make_call()
    run = repository.begin_run("f", "1")
    recording_id = repository.publish(run, call)
    assert repository.quarantine(run, call.recording, FAILURE) is RecordingState.PUBLISHED
    assert repository.transcript(recording_id) == call.transcript
    assert repository.overview().calls[0].reason is None
    assert repository.overview().last_run.quarantined == 1  # type: ignore[union-attr]
    assert actions(engine)[-1] == "recording.quarantine"


def test_requeue_lets_a_quarantined_recording_be_done_again(
    engine: sa.Engine, repository: Repository, make_call: MakeCall
) -> None:
    recording = make_call().recording
    repository.quarantine(repository.begin_run("f", "1"), recording, FAILURE)
    repository.requeue(recording.sha256)
    assert repository.register(recording) is RecordingState.RECEIVED
    repository.requeue(recording.sha256)
    assert actions(engine).count("recording.requeue") == 1
    with pytest.raises(UnknownRecordingError):
        repository.requeue("0" * 64)


def test_a_run_that_never_ended_was_interrupted(engine: sa.Engine, repository: Repository) -> None:
    runs = [repository.begin_run("f", "1")]
    repository.finish_run(runs[0], RunState.FAILED, 1.5)
    runs += [repository.begin_run("f", "1"), repository.begin_run("f", "1")]
    with reading(engine) as connection:
        states = connection.exec_driver_sql("SELECT id, state FROM runs ORDER BY id").all()
    assert states == [(runs[0], "failed"), (runs[1], "interrupted"), (runs[2], "running")]


def test_a_run_counts_what_it_did(repository: Repository, make_call: MakeCall) -> None:
    run = repository.begin_run("f", "1")
    repository.publish(run, make_call("a.wav", n_turns=3))
    repository.publish(run, make_call("b.wav", n_turns=4))
    repository.quarantine(run, make_call("c.wav").recording, FAILURE)
    repository.finish_run(run, RunState.COMPLETED, 12.5)
    last = repository.overview().last_run
    assert last is not None
    assert (last.state, last.published, last.quarantined, last.audio_s, last.wall_s) == (
        RunState.COMPLETED,
        2,
        1,
        7.0,
        12.5,
    )
    assert last.started_at.tzinfo is UTC
    assert last.finished_at is not None
    assert last.finished_at > last.started_at


def test_a_run_that_was_never_begun(engine: sa.Engine, repository: Repository, make_call: MakeCall) -> None:
    call = make_call()
    for act in (
        lambda: repository.publish(7, call),
        lambda: repository.quarantine(7, call.recording, FAILURE),
        lambda: repository.finish_run(7, RunState.COMPLETED, 0.0),
    ):
        with pytest.raises(FatalError, match=r"no run 7\. Begin a run first"):
            act()
    assert count(engine, "recordings") == 0
    assert count(engine, "audit_events") == 0


def test_overview_of_nothing(repository: Repository) -> None:
    overview = repository.overview()
    assert [(total.state.value, total.recordings, total.audio_s) for total in overview.totals] == [
        ("received", 0, 0.0),
        ("published", 0, 0.0),
        ("quarantined", 0, 0.0),
        ("skipped", 0, 0.0),
        ("erased", 0, 0.0),
    ]
    assert overview.calls == ()
    assert overview.last_run is None


def test_overview_of_some(repository: Repository, make_call: MakeCall) -> None:
    run = repository.begin_run("f", "1")
    repository.register(make_call("waiting.wav").recording)
    repository.publish(run, make_call("done.wav", n_turns=3, n_words=4))
    repository.quarantine(run, make_call("bad.wav").recording, FAILURE)
    overview = repository.overview()
    assert [(total.recordings, total.audio_s) for total in overview.totals] == [
        (1, 0.0),
        (1, 3.0),
        (1, 0.0),
        (0, 0.0),
        (0, 0.0),
    ]
    assert [call.call for call in overview.calls] == ["bad.wav", "done.wav", "waiting.wav"]
    done = overview.calls[1]
    assert (done.length_s, done.speakers, done.words, done.redactions, done.model) == (3.0, 2, 12, 3, "m")
    assert done.published_at is not None
    assert [call.call for call in repository.overview(max_calls=1).calls] == ["bad.wav"]


def test_every_change_is_in_a_sound_audit_trail(engine: sa.Engine, repository: Repository, make_call: MakeCall) -> None:
    run = repository.begin_run("f", "1")
    repository.publish(run, make_call())
    repository.quarantine(run, make_call("b.wav").recording, FAILURE)
    repository.finish_run(run, RunState.COMPLETED, 1.0)
    assert actions(engine) == ["run.begin", "recording.publish", "recording.quarantine", "run.finish"]
    assert repository.verify_audit() is None
    assert repository.audit_head().id == 4


def test_what_was_said_is_not_in_the_audit_trail(
    engine: sa.Engine, repository: Repository, make_call: MakeCall
) -> None:
    repository.publish(repository.begin_run("f", "1"), make_call())
    with reading(engine) as connection:
        rows = connection.exec_driver_sql("SELECT * FROM audit_events").all()
    assert "w0" not in str(rows)


def test_a_clock_without_a_zone_is_refused(engine: sa.Engine, make_call: MakeCall) -> None:
    naive = Repository(engine, lambda: datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(FatalError):
        naive.register(make_call().recording)


def test_removing_a_recording_takes_all_of_it_along(
    engine: sa.Engine, repository: Repository, make_call: MakeCall
) -> None:
    repository.publish(repository.begin_run("f", "1"), make_call())
    with writing(engine) as connection:
        connection.exec_driver_sql("DELETE FROM recordings")
    assert {table: count(engine, table) for table in (*CHILDREN, "sources")} == dict.fromkeys((*CHILDREN, "sources"), 0)
