"""NUMA nodes by made-up machines, and the CPUs of this one as if they were of two."""

from __future__ import annotations

import doctest
import os
import subprocess
import sys
from pathlib import Path

import pytest

import asr.instructions
import asr.numa
from asr.instructions import cpu_flags, cpu_name, instruction_sets
from asr.numa import Node, cpus_in, nodes, spanned


def make_nodes(folder: Path, *cpulists: str) -> Path:
    for number, cpulist in enumerate(cpulists):
        node = folder / f"node{number}"
        node.mkdir(parents=True)
        (node / "cpulist").write_text(f"{cpulist}\n")
        (node / "meminfo").write_text(f"Node {number} MemTotal:       1000 kB\nNode {number} MemFree: 10 kB\n")
    (folder / "possible").write_text("0-1\n")
    return folder


def test_nodes_are_read_with_their_cpus_and_memory(tmp_path: Path) -> None:
    # A node without CPUs has memory alone, as that of an accelerator; the tenth comes after the second.
    folder = make_nodes(tmp_path, "0-3,8-11", "4-7", "")
    (folder / "node1").rename(folder / "node10")
    assert nodes(folder) == (
        Node(0, frozenset({0, 1, 2, 3, 8, 9, 10, 11}), 1_024_000),
        Node(10, frozenset({4, 5, 6, 7}), 1_024_000),
    )
    assert nodes(tmp_path / "none") == ()


def test_only_nodes_of_allowed_cpus_are_spanned(tmp_path: Path) -> None:
    machine = nodes(make_nodes(tmp_path, "0-3", "4-7"))
    assert [node.number for node in spanned({2, 5}, machine)] == [0, 1]
    assert spanned({4, 5}, machine) == (Node(1, frozenset({4, 5}), 1_024_000),)
    assert spanned({0, 1}, ()) == ()


def test_lists_of_the_kernel() -> None:
    assert cpus_in("\n") == frozenset()
    assert cpus_in("0,2-3\n") == {0, 2, 3}


@pytest.mark.parametrize("module", [asr.numa, asr.instructions], ids=["numa", "instructions"])
def test_examples_hold(module: object) -> None:
    results = doctest.testmod(module)  # type: ignore[arg-type]
    assert results.attempted >= 1
    assert results.failed == 0


BOUND = """
import os, sys, threading
from pathlib import Path
from asr.numa import bind
told, over = [], threading.Event()
def wait():
    over.wait()
    told.append(os.sched_getaffinity(0))
before = threading.Thread(target=wait)
before.start()
bind(int(sys.argv[1]), Path(sys.argv[2]))
over.set()
before.join()
assert told == [os.sched_getaffinity(0)], "what ran before is bound too"
print(*sorted(told[0]))
"""


def test_processes_are_bound_to_one_node_after_another_and_on_one_node_to_none(tmp_path: Path) -> None:
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        pytest.skip("one CPU makes no two nodes")
    two = make_nodes(tmp_path / "two", *(",".join(map(str, half)) for half in (allowed[:1], allowed[1:])))
    one = make_nodes(tmp_path / "one", ",".join(map(str, allowed)))

    def bound(turn: int, folder: Path) -> list[int]:
        line = [sys.executable, "-c", BOUND, str(turn), str(folder)]
        told = subprocess.run(line, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3])
        return [int(number) for number in told.stdout.split()]

    assert [bound(turn, two) for turn in (1, 2, 3)] == [allowed[1:], allowed[:1], allowed[1:]]
    assert bound(1, one) == allowed


def test_what_the_cpu_can_do_is_read_on_x86_and_arm(tmp_path: Path) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text("model name\t: Some CPU\nflags\t\t: fpu avx2 avx512f avx512_vnni amx_tile\n\nflags : fpu\n")
    assert (cpu_name(info), instruction_sets(cpu_flags(info))) == ("Some CPU", ("AVX2", "AVX-512", "VNNI", "AMX"))
    info.write_text("processor\t: 0\nFeatures\t: fp asimd sve i8mm bf16\n")
    assert (cpu_name(info), instruction_sets(cpu_flags(info))) == ("", ("BF16", "NEON", "SVE", "I8MM"))
    assert cpu_flags(tmp_path / "none") == frozenset()
