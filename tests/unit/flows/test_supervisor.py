"""Programs under a supervisor: started in order, started again, and ended together.

The supervisor has a process of its own: a signal that it is not there to take would end the tests.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from asr.errors import FatalError
from flows.supervisor import Program, Supervisor, _Child

PROGRAM = """
import pathlib, signal, sys, time
name, folder, end = sys.argv[1:]
def ended(*_):
    with open(f"{folder}/log", "a") as log: log.write(f"{name} ended\\n")
    sys.exit()
signal.signal(signal.SIGTERM, signal.SIG_IGN if end == "deaf" else ended)
with open(f"{folder}/log", "a") as log: log.write(f"{name} started\\n")
pathlib.Path(folder, name).touch()
if end.isdigit(): sys.exit(int(end))
time.sleep(60)
"""

SUPERVISOR = """
import os, pathlib, signal, sys
from asr.errors import ConfigError
from flows.supervisor import Program, Supervisor
program, folder, patience_s, *others = sys.argv[1:]
folder = pathlib.Path(folder)
def start(name, end=""): return Program(name, (sys.executable, "-c", program, name, str(folder), end), os.environ)
def prepare():
    with (folder / "log").open("a") as log: log.write("prepared\\n")
def told(line): print(line, flush=True)
ends = [start(*other.split("=")) for other in others]
try: Supervisor(start("server"), ends, (folder / "server").exists, prepare, told, float(patience_s)).run()
except ConfigError as error: told(error)
assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
"""


@contextmanager
def supervised(folder: Path, other: str, patience_s: float = 30.0) -> Iterator[subprocess.Popen[str]]:
    line = [sys.executable, "-c", SUPERVISOR, PROGRAM, str(folder), str(patience_s), other]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]) as process:
        yield process
        process.kill()


def wait(until: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 60
    while not until():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def log(folder: Path) -> list[str]:
    return (folder / "log").read_text().splitlines()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_is_there_before_the_others_and_ends_after_them(tmp_path: Path, number: int) -> None:
    with supervised(tmp_path, "worker") as running:
        wait((tmp_path / "worker").exists)
        running.send_signal(number)
        told, _ = running.communicate(timeout=60)
    assert log(tmp_path) == ["server started", "prepared", "worker started", "worker ended", "server ended"]
    assert (told, running.returncode) == ("", 0)


def test_what_ends_is_started_again_after_a_pause_that_grows(tmp_path: Path) -> None:
    with supervised(tmp_path, "worker=7") as running:
        assert running.stdout is not None
        told = [running.stdout.readline().strip() for _ in range(2)]
        running.send_signal(signal.SIGTERM)
        assert running.wait(60) == 0
    assert [line.partition(" after")[0] for line in told] == ["worker ended with 7"] * 2
    assert [line.rpartition(" in ")[2] for line in told] == ["2 s", "4 s"]


def test_what_is_started_again_and_again_leaves_no_open_files(tmp_path: Path) -> None:
    ends = Program("server", (sys.executable, "-c", ""), dict(os.environ), tmp_path / "server.log")
    child, before = _Child(ends), len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        child.start()
        assert child.process is not None
        child.process.wait()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_setting_that_is_wrong_ends_all(tmp_path: Path) -> None:
    with supervised(tmp_path, "worker=2") as running:
        told, _ = running.communicate(timeout=60)
    assert "worker ended for a setting that is wrong" in told
    assert log(tmp_path)[-1] == "server ended"


def test_a_first_that_does_not_come_up_is_told(tmp_path: Path) -> None:
    broken = Program("server", (sys.executable, "-c", "raise SystemExit(3)"), dict(os.environ), tmp_path / "server.log")
    with pytest.raises(FatalError, match=r"server did not start\. Its log is .*server\.log"):
        Supervisor(broken, (), lambda: False, lambda: None, print, 1.0).run()


def test_what_does_not_end_is_killed_when_patience_is_over(tmp_path: Path) -> None:
    with supervised(tmp_path, "deaf=deaf", patience_s=0.5) as running:
        wait((tmp_path / "deaf").exists)
        began_s = time.monotonic()
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=60)
    assert time.monotonic() - began_s < 30
    assert log(tmp_path)[-1] == "server ended"
