"""What the process's control group, and those around it, let it have of the machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup")
OWN_GROUP = Path("/proc/self/cgroup")

_NO_LIMIT = 1 << 62
"""The first version of control groups says so much for no limit of memory, less what is no whole page."""


def cpu_quota(own: Path, groups: Path) -> float | None:
    """How many cores the control group that `own` names, and those around it, may keep busy; None for no limit.

    `groups` is where the hierarchy is mounted: version 2 has "QUOTA PERIOD" in microseconds in cpu.max (kernel,
    admin-guide/cgroup-v2), version 1 two files below cpu/.
    """
    quotas = [quota for group in around(own, groups, "cpu") if (quota := _quota(group)) is not None]
    return min(quotas, default=None)


def memory_limit(own: Path, groups: Path) -> int | None:
    """How many bytes the control group that `own` names, and those around it, may hold; None for no limit.

    `groups` is as for cpu_quota: version 2 has memory.max, version 1 memory.limit_in_bytes below memory/.
    """
    limits = [limit for group in around(own, groups, "memory") if (limit := _limit(group)) is not None]
    return min(limits, default=None)


def around(own: Path, groups: Path, controller: str) -> Iterator[Path]:
    """The folders of the groups that `own` names, of a controller such as "cpu", and of all around them, up to where
    they are mounted."""
    try:
        lines = own.read_text().splitlines()
    except OSError:
        lines = ["0::/"]
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        mount = groups / controller if controllers else groups
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


def _limit(group: Path) -> int | None:
    for name in ("memory.max", "memory.limit_in_bytes"):
        try:
            limit = int((group / name).read_text())
        except (OSError, ValueError):  # "max" among them
            continue
        return limit if limit < _NO_LIMIT else None
    return None
