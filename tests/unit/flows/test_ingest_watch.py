"""The watch as a flow, on a real Prefect server."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from asr.engines.scripted import ScriptedEngine
from asr.types import Hypothesis, Samples, Word

Load = Callable[[Callable[[Samples], Hypothesis]], ScriptedEngine]


def test_a_run_does_what_is_there_and_says_what_is_wrong(
    calls: Path, tmp_path: Path, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(lambda _: Hypothesis((Word("hello", 0.0, 0.3, 0.9),), "en", -0.2, 0.0, 1.0, 0.0))
    drop, data = tmp_path / "drop", tmp_path / "data"
    drop.mkdir()
    shutil.copy(calls / "bank.wav", drop)
    monkeypatch.setenv("CALLWRIGHT_DATA_DIR", str(data))
    monkeypatch.setenv("CALLWRIGHT_SERVICE__SOURCES", json.dumps([str(drop)]))
    monkeypatch.setenv("CALLWRIGHT_INGEST__STABLE_S", "0.01")
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName
    from prefect.client.schemas.sorting import FlowRunSort

    from flows.ingest_watch import ingest_watch

    assert ingest_watch() == "1 published"
    assert ingest_watch() == "nothing new"
    (drop / "broken.wav").write_bytes(b"no sound")
    with pytest.raises(RuntimeError, match="1 quarantined"):
        ingest_watch()
    with sqlite3.connect(data / "callwright.db") as connection:
        assert connection.execute("SELECT outcome FROM arrivals ORDER BY uri").fetchall() == [
            ("published",),
            ("quarantined",),
        ]
    connection.close()
    with get_client(sync_client=True) as client:
        # Other tests' schedules leave runs without a start, which come first.
        named = FlowRunFilter(name=FlowRunFilterName(like_="ingest-watch "))
        ours = client.read_flow_runs(flow_run_filter=named, limit=3, sort=FlowRunSort.START_TIME_DESC)
    assert [run.state_type.value for run in ours if run.state_type] == ["FAILED", "COMPLETED", "COMPLETED"]
    assert [run.parameters for run in ours] == [{}] * 3, "no content is a parameter"
    assert not any("bank" in run.name or "broken" in run.name for run in ours)
