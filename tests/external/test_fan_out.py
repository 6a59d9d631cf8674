"""The groups of a run in several processes: each call once, each process a worker of its own."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

from tests.external.conftest import COMMAND, ROOT, environ
from tests.external.test_watch import rows

CLIPS = {"bank": 3, "clinic": 12, "order": 8}


@pytest.fixture
def clips(tmp_path: Path, whisper_dir: Path, vad_model_path: Path, ner_model_dir: Path) -> Path:
    folder = tmp_path / "clips"
    folder.mkdir()
    for name, start_s in CLIPS.items():
        source = ROOT / "sample_audio" / f"{name}.wav"
        audio, rate_hz = soundfile.read(source, start=start_s * 8_000, frames=52_000, dtype="int16")
        soundfile.write(folder / f"{name}.wav", audio, rate_hz, subtype="ULAW")
    return folder


def line(clips: Path, data: Path, runner: str, *more: str) -> list[str]:
    settings = ("transcribe.model=whisper-tiny.en", "batch.group_recordings=1", f"service.task_runner={runner}", *more)
    said = [*COMMAND, "run", str(clips), "--data-dir", str(data), "--json"]
    return said + [word for setting in settings for word in ("--set", setting)]


@pytest.mark.parametrize("runner", ["processes", "dask", "ray"])
def test_each_call_is_published_once_by_a_process_that_is_not_the_runs(
    clips: Path, tmp_path: Path, runner: str
) -> None:
    if runner != "processes" and importlib.util.find_spec(f"prefect_{runner}") is None:
        pytest.skip(f"prefect-{runner} is not installed: pip install -e '.[{runner}]'")
    data, told = tmp_path / "data", tmp_path / "callwright.prom"
    said = line(clips, data, runner, f"metrics.textfile={told}")
    pipe = subprocess.PIPE
    running = subprocess.Popen(said, stdout=pipe, stderr=pipe, text=True, cwd=ROOT / "tests", env=environ())
    printed, errors = running.communicate()
    assert running.returncode == 0, errors
    assert json.loads(printed), "nothing else is on standard output"
    assert rows(data, "SELECT state, published FROM runs") == [("completed", 3)]
    assert rows(data, "SELECT outcome, count(*) FROM tries GROUP BY outcome") == [("published", 3)]
    owners = {owner for (owner,) in rows(data, "SELECT owner FROM tries")}
    assert 1 <= len(owners) <= 2
    assert not any(owner.rpartition("/")[2].startswith(f"{running.pid}-") for owner in owners)
    assert list((data / "workers").glob("*/*")) == []
    # What other processes counted is told by the run's.
    lines = told.read_text().splitlines()
    assert 'callwright_recordings_done_total{outcome="published"} 3.0' in lines
    assert 'callwright_stage_seconds_count{stage="transcribe"} 3.0' in lines


@pytest.mark.long
def test_what_kills_a_process_is_tried_again_and_the_rest_is_done(clips: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"

    def start() -> subprocess.Popen[str]:
        said = line(clips, data, "processes", "service.processes=1")
        return subprocess.Popen(said, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ())

    first = start()
    _until(lambda: rows(data, "SELECT count(*) FROM tries WHERE ended_at IS NULL") == [(1,)])
    ((owner,),) = rows(data, "SELECT owner FROM tries WHERE ended_at IS NULL")
    victim = int(owner.rpartition("/")[2].partition("-")[0])
    assert victim != first.pid
    subprocess.run(["kill", f"-{signal.SIGKILL.value}", str(victim)], check=True)
    _, said = first.communicate(timeout=300)
    assert first.returncode == 3
    assert "a process of service.task_runner died" in said
    second = start()
    second.communicate(timeout=400)
    assert second.returncode == 0
    assert rows(data, "SELECT count(*) FROM v_calls WHERE state = 'published'") == [(3,)]
    assert rows(data, "SELECT count(*) FROM tries WHERE outcome = 'lost'") == [(1,)]


@pytest.mark.long
def test_ray_tries_again_itself_what_kills_a_process(clips: Path, tmp_path: Path) -> None:
    if importlib.util.find_spec("prefect_ray") is None:
        pytest.skip("prefect-ray is not installed: pip install -e '.[ray]'")
    data, pipe = tmp_path / "data", subprocess.PIPE
    said = line(clips, data, "ray", "service.processes=1")
    running = subprocess.Popen(said, stdout=pipe, stderr=pipe, text=True, env=environ())
    _until(lambda: rows(data, "SELECT count(*) FROM tries WHERE ended_at IS NULL") == [(1,)])
    ((owner,),) = rows(data, "SELECT owner FROM tries WHERE ended_at IS NULL")
    os.kill(int(owner.rpartition("/")[2].partition("-")[0]), signal.SIGKILL)
    _, errors = running.communicate(timeout=400)
    assert running.returncode == 0, errors
    assert rows(data, "SELECT outcome, count(*) FROM tries GROUP BY outcome ORDER BY outcome") == [
        ("lost", 1),
        ("published", 3),
    ]


def _until(condition: Callable[[], bool], within_s: float = 300.0) -> None:
    deadline_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)
