"""The process's memory, of which a night of calls must not take more than its first hour."""

from __future__ import annotations

import ctypes
from contextlib import suppress

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""glibc's malloc.h."""


def bound_heap() -> None:
    """Let glibc map every block over 1 MB by itself, so that it goes back to the system when it is freed.

    By default glibc learns from the first big block that is freed to keep blocks up to 32 MB in its heap, where the
    batches' ever smaller ones leave holes: 1.4 GB instead of 1.0 after a night's calls. Up to 64 MB that lie free at
    the heap's end it is to keep: giving pages back to ask for them again took a twentieth of all time (mallopt(3)).
    Elsewhere than on glibc nothing is done.
    """
    with suppress(AttributeError, OSError):
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, 1 << 20)
        libc.mallopt(_M_TRIM_THRESHOLD, 64 << 20)


def trim_heap() -> None:
    """Give back what lies free, holes too: up to 150 MB after the calls of one batch (malloc_trim(3))."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
