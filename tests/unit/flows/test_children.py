"""Processes that are started on some CPUs, and know which of several they are."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from flows.children import start, turn
from flows.commands import service
from tests.unit.asr.test_numa import make_nodes


def test_a_process_stays_on_the_cpus_that_it_is_given(tmp_path: Path) -> None:
    last = max(os.sched_getaffinity(0))
    for cpus in (frozenset({last}), None):
        with (tmp_path / "told").open("w+") as told:
            start([sys.executable, "-c", "import os; print(*sorted(os.sched_getaffinity(0)))"], told, cpus=cpus).wait()
            told.seek(0)
            assert told.read().split() == [str(cpu) for cpu in sorted(cpus or os.sched_getaffinity(0))]


def turn_beside_another(folder: Path) -> int:
    """Which process this is, once another has come too."""
    (folder / str(os.getpid())).touch()
    while len(list(folder.iterdir())) < 2:
        time.sleep(0.01)
    return turn()


def test_processes_of_a_pool_have_turns_one_after_another(tmp_path: Path) -> None:
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        turns = sorted(pool.map(turn_beside_another, [tmp_path] * 2))
    assert turns[1] - turns[0] == 1
    assert turn() == 0


def test_the_service_has_a_worker_for_each_node_and_one_on_a_machine_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        pytest.skip("one CPU makes no two nodes")
    two = make_nodes(tmp_path / "two", str(allowed[0]), ",".join(map(str, allowed[1:])))
    monkeypatch.setattr(service, "NODES", two)
    programs = service._on_each_node("the watcher", ["watch", "/in"], {})
    assert [(program.name, program.cpus) for program in programs] == [
        ("the watcher of node 0", frozenset(allowed[:1])),
        ("the watcher of node 1", frozenset(allowed[1:])),
    ]
    assert {program.line[-2:] for program in programs} == {("watch", "/in")}
    monkeypatch.setattr(service, "NODES", make_nodes(tmp_path / "one", ",".join(map(str, allowed))))
    assert [(one.name, one.cpus) for one in service._on_each_node("the worker", ["worker"], {})] == [
        ("the worker", None)
    ]
