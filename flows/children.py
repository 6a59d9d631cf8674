"""Processes that end with the one that started them, even by kill -9."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import IO

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)  # loaded before a fork, after which another thread's lock may be held for good


def start(
    line: Sequence[str], output: IO[str] | None = None, environ: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a process that ends with this one, which on other systems than Linux only a clean end makes sure of.

    It has a session of its own: Ctrl-C is for its parent alone, which has yet to tell it what to do. Call this in a
    thread that lives as long as the process is to.
    """
    return subprocess.Popen(  # noqa: S603
        line,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        env=environ,
        start_new_session=True,
        preexec_fn=partial(die_with, os.getpid()) if sys.platform == "linux" else None,  # noqa: PLW1509
    )


def die_with(parent_pid: int) -> None:
    """In the child: be killed by the kernel when the parent ends, even by kill -9. Does nothing but on Linux."""
    if sys.platform != "linux":
        return
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(1)  # the parent ended before the kernel was asked
