"""Who works in a data folder. The kernel lets go of a file's lock when a process ends, however it ends.

Workers share the folder; leases keep them apart. What deletes files has it alone.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from asr.errors import FatalError
from flows.wiring import actor

_WORKERS = "workers"
_RETRY_S = 0.05


@dataclass(frozen=True, slots=True)
class Worker:
    """One process at work: a name that no other has, and a folder of its own for what it fetches."""

    owner: str
    scratch: Path


@contextmanager
def working_in(data_dir: Path, wait_s: float = 0.0) -> Iterator[None]:
    """Hold the data folder beside other workers.

    Raises FatalError if it cannot be written, or if what deletes still has it after so many seconds.
    """
    with _held(data_dir, fcntl.LOCK_SH, wait_s):
        yield


@contextmanager
def alone_in(data_dir: Path, wait_s: float = 0.0) -> Iterator[None]:
    """Hold the data folder alone. Raises FatalError if others still work in it after so many seconds."""
    with _held(data_dir, fcntl.LOCK_EX, wait_s):
        yield


@contextmanager
def _held(data_dir: Path, how: int, wait_s: float) -> Iterator[None]:
    deadline_s = time.monotonic() + wait_s
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = (data_dir / "run.lock").open("w")
    except OSError as error:
        raise _cannot_be_written(data_dir, error) from error
    with lock:
        while not _locked(lock.fileno(), how):
            if time.monotonic() >= deadline_s:
                raise FatalError(
                    f"another run is working in {data_dir}", "Wait for it, or name another folder with --data-dir"
                )
            time.sleep(_RETRY_S)
        yield


@contextmanager
def worker(data_dir: Path) -> Iterator[Worker]:
    """Be a worker, known by a lock that ends with this process. Raises FatalError if the folder cannot be written."""
    name = f"{os.getpid()}-{secrets.token_hex(4)}"
    path = data_dir / _WORKERS / f"{name}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # It has its name once it is locked: who clears away would take one that is not for a dead worker's.
        unnamed = path.with_suffix(".new")
        lock = unnamed.open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
        unnamed.rename(path)
        # What is fetched is not redacted.
        path.with_suffix("").mkdir(mode=0o700)
    except OSError as error:
        raise _cannot_be_written(data_dir, error) from error
    with lock:
        try:
            yield Worker(f"{actor()}/{name}", path.with_suffix(""))
        finally:
            shutil.rmtree(path.with_suffix(""), ignore_errors=True)
            path.unlink(missing_ok=True)


@contextmanager
def own_folder(data_dir: Path, name: str) -> Iterator[Path]:
    """Give a folder of that name in the data folder that no other worker has; a number is added if one has it."""
    for number in count(1):
        folder = data_dir / (name if number == 1 else f"{name}-{number}")
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "worker.lock").open("w") as lock:
            if _locked(lock.fileno(), fcntl.LOCK_EX):
                yield folder
                return


def dead(data_dir: Path, owners: Collection[str]) -> list[str]:
    """Which of these owners worked in this data folder and are no more; of those elsewhere nothing is known."""
    found = []
    for owner in owners:
        path = data_dir / _WORKERS / f"{owner.rpartition('/')[2]}.lock"
        if path.exists() and _is_free(path):
            found.append(owner)
    return found


def clear(data_dir: Path) -> None:
    """Remove what dead workers left in the data folder. Call it once the ledger knows that they are dead."""
    for path in (data_dir / _WORKERS).glob("*.lock"):
        if _is_free(path):
            shutil.rmtree(path.with_suffix(""), ignore_errors=True)
            path.unlink(missing_ok=True)


def _is_free(path: Path) -> bool:
    try:
        with path.open("r+") as lock:
            return _locked(lock.fileno(), fcntl.LOCK_EX)
    except OSError:
        return False


def _locked(file: int, how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _cannot_be_written(data_dir: Path, error: OSError) -> FatalError:
    return FatalError(f"{data_dir} cannot be written: {error.strerror}", "Name another folder with --data-dir")
