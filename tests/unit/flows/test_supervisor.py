"""Programs under a supervisor: started in order, started again, and ended together."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from asr.errors import ConfigError, FatalError
from flows.supervisor import Program, Supervisor

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


def program(name: str, folder: Path, end: str = "") -> Program:
    return Program(name, (sys.executable, "-c", PROGRAM, name, str(folder), end), dict(os.environ))


def supervisor(folder: Path, *others: Program, told: list[str], patience_s: float = 30.0) -> Supervisor:
    def prepare() -> None:
        with (folder / "log").open("a") as log:
            log.write("prepared\n")

    first = program("server", folder)
    return Supervisor(first, others, (folder / "server").exists, prepare, told.append, patience_s)


def signalled(when: Path, number: int = signal.SIGTERM) -> None:
    def send() -> None:
        while not when.exists():
            time.sleep(0.02)
        os.kill(os.getpid(), number)

    threading.Thread(target=send, daemon=True).start()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_is_there_before_the_others_and_ends_after_them(tmp_path: Path, number: int) -> None:
    told: list[str] = []
    signalled(tmp_path / "worker", number)
    supervisor(tmp_path, program("worker", tmp_path), told=told).run()
    lines = (tmp_path / "log").read_text().splitlines()
    assert lines == ["server started", "prepared", "worker started", "worker ended", "server ended"]
    assert told == []
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_what_ends_is_started_again_after_a_pause_that_grows(tmp_path: Path) -> None:
    told: list[str] = []

    def stop() -> None:
        while len(told) < 2:
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=stop, daemon=True).start()
    supervisor(tmp_path, program("worker", tmp_path, "7"), told=told).run()
    assert [line.partition(" after")[0] for line in told] == ["worker ended with 7"] * 2
    assert [line.rpartition(" in ")[2] for line in told] == ["2 s", "4 s"]


def test_a_setting_that_is_wrong_ends_all(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="worker ended for a setting that is wrong"):
        supervisor(tmp_path, program("worker", tmp_path, "2"), told=[]).run()
    assert (tmp_path / "log").read_text().splitlines()[-1] == "server ended"


def test_a_first_that_does_not_come_up_is_told(tmp_path: Path) -> None:
    broken = Program("server", (sys.executable, "-c", "raise SystemExit(3)"), dict(os.environ), tmp_path / "server.log")
    with pytest.raises(FatalError, match=r"server did not start\. Its log is .*server\.log"):
        Supervisor(broken, (), lambda: False, lambda: None, print, 1.0).run()


def test_what_does_not_end_is_killed_when_patience_is_over(tmp_path: Path) -> None:
    signalled(tmp_path / "deaf")
    began_s = time.monotonic()
    supervisor(tmp_path, program("deaf", tmp_path, "deaf"), told=[], patience_s=0.5).run()
    assert time.monotonic() - began_s < 30
    assert (tmp_path / "log").read_text().splitlines()[-1] == "server ended"
