"""Where renderings rest: files named by the SHA-256 of what they hold."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from asr.errors import FatalError, RetryableError
from compliance.types import Document

STALE_S = 3_600.0
"""A temporary file this old was left by a process that was killed: a write takes well under a second."""

_SCRATCH = ".scratch-"

_KEY = re.compile(r"([0-9a-f]{2})/(\1[0-9a-f]{62})\.[a-z0-9]{1,16}")

_RETRYABLE = {
    errno.ENOSPC: "Free space on that disk, then try again",
    errno.EDQUOT: "Free some of this user's quota, then try again",
    errno.EMFILE: "Raise the limit of open files, then try again",
    errno.ENFILE: "Wait until other processes have closed files, then try again",
}


class ObjectStore(Protocol):
    """Keeps documents under keys that follow from what they hold: keeping one twice changes nothing."""

    def put(self, document: Document) -> str:
        """Keep a document and return its key, "ab/abcd....json"; from then on it outlasts a crash."""
        ...

    def get(self, key: str) -> bytes:
        """Return what a key holds. Raises FatalError if it holds nothing, or not what was put there."""
        ...

    def put_file(self, path: Path, kind: str) -> str:
        """As put, of a file that may be too large for the memory."""
        ...

    def locate(self, key: str) -> Path:
        """Return the file that holds what a key holds. Raises as get does."""
        ...

    def exists(self, key: str) -> bool:
        """Say whether a key holds anything."""
        ...

    def delete(self, key: str) -> bool:
        """Remove what a key holds, for good; say whether there was anything."""
        ...


def object_key(document: Document) -> str:
    """Return a key: the SHA-256 of the body in hex and the kind, after the first two digits and a slash."""
    return _key(hashlib.sha256(document.body).hexdigest(), document.kind)


def _key(digest: str, kind: str) -> str:
    return f"{digest[:2]}/{digest}.{kind}"


class FolderStore:
    """An ObjectStore in a folder, which is made if need be. Safe with many threads and processes at once.

    Opening it removes what killed processes left half-written an hour ago or earlier.

    Every method raises RetryableError if the disk is full, FatalError if the folder cannot be used.
    """

    def __init__(self, root: Path, now_s: float | None = None) -> None:
        self._root = root
        with _mapped_errors(root):
            root.mkdir(parents=True, exist_ok=True)
            self._sweep(time.time() if now_s is None else now_s)

    def put(self, document: Document) -> str:
        """Keep a document and return its key; whenever a kill comes, it is there whole or not at all."""
        key = object_key(document)
        path = self._path(key)
        with _mapped_errors(path):
            if path.exists() and path.stat().st_size == len(document.body):
                return key
            if not path.parent.exists():
                path.parent.mkdir(exist_ok=True)
                _sync_folder(self._root)
            # One thread writes one file at a time, so the name is its own.
            temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
            try:
                with temporary.open("wb") as file:
                    file.write(document.body)
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(path)
            except OSError:
                temporary.unlink(missing_ok=True)
                raise
            _sync_folder(path.parent)
        return key

    def put_file(self, path: Path, kind: str) -> str:
        """Keep a file and return its key; one that lies in a folder of `scratch` is not copied, but linked."""
        with _mapped_errors(path):
            with path.open("rb") as file:
                key = _key(hashlib.file_digest(file, "sha256").hexdigest(), kind)
                os.fsync(file.fileno())
            kept = self._path(key)
            if kept.exists() and kept.stat().st_size == path.stat().st_size:
                return key
            if not kept.parent.exists():
                kept.parent.mkdir(exist_ok=True)
                _sync_folder(self._root)
            temporary = kept.with_name(f".{kept.name}.{os.getpid()}-{threading.get_ident()}.tmp")
            temporary.unlink(missing_ok=True)
            try:
                os.link(path, temporary)
            except OSError:  # another disk, or one without links
                shutil.copyfile(path, temporary)
            temporary.replace(kept)
            _sync_folder(kept.parent)
        return key

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder on the store's disk for what is not finished; it is gone afterwards, with all that is left in it."""
        with _mapped_errors(self._root):
            folder = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=self._root))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def get(self, key: str) -> bytes:
        """Return what a key holds. Raises FatalError if it holds nothing, or not what was put there."""
        path = self._path(key)
        with _mapped_errors(path):
            try:
                body = path.read_bytes()
            except FileNotFoundError as error:
                raise self._missing(key) from error
        self._check(key, hashlib.sha256(body).hexdigest())
        return body

    def locate(self, key: str) -> Path:
        """Return the file that holds what a key holds. Raises FatalError as get does; the file is hashed as it lies."""
        path = self._path(key)
        with _mapped_errors(path):
            try:
                with path.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
            except FileNotFoundError as error:
                raise self._missing(key) from error
        self._check(key, digest)
        return path

    def _missing(self, key: str) -> FatalError:
        return FatalError(
            f"the object {key} is not in {self._root}", "Restore it from a backup, or process the recording again"
        )

    def _check(self, key: str, digest: str) -> None:
        if digest != self._path(key).stem:
            raise FatalError(
                f"the object {key} in {self._root} does not hold what its name says",
                "Delete the file, then restore it from a backup or process the recording again",
            )

    def exists(self, key: str) -> bool:
        """Say whether a key holds anything."""
        with _mapped_errors(self._root):
            return self._path(key).is_file()

    def delete(self, key: str) -> bool:
        """Remove what a key holds, for good; say whether there was anything."""
        path = self._path(key)
        with _mapped_errors(path):
            try:
                path.unlink()
            except FileNotFoundError:
                return False
            _sync_folder(path.parent)
        return True

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise FatalError(f"{key!r} is not an object's key", "Keys look like ab/abcd....json: use one from put")
        return self._root / key

    def _sweep(self, now_s: float) -> None:
        for leftover in self._root.glob("[0-9a-f][0-9a-f]/.*.tmp"):
            try:
                if now_s - leftover.stat().st_mtime > STALE_S:
                    leftover.unlink()
            except FileNotFoundError:
                continue  # another process swept it, or finished writing it
        for folder in self._root.glob(f"{_SCRATCH}*"):
            # Whatever is written in it changes it or one of its files.
            times = [path.stat().st_mtime for path in (folder, *folder.glob("*")) if path.exists()]
            if times and now_s - max(times) > STALE_S:
                shutil.rmtree(folder, ignore_errors=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _mapped_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = f"{path} cannot be used: {error.strerror}"
        remedy = _RETRYABLE.get(error.errno or 0)
        if remedy is not None:
            raise RetryableError(reason, remedy) from error
        raise FatalError(reason, "Check the folder and this user's rights, or set storage.objects_dir") from error
