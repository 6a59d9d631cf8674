from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from asr.errors import FatalError
from flows.prefect_server import prefect_server

PARENT = """
import json, os, sys, time
from pathlib import Path
from flows.prefect_server import prefect_server

with prefect_server(Path(sys.argv[1])) as wait_for_server:
    wait_for_server()
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    names = ("PREFECT_API_URL", "PREFECT_HOME", "PREFECT_RESULTS_PERSIST_BY_DEFAULT", "DO_NOT_TRACK")
    print(json.dumps({"children": children, **{name: os.environ[name] for name in names}}), flush=True)
    time.sleep(600)
"""


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the environment as it was; the variables that are set inside are those of the test."""
    for name in list(os.environ):
        if name.startswith("PREFECT_") or name in ("DO_NOT_TRACK", "no_proxy", "NO_PROXY"):
            monkeypatch.setenv(name, os.environ[name])
            monkeypatch.delenv(name)
    for name in ("PREFECT_HOME", "DO_NOT_TRACK", "no_proxy"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def test_a_server_that_is_named_is_used_and_none_is_started(
    tmp_path: Path, clean: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://prefect.example:4200/api")
    monkeypatch.setattr(subprocess, "Popen", None)
    with prefect_server(tmp_path) as wait_for_server:
        wait_for_server()
        assert os.environ["PREFECT_API_URL"] == "http://prefect.example:4200/api"
        assert os.environ["PREFECT_HOME"] == str(tmp_path / "prefect")
    assert os.environ["PREFECT_API_URL"] == "http://prefect.example:4200/api"


def test_a_server_that_does_not_start_is_told_with_its_log(
    tmp_path: Path, clean: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_DATABASE_CONNECTION_URL", "nonsense://")
    with prefect_server(tmp_path) as wait_for_server, pytest.raises(FatalError, match=r"server\.log"):
        wait_for_server()
    assert (tmp_path / "prefect" / "server.log").stat().st_size > 0
    assert "PREFECT_API_URL" not in os.environ


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills a child with its parent")
def test_the_server_lives_in_the_data_folder_needs_no_proxy_and_dies_with_a_killed_parent(tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    environ |= {"http_proxy": "http://127.0.0.1:9", "no_proxy": "example.com"}
    command = [sys.executable, "-c", PARENT, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environ) as parent:
        assert parent.stdout is not None
        told = json.loads(parent.stdout.readline())
        assert Path(told["PREFECT_HOME"]) == tmp_path / "prefect"
        assert (tmp_path / "prefect" / "prefect.db").exists()
        assert told["PREFECT_RESULTS_PERSIST_BY_DEFAULT"] == "false"
        assert told["DO_NOT_TRACK"] == "1"
        assert _answers(told["PREFECT_API_URL"])
        parent.send_signal(signal.SIGKILL)
    assert told["children"]
    deadline_s = time.monotonic() + 5
    while any(_runs(pid) for pid in told["children"]):
        assert time.monotonic() < deadline_s
        time.sleep(0.05)
    assert not _answers(told["PREFECT_API_URL"])


def _runs(pid: str) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


def _answers(url: str) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"{url}/health", timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False
