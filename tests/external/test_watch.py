"""`callwright watch` as a user has it, with real models: killed, asked to stop, and started again."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import soundfile

from tests.external.conftest import COMMAND, ROOT, environ

SAMPLES = ROOT / "sample_audio"
SETTINGS = ("transcribe.model=whisper-tiny.en", "batch.group_recordings=1", "ingest.stable_s=0.1", "ingest.poll_s=0.2")


def start(drop: Path, data_dir: Path) -> subprocess.Popen[bytes]:
    line = [*COMMAND, "watch", str(drop), "--data-dir", str(data_dir)]
    for setting in SETTINGS:
        line += ["--set", setting]
    null = subprocess.DEVNULL
    return subprocess.Popen(line, stdout=null, stderr=null, cwd=ROOT / "tests", env=environ())


def rows(data_dir: Path, sql: str) -> list[tuple[Any, ...]]:
    try:
        connection = sqlite3.connect(f"file:{data_dir / 'callwright.db'}?mode=ro", uri=True)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()
    except sqlite3.OperationalError:
        return []  # not made yet


def until(condition: Callable[[], bool], within_s: float = 240.0) -> None:
    deadline_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


def test_killed_and_asked_to_stop(tmp_path: Path, whisper_dir: Path, vad_model_path: Path) -> None:
    drop, data = tmp_path / "drop", tmp_path / "data"
    drop.mkdir()
    for name, start_s in {"bank": 3, "clinic": 12, "order": 8}.items():
        audio, rate_hz = soundfile.read(SAMPLES / f"{name}.wav", start=start_s * 8_000, frames=52_000, dtype="int16")
        soundfile.write(drop / f"{name}.wav", audio, rate_hz, subtype="ULAW")
    first = start(drop, data)
    until(lambda: rows(data, "SELECT count(*) FROM tries WHERE ended_at IS NULL") == [(1,)])
    first.kill()
    first.wait()
    second = start(drop, data)
    until(lambda: rows(data, "SELECT count(*) FROM arrivals WHERE settled_at IS NOT NULL") == [(3,)])
    second.send_signal(signal.SIGTERM)
    assert second.wait(timeout=60) == 0
    assert rows(data, "SELECT state, count(*) FROM recordings GROUP BY state") == [("published", 3)]
    assert rows(data, "SELECT sum(published) FROM runs") == [(3,)]
    assert rows(data, "SELECT count(*) FROM runs WHERE state = 'running'") == [(0,)]
    assert rows(data, "SELECT count(*) FROM tries WHERE outcome = 'lost'") == [(1,)]
    assert list((data / "workers").iterdir()) == []
