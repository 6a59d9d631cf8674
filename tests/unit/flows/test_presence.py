"""Who works in a data folder: beside each other, alone, and dead."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

import pytest

from asr.errors import FatalError
from flows.presence import alone_in, clear, dead, own_folder, worker, working_in

HOLDER = """
import sys, time
from pathlib import Path
from flows.presence import worker

with worker(Path(sys.argv[1])) as me:
    (me.scratch / "call.wav").write_bytes(b"sound")
    print(me.owner, flush=True)
    time.sleep(600)
"""


def test_workers_share_a_folder_and_what_deletes_has_it_alone(tmp_path: Path) -> None:
    with working_in(tmp_path), working_in(tmp_path), pytest.raises(FatalError, match="another run"), alone_in(tmp_path):
        pass
    with alone_in(tmp_path), pytest.raises(FatalError, match="another run"), working_in(tmp_path):
        pass


def test_who_waits_gets_it_once_the_others_let_go(tmp_path: Path) -> None:
    with working_in(tmp_path):
        began = threading.Event()
        got: list[float] = []

        def wait() -> None:
            began.set()
            with alone_in(tmp_path, 60.0):
                got.append(time.monotonic())

        thread = threading.Thread(target=wait)
        thread.start()
        began.wait()
        assert got == []
    thread.join(60.0)
    assert len(got) == 1


def test_a_worker_that_was_killed_is_known_to_be_dead_and_cleared_away(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    owner = holder.stdout.readline().strip()
    with worker(tmp_path) as me:
        owners = [owner, me.owner, "somebody@elsewhere/1-abcd"]
        assert dead(tmp_path, owners) == []
        clear(tmp_path)
        assert (tmp_path / "workers" / owner.rpartition("/")[2] / "call.wav").exists()
        holder.kill()
        holder.communicate()
        assert dead(tmp_path, owners) == [owner]
        clear(tmp_path)
        assert sorted(path.name for path in (tmp_path / "workers").iterdir()) == sorted(
            [me.scratch.name, f"{me.scratch.name}.lock"]
        )
    assert list((tmp_path / "workers").iterdir()) == []


def test_a_worker_that_begins_while_another_clears_away_is_not_taken_for_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = fcntl.flock

    def cleared_before(file: IO[str], how: int) -> None:
        if how == fcntl.LOCK_EX:  # a worker's own, before it has it
            clear(tmp_path)
        lock(file, how)

    monkeypatch.setattr("flows.presence.fcntl.flock", cleared_before)
    with worker(tmp_path) as me:
        assert me.scratch.with_suffix(".lock").exists()
        clear(tmp_path)
        assert me.scratch.is_dir()
    assert list((tmp_path / "workers").iterdir()) == []


def test_each_worker_has_a_folder_of_its_own(tmp_path: Path) -> None:
    with own_folder(tmp_path, "prefect") as first, own_folder(tmp_path, "prefect") as second:
        assert (first.name, second.name) == ("prefect", "prefect-2")
    with own_folder(tmp_path, "prefect") as again:
        assert again == first
