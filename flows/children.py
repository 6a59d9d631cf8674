"""Processes that end with the one that started them, even by kill -9."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from multiprocessing import current_process
from typing import IO

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)  # loaded before a fork, after which another thread's lock may be held for good


def start(
    line: Sequence[str],
    output: IO[str] | None = None,
    environ: Mapping[str, str] | None = None,
    cpus: Collection[int] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a process that ends with this one, which on other systems than Linux only a clean end makes sure of.

    It stays on `cpus`, if any are given. It has a session of its own: Ctrl-C is for its parent alone, which has yet to
    tell it what to do. Call this in a thread that lives as long as the process is to.
    """
    return subprocess.Popen(  # noqa: S603
        line,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        env=environ,
        start_new_session=True,
        preexec_fn=partial(_begin, os.getpid(), cpus) if sys.platform == "linux" else None,  # noqa: PLW1509
    )


def _begin(parent_pid: int, cpus: Collection[int] | None) -> None:
    if cpus is not None:
        os.sched_setaffinity(0, cpus)
    die_with(parent_pid)


def die_with(parent_pid: int) -> None:
    """In the child: be killed by the kernel when the parent ends, even by kill -9. Does nothing but on Linux."""
    if sys.platform != "linux":
        return
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(1)  # the parent ended before the kernel was asked


def turn() -> int:
    """Which of its parent's processes this is, as multiprocessing counts them in their names, SpawnProcess-3; 0 for one
    that it did not start."""
    number = current_process().name.rpartition("-")[2]
    return int(number) if number.isdigit() else 0
