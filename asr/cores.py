"""How many threads this process is to keep busy."""

from __future__ import annotations

import os
from collections.abc import Iterable
from math import ceil
from pathlib import Path

from asr.control_group import GROUPS, OWN_GROUP, cpu_quota
from asr.options import TranscribeOptions

CPUS = Path("/sys/devices/system/cpu")


def cores(options: TranscribeOptions) -> int:
    """Those that were set, else this process's share of the machine. A container that may use two cores of 64 is not to
    start 64 threads."""
    return options.threads or share(os.sched_getaffinity(0), CPUS, cpu_quota(OWN_GROUP, GROUPS))


def share(allowed: Iterable[int], cpus: Path, quota: float | None) -> int:
    """The cores of these logical CPUs (see real_cores), or the control group's quota of CPU time, whichever is less."""
    real = real_cores(allowed, cpus)
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
