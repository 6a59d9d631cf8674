"""Where renderings rest: files in a folder for each day, named by the SHA-256 of what they hold."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date
from io import BufferedReader
from pathlib import Path
from typing import Protocol

from asr.errors import FatalError, RetryableError
from compliance.types import Document

STALE_S = 3_600.0
"""A temporary file this old was left by a process that was killed: a write takes well under a second."""

_SCRATCH = ".scratch-"

_UNFINISHED = ".unfinished"

_KEY = re.compile(r"(?:\d{4}/\d\d/\d\d|([0-9a-f]{2})(?=/\1))/[0-9a-f]{64}\.[a-z0-9]{1,16}")
"""By the day, or by the first two digits, as keys once were."""

_RETRYABLE = {
    errno.ENOSPC: "Free space on that disk, then try again",
    errno.EDQUOT: "Free some of this user's quota, then try again",
    errno.EMFILE: "Raise the limit of open files, then try again",
    errno.ENFILE: "Wait until other processes have closed files, then try again",
}


class ObjectStore(Protocol):
    """Keeps documents under keys that follow from what they hold and from a day: keeping one twice changes nothing."""

    def put(self, document: Document, day: date) -> str:
        """Keep a document and return its key, "2026/09/24/abcd....json"; from then on it outlasts a crash."""
        ...

    def put_file(self, path: Path, kind: str, day: date) -> str:
        """As put, of a file that may be too large for the memory."""
        ...

    def get(self, key: str) -> bytes:
        """Return what a key holds. Raises FatalError if it holds nothing, or not what was put there."""
        ...

    def check(self, key: str) -> None:
        """Raise as get does, of what may be too large for the memory."""
        ...

    def file(self, key: str) -> AbstractContextManager[Path]:
        """Give a file that holds what a key holds, to be read in the block alone. Raises as get does."""
        ...

    def scratch(self) -> AbstractContextManager[Path]:
        """Give a folder for what is not finished; it is gone afterwards, with all that is left in it."""
        ...

    def exists(self, key: str) -> bool:
        """Say whether a key holds anything."""
        ...

    def delete(self, key: str) -> bool:
        """Remove what a key holds, for good; say whether there was anything."""
        ...


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where a store keeps what belongs to a day."""

    store: ObjectStore
    day: date

    def key(self, document: Document) -> str:
        """The key under which a document is kept, or will be."""
        return document_key(document, self.day)

    def keys(self, documents: Iterable[Document]) -> dict[str, str]:
        """The keys of some documents by their kinds."""
        return {document.kind: self.key(document) for document in documents}

    def file_key(self, path: Path) -> str:
        """The key under which a file is kept, or will be; its suffix is its kind."""
        with path.open("rb") as file:
            return file_key(file, path.suffix[1:], self.day)

    def put(self, documents: Iterable[Document], file: Path | None = None) -> None:
        """Keep documents, and a file. Raises what the store raises."""
        for document in documents:
            self.store.put(document, self.day)
        if file is not None:
            self.store.put_file(file, file.suffix[1:], self.day)


def object_name(document: Document) -> str:
    """Return the end of a document's key: the SHA-256 of its body in hex, and its kind."""
    return f"{hashlib.sha256(document.body).hexdigest()}.{document.kind}"


def object_key(digest: str, kind: str, day: date) -> str:
    """Return a key. Raises FatalError for a kind that makes none."""
    return checked_key(f"{day:%Y/%m/%d}/{digest}.{kind}")


def document_key(document: Document, day: date) -> str:
    """Return the key of a document."""
    return object_key(hashlib.sha256(document.body).hexdigest(), document.kind, day)


def file_key(file: BufferedReader, kind: str, day: date) -> str:
    """Return the key of what is left to read of a file."""
    return object_key(hashlib.file_digest(file, "sha256").hexdigest(), kind, day)


def checked_key(key: str) -> str:
    """Return a key that is one. Raises FatalError for what could lead elsewhere."""
    if not _KEY.fullmatch(key):
        raise FatalError(f"{key!r} is not an object's key", "Keys look like 2026/09/24/abcd....json: use one from put")
    return key


def digest_of(key: str) -> str:
    """Return the SHA-256 that a key says in hex."""
    return key.rpartition("/")[2].partition(".")[0]


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

    def put(self, document: Document, day: date) -> str:
        """Keep a document and return its key; whenever a kill comes, it is there whole or not at all."""
        key = document_key(document, day)
        with _mapped_errors(self._root / key):
            if not self._has(key, len(document.body)):
                with self._place(key) as temporary, temporary.open("wb") as file:
                    file.write(document.body)
                    file.flush()
                    os.fsync(file.fileno())
        return key

    def put_file(self, path: Path, kind: str, day: date) -> str:
        """Keep a file and return its key; one that lies in a folder of `scratch` is not copied, but linked."""
        with _mapped_errors(path):
            with path.open("rb") as file:
                key = file_key(file, kind, day)
                os.fsync(file.fileno())
            if not self._has(key, path.stat().st_size):
                with self._place(key) as temporary:
                    temporary.unlink(missing_ok=True)
                    try:
                        os.link(path, temporary)
                    except OSError:  # another disk, or one without links
                        shutil.copyfile(path, temporary)
        return key

    def _has(self, key: str, size_bytes: int) -> bool:
        path = self._root / key
        return path.exists() and path.stat().st_size == size_bytes

    @contextmanager
    def _place(self, key: str) -> Iterator[Path]:
        """Give a path to be written to, which takes its place under the key when the block ends well."""
        path = self._root / key
        _make_folders(path.parent)
        # One thread writes one file at a time, so the name is its own.
        temporary = self._root / _UNFINISHED / f"{path.name}.{os.getpid()}-{threading.get_ident()}"
        _make_folders(temporary.parent)
        try:
            yield temporary
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)

    def scratch(self) -> AbstractContextManager[Path]:
        """Give a folder on the store's own disk; it is gone afterwards, with all that is left in it."""
        return scratch_in(self._root)

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

    def check(self, key: str) -> None:
        """Raise FatalError as get does; the file is hashed as it lies."""
        with self.file(key):
            pass

    @contextmanager
    def file(self, key: str) -> Iterator[Path]:
        """Give the file that holds what a key holds. Raises FatalError as get does; it is hashed as it lies."""
        path = self._path(key)
        with _mapped_errors(path):
            try:
                with path.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
            except FileNotFoundError as error:
                raise self._missing(key) from error
        self._check(key, digest)
        yield path

    def _missing(self, key: str) -> FatalError:
        return FatalError(
            f"the object {key} is not in {self._root}", "Restore it from a backup, or process the recording again"
        )

    def _check(self, key: str, digest: str) -> None:
        if digest != digest_of(key):
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
        return self._root / checked_key(key)

    def _sweep(self, now_s: float) -> None:
        for leftover in (self._root / _UNFINISHED).glob("*"):
            try:
                if now_s - leftover.stat().st_mtime > STALE_S:
                    leftover.unlink()
            except FileNotFoundError:
                continue  # another process swept it, or finished writing it
        sweep_scratch(self._root, now_s)


@contextmanager
def scratch_in(root: Path) -> Iterator[Path]:
    """Give a folder below another, readable by this user alone; it is gone afterwards, with all that is left in it.

    Raises RetryableError if the disk is full, FatalError if the folder cannot be made.
    """
    with _mapped_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=root))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep_scratch(root: Path, now_s: float) -> None:
    """Remove what a killed process left in folders of `scratch_in`; `now_s` are seconds since 1970."""
    for folder in root.glob(f"{_SCRATCH}*"):
        # Whatever is written in it changes it or one of its files.
        times = [path.stat().st_mtime for path in (folder, *folder.glob("*")) if path.exists()]
        if times and now_s - max(times) > STALE_S:
            shutil.rmtree(folder, ignore_errors=True)


def _make_folders(folder: Path) -> None:
    """Make a folder and those above it, and let them outlast a crash."""
    if folder.is_dir():
        return
    _make_folders(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync_folder(folder.parent)


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
