"""Watching folders through the real flow, with an engine that says what it is told to."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from asr.engines.scripted import ScriptedEngine
from asr.errors import ConfigError, RetryableError
from asr.types import Hypothesis, Samples, Word
from configs.load import load as load_settings
from configs.settings import Settings
from flows.inlets.base import Fetched
from flows.inlets.folder import FolderInlet
from flows.inlets.opening import open_inlet
from flows.meter import Bar
from flows.watch import Cycle, Watcher, watch, watching
from storage.types import Arrival

Load = Callable[[Callable[[Samples], Hypothesis]], ScriptedEngine]


def heard(_: Samples) -> Hypothesis:
    return Hypothesis((Word("hello", 0.0, 0.3, 0.9),), "en", -0.2, 0.0, 1.0, 0.0)


def settings(*overrides: str) -> Settings:
    return load_settings(None, ("ingest.stable_s=0", "guards.enabled=false", *overrides), {}, Path(os.devnull))


class Place:
    """A drop folder, a data folder, and a watcher on them."""

    def __init__(self, root: Path) -> None:
        self.drop, self.data = root / "drop", root / "data"
        self.drop.mkdir()

    def cycles(self, n: int = 1, *overrides: str) -> list[Cycle]:
        stop, chosen = threading.Event(), settings(*overrides)
        inlets = [FolderInlet(self.drop, chosen)]
        with watching(inlets, chosen, self.data, stop, lambda: Bar(quiet=True)) as watcher:
            return [watcher.cycle() for _ in range(n)]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(self.data / "callwright.db")
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()


@pytest.fixture
def place(tmp_path: Path, load: Load) -> Place:
    load(heard)
    return Place(tmp_path)


def test_what_comes_in_is_done_once_wherever_it_lies(place: Place, calls: Path) -> None:
    shutil.copy(calls / "bank.wav", place.drop / "one.wav")
    (place.drop / "below").mkdir()
    shutil.copy(calls / "bank.wav", place.drop / "below" / "two.wav")
    shutil.copy(calls / "order.wav", place.drop / "order.wav.part")
    [first, second] = place.cycles(2)
    assert (first.settled, first.processed, second.idle) == ({"published": 2}, 1, True)
    (place.drop / "order.wav.part").rename(place.drop / "order.wav")
    shutil.copy(calls / "bank.wav", place.drop / "three.wav")
    [third] = place.cycles()
    assert (third.settled, third.processed) == ({"published": 2}, 1)
    assert place.rows("SELECT count(*) FROM transcripts") == [(2,)]
    assert place.rows("SELECT count(*) FROM sources GROUP BY recording_id ORDER BY 1") == [(1,), (3,)]
    assert place.rows("SELECT outcome, after FROM arrivals") == [("published", "left")] * 4
    assert place.rows("SELECT outcome FROM tries") == [("published",)] * 2
    assert list((place.data / "workers").iterdir()) == []


def test_a_broken_recording_is_set_aside_and_its_copy_not_tried(place: Place) -> None:
    (place.drop / "a.wav").write_bytes(b"no sound")
    assert place.cycles()[0].settled == {"quarantined": 1}
    (place.drop / "b.wav").write_bytes(b"no sound")
    [cycle] = place.cycles(1, "ingest.after=delete")
    assert (cycle.settled, cycle.processed) == ({"quarantined": 1}, 0)
    assert (place.drop / "b.wav").exists(), "what is not published is not deleted"


def test_a_sidecar_that_comes_late_is_joined_and_nothing_transcribed_again(place: Place, calls: Path) -> None:
    shutil.copy(calls / "bank.wav", place.drop)
    place.cycles()
    (place.drop / "bank.json").write_text('{"queue": "billing"}')
    [cycle] = place.cycles()
    assert (cycle.settled, cycle.processed) == ({}, 0)
    assert place.rows("SELECT queue FROM v_calls") == [("billing",)]
    assert place.rows("SELECT count(*) FROM tries") == [(1,)]
    (place.drop / "manifest.csv").write_text("file,agent\nbank.wav,kim\n")
    place.cycles()
    assert place.rows("SELECT queue, agent FROM v_calls") == [("billing", "kim")]


def test_consent_that_comes_late_is_waited_for(place: Place, calls: Path) -> None:
    shutil.copy(calls / "bank.wav", place.drop)
    assert place.cycles(1, "ingest.sidecar_wait_s=3600")[0].idle
    (place.drop / "bank.json").write_text('{"consent": false}')
    assert place.cycles(1, "ingest.sidecar_wait_s=3600")[0].settled == {"skipped": 1}
    (place.drop / "bank.json").write_text('{"consent": true}')
    assert place.cycles()[0].processed == 1
    assert place.rows("SELECT state FROM recordings") == [("published",)]


@pytest.mark.parametrize("after", ["move", "delete"])
def test_files_go_where_they_are_to_and_what_is_held_stays(
    place: Place, calls: Path, tmp_path: Path, after: str
) -> None:
    for name in ("bank", "order"):
        shutil.copy(calls / f"{name}.wav", place.drop)
    (place.drop / "bank.json").write_text('{"queue": "billing"}')
    place.cycles()
    from flows.cli import call

    hold = ["hold", "add", "--call", "order", "--why", "case", "--data-dir", str(place.data)]
    assert call(hold) == 0
    with sqlite3.connect(place.data / "callwright.db") as connection:
        connection.execute("UPDATE arrivals SET after = ''")  # as if it had been killed before
    connection.close()
    place.cycles(1, f"ingest.after={after}", f"ingest.move_to={tmp_path / 'moved'}")
    assert [path.name for path in place.drop.iterdir()] == ["order.wav"]
    assert place.rows("SELECT after FROM arrivals ORDER BY uri") == [(f"{after}d",), ("kept",)]
    if after == "move":
        assert sorted(path.suffix for path in (tmp_path / "moved").iterdir()) == [".json", ".wav"]
        [(uri,)] = place.rows("SELECT uri FROM sources WHERE name = 'bank.wav'")
        assert uri.startswith((tmp_path / "moved").as_uri())
    else:
        [(uri,)] = place.rows("SELECT uri FROM sources WHERE name = 'bank.wav'")
        assert uri.startswith("erased:")


def test_a_sidecar_that_finds_a_full_disk_is_moved_later(
    place: Place, calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(calls / "bank.wav", place.drop)
    (place.drop / "bank.json").write_text('{"queue": "billing"}')
    moving = ("ingest.after=move", f"ingest.move_to={tmp_path / 'moved'}")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("flows.after.shutil.move", full)
        assert place.cycles(1, *moving)[0].settled == {"published": 1}
    assert place.rows("SELECT after FROM arrivals") == [("",)]
    place.cycles(1, *moving)
    assert place.rows("SELECT after FROM arrivals") == [("moved",)]
    assert sorted(path.suffix for path in (tmp_path / "moved").iterdir()) == [".json", ".wav"]


def test_what_goes_just_as_it_is_told_anew_ends_no_worker(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    broken, look = place.drop / "a.wav", FolderInlet.look
    broken.write_bytes(b"no sound")
    place.cycles()
    (place.drop / "a.json").write_text('{"queue": "billing"}')

    def gone_after(inlet: FolderInlet) -> list[Arrival]:
        found = look(inlet)
        broken.unlink()
        return found

    monkeypatch.setattr(FolderInlet, "look", gone_after)
    [cycle] = place.cycles()
    assert (cycle.settled, cycle.processed) == ({}, 0)


def test_a_rule_of_retention_keeps_a_file_from_being_deleted(place: Place, calls: Path, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\nkind = ["source_audio"]\nkeep = "1 year"\n')
    shutil.copy(calls / "bank.wav", place.drop)
    place.cycles(1, "ingest.after=delete", f"retention.file={rules}")
    assert (place.drop / "bank.wav").exists()
    assert place.rows("SELECT after FROM arrivals") == [("kept",)]


def test_a_dead_workers_arrivals_are_anothers_at_once(place: Place, calls: Path) -> None:
    shutil.copy(calls / "bank.wav", place.drop)
    place.cycles()
    with sqlite3.connect(place.data / "callwright.db") as connection:
        connection.execute(
            "UPDATE arrivals SET settled_at = NULL, owner = 'me@here/1-dead', expires_at = '2999-01-01 00:00:00.000000'"
        )
    connection.close()
    assert place.cycles()[0].waiting == 1, "nothing is known of a worker elsewhere"
    (place.data / "workers" / "1-dead.lock").touch()
    (place.data / "workers" / "1-dead").mkdir()
    assert place.cycles()[0].settled == {"published": 1}
    assert list((place.data / "workers").iterdir()) == []
    assert place.rows("SELECT count(*) FROM tries") == [(1,)]


def test_what_is_taken_away_before_it_is_read_is_told_of(place: Place, calls: Path) -> None:
    chosen = settings()
    with watching(
        [FolderInlet(place.drop, chosen)], chosen, place.data, threading.Event(), lambda: Bar(quiet=True)
    ) as watcher:
        shutil.copy(calls / "bank.wav", place.drop)
        seen = watcher.inlets[0].look()
        watcher.arrivals.take(seen)
        watcher.arrivals.give_back(seen)
        (place.drop / "bank.wav").unlink()
        assert watcher.cycle().settled == {"gone": 1}


def test_what_goes_while_a_server_is_away_is_told_of_by_the_worker_that_had_it(
    place: Place, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(calls / "bank.wav", place.drop)
    chosen = settings()
    inlets = [FolderInlet(place.drop, chosen)]
    with watching(inlets, chosen, place.data, threading.Event(), lambda: Bar(quiet=True)) as watcher:
        with monkeypatch.context() as away:
            away.setattr(watcher.work.archive.repository, "register_all", _away)
            with pytest.raises(RetryableError):
                watcher.cycle()
        assert place.rows("SELECT count(*) FROM arrivals WHERE owner <> ''") == [(1,)]
        (place.drop / "bank.wav").unlink()
        assert watcher.cycle().settled == {"gone": 1}
    assert place.rows("SELECT outcome, owner FROM arrivals") == [("gone", "")]


def _away(*_: object, **__: object) -> None:
    raise RetryableError("the database is away", "Wait")


def test_a_file_that_grows_while_it_is_hashed_is_looked_at_again(place: Place, calls: Path) -> None:
    class Growing(FolderInlet):
        def fetch(self, arrival: Arrival, scratch: Path) -> Fetched:
            fetched = super().fetch(arrival, scratch)
            if not grown:
                grown.append(_grow(fetched.path))
            return fetched

    grown: list[int] = []
    shutil.copy(calls / "bank.wav", place.drop)
    chosen = settings()
    inlets = [Growing(place.drop, chosen)]
    with watching(inlets, chosen, place.data, threading.Event(), lambda: Bar(quiet=True)) as watcher:
        assert [watcher.cycle().settled for _ in range(2)] == [{"gone": 1}, {"published": 1}]
    assert place.rows("SELECT state, size_bytes FROM recordings") == [("published", grown[0])]


def test_a_file_that_grows_while_it_is_transcribed_is_published_once_as_a_whole(
    place: Place, calls: Path, load: Load
) -> None:
    path = place.drop / "bank.wav"
    shutil.copy(calls / "bank.wav", path)
    before = path.stat().st_size

    def answer(samples: Samples) -> Hypothesis:
        if path.stat().st_size == before:
            _grow(path)
        return heard(samples)

    load(answer)
    assert [cycle.settled for cycle in place.cycles(2)] == [{"quarantined": 1}, {"published": 1}]
    assert place.rows("SELECT state, size_bytes FROM recordings ORDER BY id") == [
        ("quarantined", before),
        ("published", path.stat().st_size),
    ]
    [(reason,)] = place.rows("SELECT reason FROM recordings WHERE state = 'quarantined'")
    assert reason.startswith("bank.wav changed while it was read")
    assert place.rows("SELECT count(*) FROM transcripts") == [(1,)]


def _grow(path: Path) -> int:
    with path.open("ab") as file:
        file.write(bytes(8_000))
    return path.stat().st_size


def test_a_stop_ends_after_the_group_in_hand(place: Place, calls: Path, load: Load) -> None:
    for path in calls.iterdir():
        shutil.copy(path, place.drop)
    stop, chosen = threading.Event(), settings("batch.group_recordings=1")

    def answer(samples: Samples) -> Hypothesis:
        stop.set()
        return heard(samples)

    load(answer)
    cycles: list[Cycle] = []
    with watching([FolderInlet(place.drop, chosen)], chosen, place.data, stop, lambda: Bar(quiet=True)) as watcher:
        watch(watcher, stop, cycles.append, once=False)
    assert [(cycle.settled, cycle.waiting) for cycle in cycles] == [({"published": 1}, 2)]
    assert place.rows("SELECT state FROM runs") == [("interrupted",)]
    assert place.rows("SELECT count(*) FROM tries WHERE ended_at IS NULL") == [(0,)]
    assert place.rows("SELECT count(*) FROM arrivals WHERE owner <> ''") == [(0,)]


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    folder = tmp_path / "drop"
    folder.mkdir()
    return folder


def test_a_file_is_complete_once_it_stays_as_it_is(drop: Path) -> None:
    clock = Clock()
    inlet = FolderInlet(drop, settings("ingest.stable_s=5"), clock)
    path = drop / "a.wav"
    path.write_bytes(b"1")
    assert inlet.look() == []
    clock.seconds = 4.9
    assert inlet.look() == []
    with path.open("ab") as file:
        file.write(b"2")
    clock.seconds = 9.0
    assert inlet.look() == []
    clock.seconds = 14.0
    [arrival] = inlet.look()
    assert arrival.uri == path.as_uri()
    with path.open("ab") as file:
        file.write(b"3")
    assert not inlet.is_there(arrival)
    (drop / "a.wav.done").touch()
    assert len(inlet.look()) == 1, "a marker says so at once"


def test_only_with_its_marker_or_as_soon_as_it_is_there(drop: Path) -> None:
    (drop / "a.wav").write_bytes(b"1")
    marked = FolderInlet(drop, settings("ingest.complete=marker"))
    assert marked.look() == []
    assert len(FolderInlet(drop, settings("ingest.complete=rename", "ingest.stable_s=60")).look()) == 1
    (drop / "a.done").touch()
    [arrival] = marked.look()
    (drop / "a.wav").unlink()
    marked.settled(arrival)
    assert list(drop.iterdir()) == []


def test_patterns(drop: Path) -> None:
    for name in ("in/a.wav", "in/a.txt", "out/a.wav", ".hidden/a.wav", "in/a.json", "in/test-a.wav"):
        (drop / name).parent.mkdir(exist_ok=True)
        (drop / name).write_bytes(b"1")
    every = FolderInlet(drop, settings())
    assert [arrival.uri.removeprefix(every.prefix) for arrival in every.look()] == [
        "in/a.wav",
        "in/test-a.wav",
        "out/a.wav",
    ]
    some = FolderInlet(drop, settings('ingest.include=["in/*.wav"]', 'ingest.exclude=["*/test-*"]'))
    assert [arrival.uri.removeprefix(some.prefix) for arrival in some.look()] == ["in/a.wav"]


def test_a_source_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no folder"):
        open_inlet(str(tmp_path / "nothing"), settings())
    with pytest.raises(ConfigError, match="no bucket"):
        open_inlet("s3://", settings())


def test_a_folder_that_is_away_is_told_of_and_waited_for(place: Place) -> None:
    chosen = settings()
    with watching(
        [FolderInlet(place.drop, chosen)], chosen, place.data, threading.Event(), lambda: Bar(quiet=True)
    ) as watcher:
        place.drop.rmdir()
        assert "is not there" in watcher.cycle().troubles[0]
        place.drop.mkdir()
        assert watcher.cycle().troubles == ()
    assert isinstance(watcher, Watcher)


def test_prefects_server_may_be_away(place: Place, calls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(calls / "bank.wav", place.drop)

    def away(_: int) -> None:
        raise httpx.ConnectError("refused")

    with monkeypatch.context() as patch:
        patch.setattr("flows.process_calls.process_calls", away)
        with pytest.raises(RetryableError):
            place.cycles()
    assert place.rows("SELECT state FROM recordings") == [("received",)]
    assert place.cycles()[0].settled == {"published": 1}
    assert place.rows("SELECT outcome FROM tries") == [("published",)]
    assert sorted(place.rows("SELECT state FROM runs")) == [("completed",), ("failed",)]


def test_the_longest_come_first_and_one_look_serves_many_batches(
    place: Place, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in calls.iterdir():
        shutil.copy(path, place.drop)
    looks, look = [], FolderInlet.look
    monkeypatch.setattr(FolderInlet, "look", lambda self: looks.append(1) or look(self))
    cycles = place.cycles(4, "ingest.batch_recordings=1")
    assert [(cycle.processed, cycle.waiting) for cycle in cycles] == [(1, 2), (1, 1), (1, 0), (0, 0)]
    sizes = place.rows(
        "SELECT size_bytes FROM recordings r JOIN transcripts t ON t.recording_id = r.id ORDER BY run_id"
    )
    assert sizes == sorted(sizes, reverse=True)
    assert len(looks) == 2


def test_no_more_is_taken_in_hand_than_four_groups_hold(place: Place, calls: Path) -> None:
    for path in calls.iterdir():
        shutil.copy(path, place.drop)
    [cycle] = place.cycles(1, "batch.group_audio_s=1.5")  # of 6 s each
    assert (cycle.processed, cycle.waiting) == (1, 2)


def test_a_folder_is_walked_through_once_however_much_lies_in_it(
    place: Place, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    walked, scandir = [], os.scandir
    monkeypatch.setattr(os, "scandir", lambda path=".": (walked.append(path), scandir(path))[1])
    for call in calls.iterdir():
        shutil.copy(call, place.drop)
        (place.drop / f"{call.stem}.json").write_text('{"queue": "billing"}')
    assert place.cycles()[0].settled == {"published": 3}
    assert place.rows("SELECT count(*) FROM v_calls WHERE queue = 'billing'") == [(3,)]
    assert [str(path) for path in walked].count(str(place.drop)) == 1
