"""The machine's NUMA nodes: cores with memory of their own, where that of another node is further away."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

NODES = Path("/sys/devices/system/node")
_THREADS = Path("/proc/self/task")


@dataclass(frozen=True, slots=True)
class Node:
    """A node by its number: its logical CPUs, and how much memory it has."""

    number: int
    cpus: frozenset[int]
    memory_bytes: int


def nodes(folder: Path) -> tuple[Node, ...]:
    """The nodes that have CPUs, in their order, as `folder` tells of them (kernel, ABI sysfs-devices-node); none if it
    does not."""
    numbers = sorted(int(path.name[4:]) for path in folder.glob("node[0-9]*"))
    found = (_node(folder / f"node{number}", number) for number in numbers)
    return tuple(node for node in found if node.cpus)


def spanned(allowed: Collection[int], machine: Sequence[Node]) -> tuple[Node, ...]:
    """The nodes of which some of these CPUs are, each with those of them alone."""
    shares = (Node(node.number, node.cpus & frozenset(allowed), node.memory_bytes) for node in machine)
    return tuple(share for share in shares if share.cpus)


def cpus_of(turn: int, allowed: Collection[int], machine: Sequence[Node]) -> frozenset[int] | None:
    """Where the process whose turn it is, counted from 0, is to stay: the CPUs that it may use of one node, node after
    node. None where they are all of one node, since there a process that is bound wins nothing (docs/performance.md).

    >>> pair = [Node(0, frozenset({0, 1}), 0), Node(1, frozenset({2, 3}), 0)]
    >>> [sorted(cpus_of(turn, {0, 1, 2}, pair) or ()) for turn in range(3)]
    [[0, 1], [2], [0, 1]]
    >>> cpus_of(1, {0, 1}, pair) is None
    True
    """
    shares = spanned(allowed, machine)
    return shares[turn % len(shares)].cpus if len(shares) > 1 else None


def bind(turn: int, folder: Path = NODES) -> None:
    """Keep this process, all threads that it has and what they start, on the node whose turn it is (see cpus_of).

    Memory that is first used from then on lies on that node too: the kernel gives a thread what is near it
    (admin-guide/mm/numa_memory_policy). Call it before anything is loaded.
    """
    if (cpus := cpus_of(turn, os.sched_getaffinity(0), nodes(folder))) is not None:
        for thread in _THREADS.iterdir():  # a process's affinity is that of each of its threads
            with suppress(ProcessLookupError):
                os.sched_setaffinity(int(thread.name), cpus)


def cpus_in(text: str) -> frozenset[int]:
    """The numbers in a list as the kernel writes it.

    >>> sorted(cpus_in("0-2,8"))
    [0, 1, 2, 8]
    """
    parts = (part.partition("-") for part in text.strip().split(",") if part)
    return frozenset(number for first, _, last in parts for number in range(int(first), int(last or first) + 1))


def _node(folder: Path, number: int) -> Node:
    try:
        cpus = cpus_in((folder / "cpulist").read_text())
        total = re.search(r"MemTotal:\s+(\d+) kB", (folder / "meminfo").read_text())
    except (OSError, ValueError):
        return Node(number, frozenset(), 0)
    return Node(number, cpus, int(total[1]) * 1024 if total else 0)
