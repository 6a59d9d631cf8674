"""What a check is given, and what it says."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from asr.control_group import cpu_quota
from asr.cores import share
from configs.load import USER_FILE
from configs.settings import Settings


class Status(StrEnum):
    """How it stands with one thing. SKIPPED is what could not be asked, because of something that another finding
    names, or what these settings do not use."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found, and what to do about it; neither holds a secret. Nothing is to be done if all is well."""

    status: Status
    found: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A check by its name, and what it found."""

    name: str
    status: Status
    found: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Patient:
    """What is looked at: settings and the file that they may come from, the data folder, the environment, the logical
    CPUs that this process may use, and below `root` what the kernel tells of the machine."""

    settings: Settings
    data_dir: Path
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    cpus: frozenset[int] = field(default_factory=lambda: frozenset(os.sched_getaffinity(0)))
    settings_file: Path = Path(USER_FILE)
    root: Path = Path("/")

    @property
    def quota(self) -> float | None:
        """How many cores its control group may keep busy (asr.control_group); None for no limit."""
        return cpu_quota(self.root / "proc/self/cgroup", self.root / "sys/fs/cgroup")

    @property
    def usable_cores(self) -> int:
        """How many cores it may keep busy (asr.cores)."""
        return share(self.cpus, self.root / "sys/devices/system/cpu", self.quota)


@dataclass(frozen=True, slots=True)
class Check:
    """A function to be asked within so many seconds. A PipelineError that it raises is a failure with its remedy.

    `is_slow` is one that takes seconds by itself: `--quick` leaves it out.
    """

    name: str
    ask: Callable[[Patient], Verdict]
    limit_s: float = 20.0
    is_slow: bool = False


def ok(found: str) -> Verdict:
    """All is well."""
    return Verdict(Status.OK, found)


def warning(found: str, remedy: str) -> Verdict:
    """It works, but worse than it could."""
    return Verdict(Status.WARNING, found, remedy)


def failure(found: str, remedy: str) -> Verdict:
    """Something will not work."""
    return Verdict(Status.FAILURE, found, remedy)


def skipped(found: str) -> Verdict:
    """It was not asked, and why."""
    return Verdict(Status.SKIPPED, found)
