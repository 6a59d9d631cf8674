"""`callwright run` is killed at moments all over its life; the same command again ends as if nothing had been.

CALLWRIGHT_KILLS sets how many kills; `python -m pytest -s` prints what each left.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import soundfile

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "sample_audio"
CUTS = {"bank": 3.0, "clinic": 12.0, "order": 8.0}
LENGTH_S = 6.5
SETTINGS = ("--set", "transcribe.model=whisper-tiny.en", "--set", "batch.group_recordings=1")
KILLS = int(os.environ.get("CALLWRIGHT_KILLS", "2"))

TABLES = ("turns", "words", "regions", "redactions", "channels", "summaries", "documents", "sources")
OF_A_RUN = {"run_id", "stage_s", "cpu_s", "published_at", "first_seen_at"}


@dataclass(frozen=True, slots=True)
class Rest:
    """What lies in a data folder after a run: rows of each table, and the names of objects."""

    tables: dict[str, list[tuple[Any, ...]]]
    objects: list[str]


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory, whisper_dir: Path, vad_model_path: Path) -> Path:
    folder = tmp_path_factory.mktemp("calls")
    for name, start_s in CUTS.items():
        start = int(start_s * 8_000)
        stop = start + int(LENGTH_S * 8_000)
        audio, rate_hz = soundfile.read(SAMPLES / f"{name}.wav", start=start, stop=stop, dtype="int16")
        soundfile.write(folder / f"{name}.wav", audio, rate_hz, subtype="ULAW")
    return folder


def start(calls: Path, data_dir: Path) -> subprocess.Popen[bytes]:
    command = [str(Path(sys.executable).with_name("callwright")), "run", str(calls), "--data-dir", str(data_dir)]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    quiet = subprocess.DEVNULL
    return subprocess.Popen(
        [*command, *SETTINGS], stdout=quiet, stderr=quiet, cwd=ROOT / "tests", env=environ, start_new_session=True
    )


def rows(data_dir: Path, sql: str) -> list[tuple[Any, ...]]:
    path = data_dir / "callwright.db"
    if not path.exists():
        return []
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    except sqlite3.OperationalError:
        return []  # killed before the tables were made
    finally:
        connection.close()


def count(data_dir: Path, table: str) -> int:
    """How many rows a table has; none if there is no table yet."""
    return sum(n for (n,) in rows(data_dir, f"SELECT count(*) FROM {table}"))


def rest(data_dir: Path) -> Rest:
    """All that a run leaves, but for what tells one run from another. Rows are named by the recording's hash."""
    tables = {}
    for table in ("transcripts", *TABLES):
        columns = [name for _, name, *_ in rows(data_dir, f"PRAGMA table_info({table})")]
        kept = ", ".join(f"t.{name}" for name in columns if name not in OF_A_RUN | {"recording_id"})
        joined = f"SELECT r.sha256, {kept} FROM {table} t JOIN recordings r ON r.id = t.recording_id"
        tables[table] = sorted(rows(data_dir, joined), key=repr)
    tables["recordings"] = sorted(rows(data_dir, "SELECT sha256, state, duration_s, reason FROM recordings"))
    objects = sorted(str(path.relative_to(data_dir)) for path in (data_dir / "objects").rglob("*") if path.is_file())
    # A certificate holds the time, so that it is another object each time; one may be left that no call names.
    return Rest(tables, [name for name in objects if not name.endswith((".tmp", ".certificate"))])


def descendants(data_dir: Path) -> list[int]:
    """The processes whose working is that of a run in the data folder: by the files of it that they hold open."""
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            opened = [str(link.readlink()) for link in (process / "fd").iterdir()]
        except OSError:
            continue
        if any(name.startswith(str(data_dir)) for name in opened):
            found.append(int(process.name))
    return found


def none_left(data_dir: Path, within_s: float = 30.0) -> bool:
    deadline_s = time.monotonic() + within_s
    while time.monotonic() < deadline_s:
        if not descendants(data_dir):
            return True
        time.sleep(0.05)
    return False


@pytest.fixture(scope="module")
def undisturbed(calls: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Rest, float]:
    """What a run leaves that nobody disturbs, and the seconds that it takes."""
    data_dir = tmp_path_factory.mktemp("undisturbed")
    began_s = time.monotonic()
    assert start(calls, data_dir).wait() == 0
    took_s = time.monotonic() - began_s
    left = rest(data_dir)
    assert len(left.tables["transcripts"]) == len(CUTS)
    assert all(left.tables[table] for table in TABLES)
    assert len(left.objects) == 2 * len(CUTS)
    assert none_left(data_dir)
    return left, took_s


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("kill", range(KILLS))
def test_kill(calls: Path, undisturbed: tuple[Rest, float], tmp_path: Path, kill: int) -> None:
    expected, took_s = undisturbed
    began_s = time.monotonic()
    running = start(calls, tmp_path)
    if kill % 2:
        # Most of a short run is start-up: every second kill waits until the ledger has its first or second call.
        wanted = 1 + kill // 2 % 2
        _when(lambda: count(tmp_path, "transcripts") >= wanted or running.poll() is not None)
    else:
        time.sleep(took_s * (kill + 0.5) / KILLS)
    after_s = time.monotonic() - began_s
    running.kill()
    running.wait()
    assert none_left(tmp_path)
    states = dict(rows(tmp_path, "SELECT state, count(*) FROM recordings GROUP BY state"))
    runs = [state for (state,) in rows(tmp_path, "SELECT state FROM runs")]
    assert start(calls, tmp_path).wait() == 0
    after = rest(tmp_path)
    counts = ", ".join(f"{len(after.tables[name])} {name}" for name in ("transcripts", "turns", "words"))
    print(f"\nkilled after {after_s:.1f} of {took_s:.1f} s: {states or 'nothing'}, runs {runs}; then {counts}")  # noqa: T201
    assert after == expected
    published = rows(tmp_path, "SELECT sum(published), sum(quarantined) FROM runs")
    assert published == [(len(CUTS), 0)]
    if "received" in states:  # a run that finds nothing to do begins none, and so ends none
        assert rows(tmp_path, "SELECT state FROM runs WHERE state = 'running'") == []
    assert none_left(tmp_path)


def _when(condition: Callable[[], bool], within_s: float = 120.0) -> None:
    deadline_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


def test_a_second_run_is_refused_while_one_holds_the_data_folder(calls: Path, tmp_path: Path) -> None:
    with (tmp_path / "run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert start(calls, tmp_path).wait() == 3
    assert not (tmp_path / "callwright.db").exists()


def test_ctrl_c_ends_the_run_soon_and_says_so_in_the_ledger(calls: Path, tmp_path: Path) -> None:
    running = start(calls, tmp_path)
    _when(lambda: count(tmp_path, "transcripts") > 0)
    os.killpg(running.pid, signal.SIGINT)  # to everything in the foreground, as a terminal does it
    assert running.wait(timeout=30) in (0, 130)
    assert rows(tmp_path, "SELECT state FROM runs") in ([("interrupted",)], [("completed",)])
    assert none_left(tmp_path)
