"""How many threads this process is to keep busy."""

from __future__ import annotations

import os
from collections.abc import Iterable
from math import ceil
from pathlib import Path

from asr.options import TranscribeOptions

_CPUS = Path("/sys/devices/system/cpu")
_GROUPS = Path("/sys/fs/cgroup")
_OWN_GROUP = Path("/proc/self/cgroup")


def cores(options: TranscribeOptions) -> int:
    """Those that were set, else this process's share of the machine: the cores of its affinity or its control group's
    quota of CPU time, whichever is less. A container that may use two cores of 64 is not to start 64 threads."""
    if options.threads:
        return options.threads
    real = real_cores(os.sched_getaffinity(0), _CPUS)
    quota = cpu_quota(_OWN_GROUP, _GROUPS)
    return max(1, min(real, ceil(quota))) if quota else real


def real_cores(allowed: Iterable[int], cpus: Path) -> int:
    """How many cores there are among logical CPUs, by `cpus`/cpuN/topology: hyper-threads share the units that
    multiply, and two that do so at once only wait for each other. What has no topology counts by itself."""
    return len({_siblings(cpus / f"cpu{number}" / "topology" / "thread_siblings_list", number) for number in allowed})


def _siblings(path: Path, number: int) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return str(number)


def cpu_quota(own: Path, groups: Path) -> float | None:
    """How many cores the control group that `own` names, and those around it, may keep busy; None for no limit.

    `groups` is where the hierarchy is mounted: version 2 has "QUOTA PERIOD" in microseconds in cpu.max (kernel,
    admin-guide/cgroup-v2), version 1 two files below cpu/.
    """
    quotas = [quota for group in _around(own, groups) if (quota := _quota(group)) is not None]
    return min(quotas, default=None)


def _around(own: Path, groups: Path) -> Iterable[Path]:
    """The folders of the process's groups and of all around them, up to the mount."""
    try:
        lines = own.read_text().splitlines()
    except OSError:
        lines = ["0::/"]
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        mount = groups / "cpu" if controllers else groups
        group = mount / path.lstrip("/")
        yield group
        yield from (parent for parent in group.parents if parent.is_relative_to(mount))


def _quota(group: Path) -> float | None:
    try:
        if (group / "cpu.max").exists():
            quota, period = (group / "cpu.max").read_text().split()
        else:
            quota, period = ((group / f"cpu.cfs_{what}_us").read_text() for what in ("quota", "period"))
        return int(quota) / int(period) if int(quota) > 0 else None
    except (OSError, ValueError):
        return None
