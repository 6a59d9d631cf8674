"""Calls brought up to date after a change of settings, through the real flow, with a scripted engine."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from asr.engines.base import EngineInfo
from asr.engines.scripted import ScriptedEngine
from asr.types import Hypothesis, Samples, Word
from configs.load import load as load_settings
from configs.settings import Settings, fingerprint
from flows.meter import Bar
from flows.redo import Redone, Stage, redo
from flows.run import run
from flows.wiring import registry
from storage.backlog import Wish

Load = Callable[[Callable[[Samples], Hypothesis]], ScriptedEngine]

NEWER = ("transcribe.beam_size=3",)


def settings(*overrides: str) -> Settings:
    return load_settings(None, ("guards.enabled=false", "ingest.batch_recordings=2", *overrides), {}, Path(os.devnull))


def saying(*words: str) -> Callable[[Samples], Hypothesis]:
    told = tuple(Word(word, i / 2, i / 2 + 0.3, 0.9) for i, word in enumerate(words))
    return lambda _: Hypothesis(told, "en", -0.2, 0.0, 1.0, 0.0)


class Shop:
    """Three published calls and their sources."""

    def __init__(self, root: Path, calls: Path) -> None:
        self.sources, self.data = root / "in", root / "data"
        shutil.copytree(calls, self.sources)
        (self.sources / "bank.json").write_text('{"queue": "billing", "started_at": "2026-09-24T10:00:00Z"}')
        (self.sources / "order.json").write_text('{"queue": "sales", "started_at": "2026-09-26T10:00:00Z"}')
        assert run([self.sources], settings(), self.data, Bar(quiet=True), again=False).complete

    def backfill(self, *overrides: str, wish: Wish | None = None, stage: Stage = Stage.TRANSCRIBE) -> Redone:
        stop = threading.Event()
        return redo(wish or Wish(), stage, settings(*overrides), self.data, stop, lambda: Bar(quiet=True))

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(self.data / "callwright.db")
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            with connection:
                return connection.execute(sql, values).fetchall()
        finally:
            connection.close()

    def made_by(self, *overrides: str) -> set[str]:
        """The calls that such settings made."""
        sql = "SELECT name FROM sources JOIN transcripts USING (recording_id) WHERE config_fingerprint = ?"
        return {name.removesuffix(".wav") for (name,) in self.rows(sql, fingerprint(settings(*overrides)))}


@pytest.fixture
def shop(tmp_path: Path, calls: Path, load: Load, monkeypatch: pytest.MonkeyPatch) -> Shop:
    model = registry(Settings()).get(Settings().transcribe.model)
    info = EngineInfo("scripted", model.id, model.sha256, "none")
    monkeypatch.setattr(ScriptedEngine, "info", property(lambda _: info))
    load(saying("hello", "there"))
    return Shop(tmp_path, calls)


def test_what_other_settings_made_is_made_again_once(shop: Shop, load: Load) -> None:
    assert (shop.backfill().done, shop.made_by()) == (0, {"bank", "clinic", "order"})
    load(saying("good", "morning"))
    first = shop.backfill(*NEWER, wish=Wish(queue="billing"))
    assert (first.done, first.complete, shop.made_by(*NEWER)) == (1, True, {"bank"})
    assert {text for (text,) in shop.rows("SELECT text FROM v_turns WHERE queue = 'billing'")} == {"good morning"}
    assert "hello there" in {text for (text,) in shop.rows("SELECT text FROM turns")}
    met = "SELECT call, value FROM v_analyses WHERE part = 'greeted' ORDER BY call"
    assert shop.rows(met) == [("bank.wav", 1.0), ("clinic.wav", 1.0), ("order.wav", 1.0)], (
        "by rules, as it is published"
    )
    assert shop.backfill(*NEWER).done == 2
    assert shop.made_by(*NEWER) == {"bank", "clinic", "order"}
    assert shop.backfill(*NEWER).done == 0
    assert shop.rows("SELECT count(*) FROM tries WHERE outcome = 'published' GROUP BY recording_id") == [(2,)] * 3
    assert list((shop.data / "workers").iterdir()) == []


def test_days_are_told_apart_and_what_was_never_done_is_done(shop: Shop) -> None:
    shop.rows("UPDATE recordings SET state = 'received' WHERE id = 1")
    shop.rows("DELETE FROM transcripts WHERE recording_id = 1")
    assert shop.backfill(wish=Wish(queue="sales")).done == 0
    since, until = (shop.rows("SELECT min(day), min(day) FROM v_days WHERE recording_id = 1"))[0]
    wish = Wish(date.fromisoformat(since), date.fromisoformat(until))
    assert shop.backfill(wish=wish).done == 1
    assert shop.rows("SELECT state FROM recordings WHERE id = 1") == [("published",)]


def test_a_recording_that_is_gone_or_was_changed_is_told_of_and_stays(shop: Shop, tmp_path: Path) -> None:
    (shop.sources / "bank.wav").unlink()
    shutil.copy(shop.sources / "clinic.wav", shop.sources / "order.wav")
    moved = tmp_path / "moved.wav"
    (shop.sources / "clinic.wav").rename(moved)
    shop.rows("UPDATE sources SET uri = ? WHERE name = 'clinic.wav'", f"moved:{moved.as_uri()}")
    redone = shop.backfill(*NEWER)
    assert (redone.done, redone.failures) == (1, {})
    assert sorted(name.split()[0] for name in redone.left) == ["bank.wav", "order.wav"]
    assert set(redone.left.values()) == {"its recording is no longer where it was"}
    assert (shop.made_by(), shop.made_by(*NEWER)) == ({"bank", "order"}, {"clinic"})
    assert shop.rows("SELECT audio FROM transcripts JOIN sources USING (recording_id) WHERE name = 'clinic.wav'") == [
        ("clinic.wav",)
    ]
    assert shop.rows("SELECT count(*) FROM sources") == [(3,)]
    assert moved.exists()


def test_what_fails_keeps_what_it_has_and_is_not_tried_for_ever(shop: Shop, load: Load) -> None:
    def broken(_: Samples) -> Hypothesis:
        raise ValueError("no")

    load(broken)
    assert set(shop.backfill(*NEWER).failures) == {sha for (sha,) in shop.rows("SELECT sha256 FROM recordings")}
    assert shop.rows("SELECT state, count(*) FROM recordings GROUP BY 1") == [("published", 3)]
    assert shop.made_by() == {"bank", "clinic", "order"}
    assert (shop.backfill(*NEWER).complete, shop.made_by(*NEWER)) == (True, set())
    load(saying("good", "morning"))
    assert shop.backfill("transcribe.beam_size=4").done == 3


def test_another_policy_alone(shop: Shop) -> None:
    assert shop.backfill(*NEWER, stage=Stage.REDACT).done == 0
    shop.rows("UPDATE transcripts SET policy = 'pci' WHERE recording_id <> 2")
    assert shop.backfill(*NEWER, stage=Stage.REDACT).done == 2
    assert shop.rows("SELECT DISTINCT policy FROM transcripts") == [("all",)]
    assert len(shop.made_by(*NEWER)) == 2


def test_summaries_and_facts_come_from_what_is_kept(shop: Shop) -> None:
    shutil.rmtree(shop.sources)
    shop.rows("UPDATE summaries SET reason = 'old', method = 'extractive-rules/0' WHERE recording_id = 1")
    shop.rows("DELETE FROM conversations WHERE recording_id = 2")
    kept = shop.rows("SELECT * FROM summaries WHERE recording_id = 2")
    for stage in (Stage.SUMMARISE, Stage.ANALYSE):
        redone = shop.backfill(stage=stage)
        assert (redone.done, redone.unchanged, redone.complete) == (1, 2, True)
        assert shop.backfill(stage=stage).done == 0
    assert shop.rows("SELECT reason FROM summaries WHERE recording_id = 1") != [("old",)]
    assert shop.rows("SELECT * FROM summaries WHERE recording_id = 2") == kept
    actions = "SELECT action FROM audit_events WHERE action IN ('recording.summarise', 'recording.analyse')"
    assert shop.rows(actions) == [("recording.summarise",), ("recording.analyse",)]
    shop.rows(
        "INSERT INTO erasures (recording_id, kind, why, intended_at, n_gone, note) "
        "VALUES (1, 'summary', 'rule', '2026-09-24', 0, '')"
    )
    shop.rows("DELETE FROM summaries")
    assert shop.backfill(stage=Stage.SUMMARISE).done == 2, "what was erased does not come back"


def test_as_a_flow_on_a_server(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLWRIGHT_DATA_DIR", str(shop.data))
    monkeypatch.setenv("CALLWRIGHT_TRANSCRIBE__BEAM_SIZE", "3")
    from flows.backfill import backfill

    told = backfill()
    assert told == "3 up to date now, 0 left as they are, 0 failed"
    shutil.rmtree(shop.sources)
    monkeypatch.setenv("CALLWRIGHT_TRANSCRIBE__BEAM_SIZE", "4")
    with pytest.raises(RuntimeError, match="3 left as they are"):
        backfill()


def test_stopped_midway_it_goes_on_from_there(shop: Shop) -> None:
    stop = threading.Event()

    class Halting(Bar):
        def recording_done(self) -> None:
            stop.set()

    chosen = settings(*NEWER, "batch.group_recordings=1")
    redo(Wish(), Stage.TRANSCRIBE, chosen, shop.data, stop, lambda: Halting(quiet=True))
    some = shop.rows("SELECT count(*) FROM transcripts WHERE config_fingerprint = ?", fingerprint(chosen))
    assert some == [(1,)]
    assert shop.backfill(*NEWER).done == 2


def test_a_mixed_channels_voices_are_summarised_by_their_roles(shop: Shop) -> None:
    """As when they are published: one voice that is known for the agent's says nothing of how the customer feels."""
    assert shop.rows("SELECT sentiment FROM summaries WHERE recording_id = 1") == [("neutral",)]
    shop.rows("UPDATE turns SET channel = 'mixed', speaker = 'speaker-1' WHERE recording_id = 1")
    shop.rows("DELETE FROM speakers WHERE recording_id = 1 AND speaker <> 'agent'")
    shop.rows("UPDATE speakers SET speaker = 'speaker-1', role = 'agent' WHERE recording_id = 1")
    assert shop.backfill(stage=Stage.SUMMARISE).done == 1
    assert shop.rows("SELECT sentiment FROM summaries WHERE recording_id = 1") == [(None,)]
