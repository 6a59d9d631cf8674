"""Threads from the cores that a process may really use, by made-up machines."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from asr.control_group import cpu_quota, memory_limit
from asr.cores import cores, real_cores
from asr.options import TranscribeOptions


def test_hyper_threads_of_a_core_are_one(tmp_path: Path) -> None:
    for number, siblings in enumerate(("0,2", "1,3", "0,2", "1,3")):
        topology = tmp_path / f"cpu{number}" / "topology"
        topology.mkdir(parents=True)
        (topology / "thread_siblings_list").write_text(f"{siblings}\n")
    assert real_cores({0, 1, 2, 3}, tmp_path) == 2
    assert real_cores({0, 2}, tmp_path) == 1
    assert real_cores({1, 2}, tmp_path) == 2
    # A CPU that says nothing of itself.
    assert real_cores({0, 1, 9}, tmp_path) == 3


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"": "max 100000"}, None),
        ({"": "250000 100000"}, 2.5),
        ({"system.slice/calls.service": "150000 100000", "system.slice": "max 100000"}, 1.5),
        ({"system.slice/calls.service": "400000 100000", "system.slice": "300000 100000"}, 3.0),
        ({"": "nonsense"}, None),
        ({}, None),
    ],
)
def test_the_least_quota_counts_of_a_group_and_those_around_it(
    tmp_path: Path, limits: dict[str, str], expected: float | None
) -> None:
    for group, line in limits.items():
        (tmp_path / group).mkdir(parents=True, exist_ok=True)
        (tmp_path / group / "cpu.max").write_text(line)
    own = tmp_path / "cgroup"
    own.write_text("0::/system.slice/calls.service\n")
    assert cpu_quota(own, tmp_path) == expected


def test_the_first_version_of_control_groups_is_read_too(tmp_path: Path) -> None:
    group = tmp_path / "cpu" / "docker" / "calls"
    group.mkdir(parents=True)
    (group / "cpu.cfs_quota_us").write_text("50000\n")
    (group / "cpu.cfs_period_us").write_text("100000\n")
    own = tmp_path / "cgroup"
    own.write_text("7:memory:/docker/calls\n3:cpu,cpuacct:/docker/calls\n")
    assert cpu_quota(own, tmp_path) == 0.5
    (group / "cpu.cfs_quota_us").write_text("-1\n")
    assert cpu_quota(own, tmp_path) is None


@pytest.mark.parametrize(
    ("limits", "expected"), [(("max", "max"), None), (("max", "1000"), 1000), (("500", "1000"), 500)]
)
def test_the_least_limit_of_memory_counts(tmp_path: Path, limits: tuple[str, str], expected: int | None) -> None:
    group = tmp_path / "system.slice" / "calls.service"
    group.mkdir(parents=True)
    for folder, limit in zip((group, group.parent), limits, strict=True):
        (folder / "memory.max").write_text(f"{limit}\n")
    own = tmp_path / "cgroup"
    own.write_text("0::/system.slice/calls.service\n")
    assert memory_limit(own, tmp_path) == expected


def test_a_limit_of_memory_in_the_first_version_may_be_none(tmp_path: Path) -> None:
    group = tmp_path / "memory" / "docker"
    group.mkdir(parents=True)
    own = tmp_path / "cgroup"
    own.write_text("7:memory:/docker\n3:cpu:/\n")
    (group / "memory.limit_in_bytes").write_text(f"{(1 << 63) - 4096}\n")
    assert memory_limit(own, tmp_path) is None
    (group / "memory.limit_in_bytes").write_text("2000000\n")
    assert memory_limit(own, tmp_path) == 2_000_000


def test_what_is_set_is_taken() -> None:
    assert cores(TranscribeOptions(threads=7)) == 7
    assert 1 <= cores(TranscribeOptions()) <= len(os.sched_getaffinity(0))
