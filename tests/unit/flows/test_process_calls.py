"""Runs through the real flow on a real Prefect server, with an engine that goes wrong in every way."""

from __future__ import annotations

import gc
import json
import re
import shutil
import sqlite3
import sys
import time
import weakref
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from asr.decode import identify
from asr.engines.scripted import ScriptedEngine
from asr.errors import FatalError, RetryableError
from asr.types import Hypothesis, Samples, Word
from asr.vad import SileroVad
from compliance.types import Document
from configs.settings import Settings
from flows.cli import call
from flows.preparation import prepare
from storage.leases import Leases
from storage.objects import FolderStore
from storage.session import open_database

SAID = "please note the code word is marzipan elephant tomorrow"
Load = Callable[[Callable[[Samples], Hypothesis]], ScriptedEngine]


def heard(text: str) -> Hypothesis:
    words = tuple(Word(word, i / 5, i / 5 + 0.15, 0.9) for i, word in enumerate(text.split()))
    return Hypothesis(words, "en", -0.2, 0.0, 1.0, 0.0)


def rows(data_dir: Path, sql: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(data_dir / "callwright.db")
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def run(calls: Path, data_dir: Path, *more: str) -> int:
    return call(["run", str(calls), "--data-dir", str(data_dir), *more])


@pytest.fixture
def sizes(calls: Path, detector: SileroVad) -> dict[str, set[int]]:
    """The lengths of each call's chunks, by which an engine can tell whose chunk it was given."""
    prepared = {path.stem: prepare(identify(path), detector, Settings()) for path in calls.iterdir()}
    found = {name: {len(chunk) for chunk in item.chunks} for name, item in prepared.items()}
    everything = [size for sizes in found.values() for size in sizes]
    assert len(everything) == len(set(everything))
    return found


def test_a_run_publishes_all_and_a_second_finds_nothing_to_do(
    calls: Path, tmp_path: Path, load: Load, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = load(lambda _: heard(SAID))
    assert run(calls, tmp_path, "--json") == 0
    assert engine.batch_sizes == [5]  # chunks of all calls and channels in one batch
    first = json.loads(capsys.readouterr().out)
    assert (first["complete"], first["processed"]) == (True, 3)
    assert first["audio_s"] == pytest.approx(18.0)
    assert rows(tmp_path, "SELECT state, published, quarantined FROM runs") == [("completed", 3, 0)]
    assert run(calls, tmp_path) == 0
    assert "Nothing to do" in capsys.readouterr().out
    assert engine.batch_sizes == [5]
    assert run(calls, tmp_path, "--again") == 0
    assert engine.batch_sizes == [5, 5]
    assert rows(tmp_path, "SELECT count(*), sum(published) FROM runs") == [(2, 6)]
    assert rows(tmp_path, "SELECT attempts FROM recordings") == [(2,)] * 3


def test_the_same_bytes_under_two_names_are_one_call(
    calls: Path, tmp_path: Path, load: Load, capsys: pytest.CaptureFixture[str]
) -> None:
    load(lambda _: heard(SAID))
    folder = tmp_path / "in"
    (folder / "below").mkdir(parents=True)
    for name in ("first.wav", "below/second.wav"):
        shutil.copy(calls / "bank.wav", folder / name)
    assert run(folder, tmp_path / "data", "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert (len(result["calls"]), result["processed"]) == (1, 1)
    assert result["audio_s"] == pytest.approx(6.0)
    counts = "SELECT (SELECT count(*) FROM transcripts), (SELECT count(*) FROM sources)"
    assert rows(tmp_path / "data", counts) == [(1, 2)]


def test_prefect_keeps_no_word_and_no_path(calls: Path, tmp_path: Path, load: Load, prefect_home: Path) -> None:
    load(lambda _: heard(SAID))
    assert run(calls, tmp_path) == 0
    connection = sqlite3.connect(prefect_home / "prefect.db")
    wanted = (
        "SELECT r.name, r.parameters FROM flow_run r JOIN flow f ON f.id = r.flow_id WHERE f.name = 'process-calls'"
    )
    runs = connection.execute(wanted).fetchall()
    theirs = (
        "SELECT DISTINCT t.name, t.tags FROM task_run t JOIN flow_run r ON r.id = t.flow_run_id"
        " JOIN flow f ON f.id = r.flow_id WHERE f.name = 'process-calls'"
    )
    tasks = dict(connection.execute(theirs).fetchall())
    connection.close()
    assert runs
    for name, parameters in runs:
        assert list(json.loads(parameters)) == ["run_id"]
        assert re.fullmatch(r"[0-9]+ calls?, [0-9]+:[0-9]{2}", name)
    assert tasks
    assert tasks.keys() <= {"claim", "prepare", "transcribe", "assemble", "redact", "publish", "group"}
    # A slot is asked for by tag, and that takes as long as a stage of a short call.
    assert {name: json.loads(tags) for name, tags in tasks.items() if tags != "[]"} == {"transcribe": ["cpu-asr"]}
    for file in filter(Path.is_file, prefect_home.rglob("*")):
        for secret in ("marzipan", str(calls), "bank.wav"):
            assert secret.encode() not in file.read_bytes(), (file, secret)


def test_a_fault_in_the_engine_quarantines_one_recording(
    calls: Path, tmp_path: Path, load: Load, sizes: dict[str, set[int]], capfd: pytest.CaptureFixture[str]
) -> None:
    def answer(samples: Samples) -> Hypothesis:
        if len(samples) in sizes["clinic"]:
            raise ValueError(SAID)
        return heard(SAID)

    load(answer)
    assert run(calls, tmp_path) == 1
    out, err = capfd.readouterr()
    quarantined = rows(tmp_path, "SELECT call, reason FROM v_calls WHERE state = 'quarantined'")
    assert [name for name, _ in quarantined] == ["clinic.wav"]
    assert "ValueError in test_process_calls.py, line " in quarantined[0][1]
    assert quarantined[0][1] in out
    assert "marzipan" not in out + err + quarantined[0][1]
    assert rows(tmp_path, "SELECT state, published, quarantined FROM runs") == [("completed", 2, 1)]
    load(lambda _: heard(SAID))
    assert run(calls, tmp_path) == 0


def test_a_fault_in_assembling_quarantines_one_recording(
    calls: Path, tmp_path: Path, load: Load, sizes: dict[str, set[int]], capfd: pytest.CaptureFixture[str]
) -> None:
    timeless = Hypothesis((Word("marzipan", cast("float", "elephant"), 1.0, 0.5),), "en", 0.0, 0.0, 1.0, 0.0)
    load(lambda samples: timeless if len(samples) in sizes["order"] else heard(SAID))
    assert run(calls, tmp_path) == 1
    out, err = capfd.readouterr()
    stages = rows(tmp_path, "SELECT stage, reason FROM recordings WHERE state = 'quarantined'")
    assert [stage for stage, _ in stages] == ["assemble"]
    assert "Error in timebase.py, line " in stages[0][1]
    assert not any(word in out + err + stages[0][1] for word in ("marzipan", "elephant"))


def test_a_retryable_error_in_the_engine_is_tried_again(calls: Path, tmp_path: Path, load: Load) -> None:
    tries = iter([1])

    def answer(_: Samples) -> Hypothesis:
        if next(tries, None):
            raise RetryableError("memory ran out", "Try again")
        return heard(SAID)

    load(answer)
    assert run(calls, tmp_path) == 0
    assert rows(tmp_path, "SELECT state, published, quarantined FROM runs") == [("completed", 3, 0)]


def test_publishing_that_is_tried_again_publishes_nothing_twice(
    calls: Path, tmp_path: Path, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(lambda _: heard(SAID))
    real, puts = FolderStore.put, []

    def put(store: FolderStore, document: Document, day: date) -> str:
        puts.append(document.kind)
        if len(puts) == 4:
            raise RetryableError("the disk is full", "Free some")
        return real(store, document, day)

    monkeypatch.setattr(FolderStore, "put", put)
    assert run(calls, tmp_path) == 0
    assert sorted(puts[-9:]) == sorted(["json", "vtt", "certificate"] * 3)
    assert len(puts) > 9
    # What is kept is named before, whatever comes between.
    named = "SELECT count(*) FROM audit_events WHERE action = 'recording.keep' AND detail LIKE '%document.json%'"
    assert rows(tmp_path, named) == [(6,)]
    assert rows(tmp_path, "SELECT state, published, quarantined FROM runs") == [("completed", 3, 0)]
    assert rows(tmp_path, "SELECT count(*) FROM audit_events WHERE action = 'recording.publish'") == [(3,)]


def test_one_that_another_took_over_is_left_to_it_and_the_others_of_its_group_are_published(
    calls: Path, tmp_path: Path, load: Load, sizes: dict[str, set[int]]
) -> None:
    clinic = identify(calls / "clinic.wav")

    def answer(samples: Samples) -> Hypothesis:
        if len(samples) in sizes["clinic"]:
            tomorrow = datetime.now(UTC) + timedelta(days=1)
            other = Leases(open_database(f"sqlite:///{tmp_path}/callwright.db"), "other", 60.0, lambda: tomorrow)
            other.claim(None, [clinic], 3, again=False)
        return heard(SAID)

    load(answer)
    run(calls, tmp_path)
    states = rows(tmp_path, "SELECT call, state FROM v_calls ORDER BY call")
    assert states == [("bank.wav", "published"), ("clinic.wav", "received"), ("order.wav", "published")]
    events = "SELECT action, count(*) FROM audit_events WHERE action LIKE 'recording.%' GROUP BY action"
    assert dict(rows(tmp_path, events)) == {"recording.keep": 3, "recording.lost": 1, "recording.publish": 2}


def test_a_fatal_error_stops_the_run_and_the_next_completes_it(
    calls: Path, tmp_path: Path, load: Load, capfd: pytest.CaptureFixture[str]
) -> None:
    # The longest call comes first, and has two chunks.
    tries = iter([heard(SAID), heard(SAID), ValueError(SAID), FatalError("the runtime failed", "Mend it")])

    def answer(_: Samples) -> Hypothesis:
        outcome = next(tries)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    load(answer)
    assert run(calls, tmp_path, "--set", "batch.group_recordings=1") == 3
    out, err = capfd.readouterr()
    assert "Error: the runtime failed. Mend it" in err
    assert "marzipan" not in out + err
    assert rows(tmp_path, "SELECT state, published, quarantined FROM runs") == [("failed", 1, 0)]
    load(lambda _: heard(SAID))
    assert run(calls, tmp_path) == 0
    assert rows(tmp_path, "SELECT state, published FROM runs") == [("failed", 1), ("completed", 2)]


OTHER_CHUNKS = 1
"""Chunks of its own call that may be in memory beside one: these calls have two at most."""


def test_one_group_is_in_memory_at_a_time(calls: Path, tmp_path: Path, load: Load) -> None:
    seen: list[weakref.ref[Samples]] = []
    alive: list[int] = []

    def answer(samples: Samples) -> Hypothesis:
        # Prefect's threads may hold on to a finished task for a moment.
        deadline_s = time.monotonic() + 10
        while True:
            gc.collect()
            held = sum(one() is not None for one in seen)
            if held <= OTHER_CHUNKS or time.monotonic() > deadline_s:
                break
            time.sleep(0.05)
        alive.append(held)
        seen.append(weakref.ref(samples))
        return heard(SAID)

    load(answer)
    assert run(calls, tmp_path, "--set", "batch.group_recordings=1") == 0
    assert len(alive) == 5
    assert max(alive) <= OTHER_CHUNKS


def test_a_fault_outside_all_stages_is_told_without_its_message(
    calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise ValueError(SAID)

    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    monkeypatch.setattr("flows.work.load_models", broken)
    assert run(calls, tmp_path) == 3
    err = capsys.readouterr().err
    assert err.startswith("Error: a fault in callwright: ValueError in test_process_calls.py, line ")
    assert "marzipan" not in err


def test_prefect_is_not_imported_before_there_is_something_to_do(tmp_path: Path) -> None:
    import subprocess

    code = "import sys; from flows.cli import call; call(sys.argv[1:]); print('prefect' in sys.modules)"
    arguments = ["run", str(tmp_path), "--data-dir", str(tmp_path / "var")]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"


def test_a_published_call_that_fails_again_keeps_its_transcript_and_is_told(
    calls: Path, tmp_path: Path, load: Load, sizes: dict[str, set[int]], capfd: pytest.CaptureFixture[str]
) -> None:
    load(lambda _: heard(SAID))
    assert run(calls, tmp_path) == 0

    def answer(samples: Samples) -> Hypothesis:
        if len(samples) in sizes["clinic"]:
            raise ValueError(SAID)
        return heard(SAID)

    load(answer)
    assert run(calls, tmp_path, "--again") == 1
    assert "clinic.wav failed and keeps the transcript that it had" in capfd.readouterr().out
    assert rows(tmp_path, "SELECT count(*) FROM v_calls WHERE state = 'published'") == [(3,)]


def test_a_run_that_was_killed_is_not_running_for_ever(calls: Path, tmp_path: Path, load: Load) -> None:
    load(lambda _: heard(SAID))
    assert run(calls, tmp_path) == 0
    with sqlite3.connect(tmp_path / "callwright.db") as connection:
        connection.execute("UPDATE runs SET state = 'running', finished_at = NULL, wall_s = NULL")
        connection.execute("UPDATE workers SET alive_until = '2026-01-01 00:00:00.000000'")
    connection.close()
    assert run(calls, tmp_path) == 0
    assert rows(tmp_path, "SELECT state FROM runs") == [("interrupted",)]


def test_showing_a_call_that_is_not_published_says_why(
    calls: Path, tmp_path: Path, load: Load, sizes: dict[str, set[int]], capfd: pytest.CaptureFixture[str]
) -> None:
    def answer(samples: Samples) -> Hypothesis:
        if len(samples) in sizes["clinic"]:
            raise ValueError(SAID)
        return heard(SAID)

    load(answer)
    assert run(calls, tmp_path) == 1
    assert call(["show", "clinic", "--data-dir", str(tmp_path)]) == 2
    assert "clinic.wav is quarantined: clinic.wav met a fault" in capfd.readouterr().err
