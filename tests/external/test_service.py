"""The service as a user has it: `callwright up` with its server, worker and watcher, on real models."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.prefect_server import free_port
from tests.external.conftest import COMMAND, ROOT, environ
from tests.external.test_watch import rows

SETTINGS = ("transcribe.model=whisper-tiny.en", "ingest.stable_s=0.1", "ingest.poll_s=0.2")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills a child with its parent")


class Up:
    """A supervisor, its server's port, and every process below it that was ever seen."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process, self.port, self.seen = process, port, set[int]()

    def api(self, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/{path}", data, {"Content-Type": "application/json"}
        )
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(request, timeout=30) as answer:
            return json.load(answer)

    def until(self, condition: Callable[[], object], within_s: float = 400.0) -> None:
        deadline_s = time.monotonic() + within_s
        while not condition():
            self.look()
            assert self.process.poll() is None, self.process.communicate()[0]
            assert time.monotonic() < deadline_s
            time.sleep(0.1)
        self.look()

    def look(self) -> None:
        self.seen |= set(_below(self.process.pid))

    def alive(self) -> list[int]:
        return [pid for pid in self.seen if _is_running(pid)]


@contextmanager
def up(drop: Path, data_dir: Path, *more: str) -> Iterator[Up]:
    port = free_port()
    line = [*COMMAND, "up", str(drop), "--data-dir", str(data_dir), "--port", str(port), *more]
    for setting in SETTINGS:
        line += ["--set", setting]
    ours = environ() | {"PREFECT_WORKER_QUERY_SECONDS": "1", "PREFECT_WORKER_PREFETCH_SECONDS": "1"}
    process = subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT / "tests", env=ours
    )
    try:
        yield Up(process, port)
    finally:
        process.kill()
        if process.stdout and not process.stdout.closed:
            process.communicate()


@pytest.fixture
def drop(tmp_path: Path, whisper_dir: Path, vad_model_path: Path, ner_model_dir: Path) -> Path:
    folder = tmp_path / "drop"
    folder.mkdir()
    (folder / "wrong_number.wav").write_bytes((ROOT / "sample_audio" / "wrong_number.wav").read_bytes())
    return folder


def _published(data_dir: Path) -> bool:
    return rows(data_dir, "SELECT state FROM recordings") == [("published",)]


def test_a_schedule_of_seconds_publishes_a_call_and_kill_9_leaves_nothing(drop: Path, tmp_path: Path) -> None:
    data, listen = tmp_path / "data", f"127.0.0.1:{free_port()}"
    more = ("--set", "schedules.ingest_watch=every 10 s", "--set", f"metrics.listen={listen}")
    with up(drop, data, "--no-watcher", *more) as service:
        service.until(lambda: _published(data))
        ended = {"flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}}
        service.until(lambda: len(service.api("flow_runs/filter", ended)) >= 2)
        runs = {run["name"]: run for run in service.api("flow_runs/filter", ended)}
        assert any(name.startswith("ingest-watch 20") for name in runs)
        assert "1 call, 0:45" in runs
        scheduled = next(run for name, run in runs.items() if name.startswith("ingest-watch"))
        assert scheduled["auto_scheduled"]
        assert scheduled["parameters"] == {}
        _check_artifacts(service, runs["1 call, 0:45"]["id"], data)
        _deploying_again_changes_nothing(service, data)
        # The run's process has ended, and what it counted is told by another.
        told = httpx.get(f"http://{listen}/metrics", trust_env=False).text.splitlines()
        assert 'callwright_recordings_done_total{outcome="published"} 1.0' in told
        assert "callwright_audit_faults 0.0" in told
        service.process.send_signal(signal.SIGKILL)
        service.process.communicate()
        assert len(service.seen) >= 3
        deadline_s = time.monotonic() + 10
        while service.alive():
            assert time.monotonic() < deadline_s, [_command(pid) for pid in service.alive()]
            time.sleep(0.1)
    _nothing_of_a_call_is_in(data / "prefect", data)


@pytest.mark.long
def test_the_watcher_publishes_and_sigterm_ends_all_in_order(drop: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with up(drop, data) as service:
        service.until(lambda: _published(data))
        deployments = {
            one["name"]: one
            for one in service.api("deployments/filter", {"deployments": {"tags": {"all_": ["callwright"]}}})
        }
        flows = {
            one["entrypoint"].rpartition(".")[2]: one["schedules"] for one in service.api("deployments/filter", {})
        }
        assert set(deployments) == {"callwright"}
        assert flows["ingest_watch"] == []  # the watcher is there in its place
        assert flows["retention_sweep"][0]["schedule"]["cron"] == "0 3 * * *"
        watcher = next(pid for pid in service.seen if "watch" in _command(pid))
        os.kill(watcher, signal.SIGKILL)
        service.until(lambda: any("watch" in _command(pid) for pid in set(_below(service.process.pid)) - {watcher}))
        service.process.send_signal(signal.SIGTERM)
        said, _ = service.process.communicate(timeout=120)
        assert service.process.returncode == 0
        assert "the watcher ended with -9" in said
        assert said.endswith("Stopped.\n")
        assert service.alive() == []


def test_a_source_that_is_none_is_told_before_anything_starts(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "up", str(tmp_path / "nowhere"), "--data-dir", str(tmp_path / "data")],
        capture_output=True,
        text=True,
        cwd=ROOT / "tests",
        env=environ(),
        check=False,
    )
    assert done.returncode == 2
    assert "nowhere" in done.stderr
    assert not (tmp_path / "data").exists()


def _check_artifacts(service: Up, run: str, data_dir: Path) -> None:
    asked = {"artifacts": {"flow_run_id": {"any_": [run]}}}
    service.until(lambda: len(service.api("artifacts/filter", asked)) == 3)
    artifacts = {one["key"]: one for one in service.api("artifacts/filter", asked)}
    (row,) = json.loads(artifacts["calls"]["data"])
    ((sha256, words),) = rows(data_dir, "SELECT sha256, words FROM v_calls")
    assert (row["recording"], row["state"], row["words"]) == (sha256[:12], "published", words)
    assert (data_dir / "objects" / row["transcript"]).is_file()
    assert f"| words | {words} |" in artifacts["quality"]["data"]
    assert str(data_dir / "objects") in artifacts["transcripts"]["data"]


def _deploying_again_changes_nothing(service: Up, data_dir: Path) -> None:
    ours = environ() | {"PREFECT_API_URL": f"http://127.0.0.1:{service.port}/api", "no_proxy": "127.0.0.1"}
    ours["PREFECT_HOME"] = str(data_dir / "other")
    line = [*COMMAND, "deploy", "--json", "--set", "schedules.ingest_watch=every 10 s"]
    done = subprocess.run(line, capture_output=True, text=True, cwd=ROOT / "tests", env=ours, check=True)
    changes = json.loads(done.stdout)
    assert {change["kind"] for change in changes} == {"work pool", "deployment", "automation"}
    assert {change["done"] for change in changes} == {"same"}


def _nothing_of_a_call_is_in(home: Path, data_dir: Path) -> None:
    sequences = set()
    for (text,) in rows(data_dir, "SELECT text FROM turns"):
        words = text.lower().split()
        sequences |= {" ".join(words[at : at + 4]) for at in range(len(words) - 3)}
    assert len(sequences) > 20
    kept = _dump(data_dir / "callwright.db").lower()
    assert any(sequence in kept for sequence in sequences), "the search itself finds them"
    texts = [_dump(home / "prefect.db")]
    texts += [path.read_bytes().decode("utf-8", "replace") for path in home.rglob("*") if path.is_file()]
    assert len(texts) > 2
    for text in texts:
        assert "wrong_number" not in text
        lowered = text.lower()
        assert not [sequence for sequence in sequences if sequence in lowered]


def _dump(path: Path) -> str:
    connection = sqlite3.connect(path)
    try:
        return "\n".join(connection.iterdump())
    finally:
        connection.close()


def _below(pid: int) -> Iterator[int]:
    for path in Path("/proc").glob(f"{pid}/task/*/children"):
        try:
            found = [int(child) for child in path.read_text().split()]
        except OSError:
            continue
        for child in found:
            yield child
            yield from _below(child)


def _is_running(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""
