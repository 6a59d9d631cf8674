"""Signed anchors of the audit trail, each a small file or object that is written once."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from asr.errors import FatalError, PipelineError, RetryableError
from storage.buckets import Protection, get_object, list_objects, put_new_object

_NAME = re.compile(r"anchor-(\d{12})\.json")


class AnchorStore(Protocol):
    """Keeps anchors under numbers that count up from 1."""

    def numbers(self) -> list[int]:
        """Return the numbers that are there, in order."""
        ...

    def read(self, number: int) -> bytes:
        """Return the anchor of a number."""
        ...

    def write(self, number: int, document: bytes) -> str:
        """Keep an anchor under its number and say where; FatalError if that number is there."""
        ...


class AnchorFolder:
    """An AnchorStore in a folder. Errors are FatalError, but RetryableError for a disk that is full."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def numbers(self) -> list[int]:
        """Return the numbers that are there, in order."""
        return _numbers(path.name for path in self._root.glob("anchor-*.json"))

    def read(self, number: int) -> bytes:
        """Return the anchor of a number."""
        path = self._root / _name(number)
        try:
            return path.read_bytes()
        except OSError as error:
            raise _unusable(path, error) from error

    def write(self, number: int, document: bytes) -> str:
        """Keep an anchor under its number and say where; FatalError if that number is there."""
        path = self._root / _name(number)
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as file:
                file.write(document)
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(temporary, path)  # fails where a rename would replace
            finally:
                temporary.unlink()
        except OSError as error:
            raise _unusable(path, error) from error
        return str(path)


class AnchorBucket:
    """An AnchorStore below an s3://bucket/prefix. Errors are those of storage.buckets."""

    def __init__(self, uri: str, protection: Protection) -> None:
        self._uri = uri.rstrip("/")
        self._protection = protection

    def numbers(self) -> list[int]:
        """Return the numbers that are there, in order."""
        return _numbers(uri.rpartition("/")[2] for uri in list_objects(self._uri))

    def read(self, number: int) -> bytes:
        """Return the anchor of a number."""
        body = get_object(f"{self._uri}/{_name(number)}")
        if body is None:
            raise FatalError(f"the anchor {_name(number)} is not below {self._uri}", "Check audit.anchors")
        return body

    def write(self, number: int, document: bytes) -> str:
        """Keep an anchor under its number and say where; FatalError if that number is there."""
        uri = f"{self._uri}/{_name(number)}"
        put_new_object(uri, document, self._protection)
        return uri


def anchor_store(place: str, protection: Protection) -> AnchorStore:
    """Return the store at a folder or an s3:// URI; `protection` is for S3."""
    return AnchorBucket(place, protection) if place.startswith("s3://") else AnchorFolder(Path(place))


def _name(number: int) -> str:
    return f"anchor-{number:012d}.json"


def _numbers(names: Iterable[str]) -> list[int]:
    return sorted(int(found[1]) for name in names if (found := _NAME.fullmatch(name)))


def _unusable(path: Path, error: OSError) -> PipelineError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return RetryableError(f"the anchor {path} cannot be written: {error.strerror}", "Free space on that disk")
    return FatalError(f"the anchor {path} cannot be used: {error.strerror}", "Check audit.anchors and its folder")
