"""Objects in S3: as in a folder, with the same keys below a prefix."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from pathlib import Path

from asr.errors import FatalError
from compliance.types import Document
from storage.buckets import (
    Protection,
    erase_all_versions,
    fetch_version,
    find_version,
    get_object,
    put_if_new,
)
from storage.objects import checked_key, digest_of, document_key, file_key, scratch_in, sweep_scratch

_FETCH_S = 3_600.0
"""Longer than any object of callwright's own takes; botocore gives up a connection that is silent for a minute."""


class BucketStore:
    """An ObjectStore below an s3://bucket/prefix. Safe with many threads, processes and machines at once.

    S3 takes an object whole, checks the SHA-256 that it comes with, and writes none over another. `scratch_root` is a
    folder on this machine for what is not finished; opening the store removes what killed processes left there an hour
    ago or earlier. Every method raises RetryableError if S3 is away or busy, FatalError if it refuses.
    """

    def __init__(self, uri: str, protection: Protection, scratch_root: Path) -> None:
        self._uri = uri.rstrip("/")
        self._protection = protection
        self._scratch_root = scratch_root
        sweep_scratch(scratch_root, time.time())

    def put(self, document: Document, day: date) -> str:
        """Keep a document and return its key."""
        key = document_key(document, day)
        put_if_new(self._place(key), document.body, digest_of(key), self._protection, document.media_type)
        return key

    def put_file(self, path: Path, kind: str, day: date) -> str:
        """Keep a file of at most 5 GiB, which is S3's limit, and return its key."""
        with path.open("rb") as file:
            key = file_key(file, kind, day)
            file.seek(0)
            put_if_new(self._place(key), file, digest_of(key), self._protection, "application/octet-stream")
        return key

    def get(self, key: str) -> bytes:
        """Return what a key holds. Raises FatalError if it holds nothing, or not what was put there."""
        body = get_object(self._place(key))
        if body is None:
            raise self._missing(key)
        self._check(key, hashlib.sha256(body).hexdigest())
        return body

    def check(self, key: str) -> None:
        """Raise as get does; the object is read, and not only asked for its checksum."""
        with self.file(key):
            pass

    @contextmanager
    def file(self, key: str) -> Iterator[Path]:
        """Give a copy on this machine of what a key holds, for the block alone. Raises as get does."""
        with self.scratch() as folder:
            path = folder / checked_key(key).rpartition("/")[2]
            digest = fetch_version(self._place(key), "", path, _FETCH_S)
            if digest is None:
                raise self._missing(key)
            self._check(key, digest)
            yield path

    def scratch(self) -> AbstractContextManager[Path]:
        """Give a folder on this machine; it is gone afterwards, with all that is left in it."""
        return scratch_in(self._scratch_root)

    def exists(self, key: str) -> bool:
        """Say whether a key holds anything."""
        return find_version(self._place(key)) is not None

    def delete(self, key: str) -> bool:
        """Remove all versions of what a key holds; say whether there was any. One under object lock is refused."""
        return erase_all_versions(self._place(key)) > 0

    def _place(self, key: str) -> str:
        return f"{self._uri}/{checked_key(key)}"

    def _missing(self, key: str) -> FatalError:
        return FatalError(
            f"the object {key} is not below {self._uri}", "Restore it from a backup, or process the recording again"
        )

    def _check(self, key: str, digest: str) -> None:
        if digest != digest_of(key):
            raise FatalError(
                f"the object {key} below {self._uri} does not hold what its name says",
                "Delete it, then restore it from a backup or process the recording again",
            )
