from __future__ import annotations

import os
from pathlib import Path

import pytest

from flows.monitor.memory import memory_used_ratio, resident_bytes, throttled_s


@pytest.fixture
def group(tmp_path: Path) -> Path:
    """A control group two levels down; its parent has a limit."""
    inner = tmp_path / "groups/outer/inner"
    inner.mkdir(parents=True)
    (tmp_path / "own").write_text("0::/outer/inner\n")
    (tmp_path / "meminfo").write_text("MemTotal:       1000 kB\nMemFree: 1 kB\nMemAvailable:    700 kB\n")
    for folder, limit in ((inner, "max"), (inner.parent, "1000")):
        (folder / "memory.max").write_text(f"{limit}\n")
        (folder / "memory.current").write_text("900\n")
        (folder / "memory.stat").write_text("anon 500\ninactive_file 100\n")
    (inner / "cpu.stat").write_text("usage_usec 9\nthrottled_usec 2500000\n")
    return inner


def test_memory_is_of_whatever_is_nearest_to_its_limit(group: Path, tmp_path: Path) -> None:
    own, groups, meminfo = tmp_path / "own", tmp_path / "groups", tmp_path / "meminfo"
    assert memory_used_ratio(own, groups, meminfo) == pytest.approx(0.8)  # without the cache that can go
    (group.parent / "memory.max").write_text("max")
    assert memory_used_ratio(own, groups, meminfo) == pytest.approx(0.3)
    assert memory_used_ratio(tmp_path / "none", groups, tmp_path / "none") is None


def test_throttled_time_is_of_the_own_group(group: Path, tmp_path: Path) -> None:
    assert throttled_s(tmp_path / "own", tmp_path / "groups") == 2.5
    (group / "cpu.stat").write_text("usage_usec 9\n")
    assert throttled_s(tmp_path / "own", tmp_path / "groups") is None


def test_this_process_is_in_memory() -> None:
    assert 10e6 < resident_bytes(os.getpid()) < 100e9
    assert resident_bytes(2**22 + 1) == 0
