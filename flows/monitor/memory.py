"""Memory and CPU time as the kernel tells of them: of a process, and of the control group that this one is in."""

from __future__ import annotations

import os
from pathlib import Path

from asr.control_group import GROUPS, OWN_GROUP, around

_MEMINFO = Path("/proc/meminfo")


def resident_bytes(pid: int) -> int:
    """Bytes of a process that are in memory (proc(5), statm); 0 for one that is no more."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0


def memory_used_ratio(own: Path = OWN_GROUP, groups: Path = GROUPS, meminfo: Path = _MEMINFO) -> float | None:
    """Memory in use over memory: the highest of the machine's and those of the control groups around this process
    that have a limit (version 2: memory.max), whose page cache that can go is not counted. None if nothing tells."""
    ratios = [ratio for group in around(own, groups, "memory") if (ratio := _group_ratio(group)) is not None]
    try:
        told = dict(line.split(":") for line in meminfo.read_text().splitlines())
        ratios.append(1.0 - _first(told["MemAvailable"]) / _first(told["MemTotal"]))
    except (OSError, KeyError, ValueError, ZeroDivisionError):
        pass  # not Linux
    return max(ratios, default=None)


def throttled_s(own: Path = OWN_GROUP, groups: Path = GROUPS) -> float | None:
    """Seconds for which the CPU quota of this process's control group held it up (version 2: cpu.stat)."""
    for group in around(own, groups, "cpu"):
        try:
            told = dict(line.split() for line in (group / "cpu.stat").read_text().splitlines())
            return int(told["throttled_usec"]) / 1e6
        except (OSError, KeyError, ValueError):
            continue
    return None


def _group_ratio(group: Path) -> float | None:
    try:
        limit = (group / "memory.max").read_text().strip()
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        used = int((group / "memory.current").read_text()) - int(stat.get("inactive_file", 0))
        return None if limit == "max" else used / int(limit)
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _first(text: str) -> float:
    return float(text.split(maxsplit=1)[0])
