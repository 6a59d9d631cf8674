"""The files of recordings, where their recorders left them: deleted or moved, if they are still what they were.

A path may have been used again: what lies there now is compared by its SHA-256 before anything is done to it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from urllib.parse import unquote_to_bytes

from asr.errors import FatalError
from storage.buckets import copy_object, erase_versions
from storage.types import Outcome

_S3 = "s3://"
_FILE = "file://"


def erase_place(uri: str, sha256: str) -> Outcome:
    """Delete the file of a recording at a file:// or s3:// URI, all its versions there.

    What is gone already, and what another recording has taken the place of, is done too, with a note. A file that
    cannot be deleted is an Outcome that is not done; RetryableError and FatalError come from S3 alone.
    """
    if uri.startswith(_S3):
        erased, kept = erase_versions(uri, sha256)
        note = f"{kept} versions at its place hold other bytes and stay" if kept else "" if erased else "was gone"
        return Outcome(done=True, count=erased, note=note)
    path = file_path(uri)
    try:
        if not path.exists():
            return Outcome(done=True, count=0, note="was gone")
        if _hash(path) != sha256:
            return Outcome(done=True, count=0, note="another file has taken its place and stays")
        return _unlink(path)
    except OSError as error:
        return Outcome(done=False, count=0, note=f"{error.strerror} where its file lies")


def move_place(uri: str, sha256: str, target: str) -> tuple[Outcome, str | None]:
    """Move a recording's file below a folder or s3:// prefix, under its SHA-256; return where it lies now.

    Where it lies is None if nothing was there to be moved. Killed midway, it is in both places and the next try ends
    it.
    """
    if not target:
        raise FatalError("source audio is to be moved and no place is named", "Set retention.move_to")
    if uri.startswith(_S3):
        if not target.startswith(_S3):
            return Outcome(done=False, count=0, note="what lies in S3 can be moved to s3:// alone"), None
        name = f"{target.rstrip('/')}/{sha256}{os.path.splitext(uri)[1]}"  # noqa: PTH122 - a URI is no path
        if not copy_object(uri, name, sha256):
            return erase_place(uri, sha256), None
        return erase_place(uri, sha256), name
    if target.startswith(_S3):
        return Outcome(done=False, count=0, note="a file in a folder can be moved to a folder alone"), None
    path, moved = file_path(uri), Path(target) / f"{sha256}{file_path(uri).suffix}"
    try:
        if path.exists() and _hash(path) == sha256:
            moved.parent.mkdir(parents=True, exist_ok=True)
            temporary = moved.with_name(f".{moved.name}.tmp")
            shutil.copyfile(path, temporary)
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(moved)
        outcome = erase_place(uri, sha256)
        return outcome, moved.absolute().as_uri() if moved.exists() else None
    except OSError as error:
        return Outcome(done=False, count=0, note=f"{error.strerror} where its file is moved to"), None


def file_path(uri: str) -> Path:
    """The path of a file:// URI, whatever bytes its name has. Raises FatalError for another URI."""
    if not uri.startswith(_FILE):
        raise FatalError("a recording lies at a place that is neither file:// nor s3://", "Report this as a bug")
    return Path(os.fsdecode(unquote_to_bytes(uri.removeprefix(_FILE))))


def _unlink(path: Path) -> Outcome:
    """Delete a file, and what it is a link to; hard links under other names cannot be found, and are told of."""
    target = path.resolve()
    links = target.stat().st_nlink
    target.unlink()
    if path.is_symlink():
        path.unlink()
    note = f"{links - 1} hard links to it under other names stay" if links > 1 else ""
    return Outcome(done=True, count=1, note=note)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
