"""Folders and their disks: whether they can be written, have room, and are quick."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from asr.models import cache_folder
from configs.load import read_layers
from configs.settings import known_keys
from flows.doctor.finding import Patient, Verdict, failure, ok, skipped, warning
from flows.wiring import database_url, missing_models, objects_place
from storage.session import sqlite_file

_FULL_BYTES, _FILLING_BYTES = 256e6, 2e9
"""A night of 500 calls leaves some tens of MB in database and objects; SQLite's log and a group's scratch files come on
top. Models take 300 MB."""

_WRITTEN_BYTES = 32 << 20
_SYNCS = 15
_SLOW_BYTES_S, _SLOW_SYNC_S = 20e6, 0.05
"""Copies of recordings come as quickly as they are heard, and a publication waits for a few syncs: of a spinning disk,
at 10 ms each, nobody notices anything."""


def folders(patient: Patient) -> Verdict:
    """Whether what is kept and what is fetched can be written where it is to be."""
    places = dict(_folders(patient))
    closed = [f"{name} {folder}" for name, folder in places.items() if not can_write(folder)]
    if closed:
        return failure(
            f"cannot be written: {'; '.join(closed)}",
            "Give this user the right to write there, mount it for writing, or name another folder",
        )
    return ok(", ".join(f"{name} {folder}" for name, folder in places.items()))


def disk_space(patient: Patient) -> Verdict:
    """Whether there is room on every disk that something is kept on."""
    full, filling, free = [], [], []
    for name, folder in _folders(patient):
        usage, inodes = shutil.disk_usage(_nearest(folder)), os.statvfs(_nearest(folder))
        takes_files = inodes.f_favail or not inodes.f_files  # some file systems count none
        left = f"{name} {folder}: {usage.free / 1e9:.1f} GB{'' if takes_files else ', but not one file more'}"
        free.append(left)
        if usage.free < _FULL_BYTES or not takes_files:
            full.append(left)
        elif usage.free < _FILLING_BYTES:
            filling.append(left)
    remedy = "Free space there, or name a folder on another disk. `callwright sweep --dry-run` says what may go"
    if full:
        return failure(f"no room is left: {'; '.join(full)}", remedy)
    if filling:
        return warning(f"little room is left: {'; '.join(filling)}", remedy)
    return ok(f"free: {'; '.join(free)}")


def disk_speed(patient: Patient) -> Verdict:
    """How quickly the data folder's disk writes, and how long it takes to be sure of a few bytes."""
    folder = _nearest(patient.data_dir)
    if not (can_write(folder) and has_room(folder, 2 * _WRITTEN_BYTES)):
        return skipped("the data folder cannot be written")
    block = os.urandom(1 << 20)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as file:
        began_s = time.perf_counter()
        for _ in range(_WRITTEN_BYTES // len(block)):
            file.write(block)
        os.fsync(file.fileno())
        rate = _WRITTEN_BYTES / (time.perf_counter() - began_s)
        sync_s = median([_synced(file.fileno()) for _ in range(_SYNCS)])
    found = f"{rate / 1e6:.0f} MB/s, {sync_s * 1e3:.1f} ms to be sure of a write"
    if rate < _SLOW_BYTES_S or sync_s > _SLOW_SYNC_S:
        return warning(found, "Keep the data folder on a local SSD; a network share makes every publication wait")
    return ok(found)


def settings_file(patient: Patient) -> Verdict:
    """Whether a settings file that holds a secret can be read by everybody."""
    path = patient.settings_file
    if not path.exists():
        return ok(f"there is no {path} here")
    keys = known_keys()
    secrets = [name for layer in read_layers(None, (), {}, path) for name in layer.values if keys[name].secret]
    mode = stat.S_IMODE(path.stat().st_mode)
    if secrets and mode & stat.S_IROTH:
        return failure(
            f"{path} holds {', '.join(secrets)} and can be read by everybody ({mode:o})",
            f"chmod 640 {path}, and change what was to be read there",
        )
    if mode & stat.S_IWOTH:
        return failure(f"{path} can be written by everybody ({mode:o})", f"chmod 640 {path}")
    return ok(f"{path} ({mode:o}){' with secrets' if secrets else ''}")


def _folders(patient: Patient) -> Iterator[tuple[str, Path]]:
    """The folders on this machine that a run writes to; the models' only if some are still to be fetched."""
    settings = patient.settings
    yield "data", patient.data_dir
    if settings.storage.database_url and (file := database_file(patient)):
        yield "database", file.parent
    if settings.storage.objects_dir and not (place := objects_place(settings, patient.data_dir)).startswith("s3://"):
        yield "objects", Path(place)
    if settings.vault.keep and settings.vault.folder:
        yield "vault", Path(settings.vault.folder)
    if missing_models(settings):
        yield "models", cache_folder(settings.models)


def _nearest(folder: Path) -> Path:
    """The folder, or the first of those around it that is there: where it is going to be made."""
    absolute = folder.absolute()
    return next(path for path in (absolute, *absolute.parents) if path.exists())


def can_write(folder: Path) -> bool:
    """Whether a file can be made there; a full disk is another matter."""
    place = _nearest(folder)
    return place.is_dir() and os.access(place, os.W_OK | os.X_OK)


def has_room(folder: Path, size_bytes: int = 1 << 20) -> bool:
    """Whether a file of that size fits on the folder's disk."""
    return shutil.disk_usage(folder).free >= size_bytes


def database_file(patient: Patient) -> Path | None:
    """Where SQLite's file is, or is going to be; None if the database is a server's. Raises ConfigError for a URL that
    is none."""
    return sqlite_file(database_url(patient.settings, patient.data_dir))


def _synced(file: int) -> float:
    began_s = time.perf_counter()
    os.write(file, b"callwright doctor")
    os.fsync(file)
    return time.perf_counter() - began_s
