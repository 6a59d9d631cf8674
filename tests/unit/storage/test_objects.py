from __future__ import annotations

import hashlib
import os
import threading
from datetime import date
from pathlib import Path

import pytest

from asr.errors import FatalError, RetryableError
from compliance.types import Document
from storage.objects import STALE_S, FolderStore, ObjectStore, Shelf, object_key

DOCUMENT = Document("json", "application/json", b'{"turns": []}')
DIGEST = hashlib.sha256(DOCUMENT.body).hexdigest()
DAY = date(2026, 9, 24)
KEY = f"2026/09/24/{DIGEST}.json"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "objects"


@pytest.fixture
def store(root: Path) -> FolderStore:
    return FolderStore(root)


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_it_is_an_object_store(store: FolderStore) -> None:
    seam: ObjectStore = store
    assert seam.get(seam.put(DOCUMENT, DAY)) == DOCUMENT.body


def test_the_key_is_the_hash_of_the_body(root: Path, store: FolderStore) -> None:
    key = store.put(DOCUMENT, DAY)
    assert key == KEY == object_key(DIGEST, "json", DAY)
    assert store.exists(key)
    assert files(root) == [key]


def test_a_shelf_knows_the_keys_before_anything_lies_under_them(store: FolderStore, tmp_path: Path) -> None:
    shelf, copy = Shelf(store, DAY), tmp_path / "copy.wav"
    copy.write_bytes(b"sound")
    keys = [*shelf.keys([DOCUMENT]).values(), shelf.file_key(copy)]
    assert not any(map(store.exists, keys))
    shelf.put([DOCUMENT], copy)
    assert [store.get(key) for key in keys] == [DOCUMENT.body, b"sound"]


def test_the_same_again_changes_nothing(root: Path, store: FolderStore) -> None:
    key = store.put(DOCUMENT, DAY)
    before = (root / key).stat()
    assert store.put(DOCUMENT, DAY) == key
    after = (root / key).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_keys_of_older_versions_are_read(root: Path, store: FolderStore) -> None:
    key = f"{DIGEST[:2]}/{DIGEST}.json"
    (root / DIGEST[:2]).mkdir()
    (root / key).write_bytes(DOCUMENT.body)
    assert store.get(key) == DOCUMENT.body
    assert (store.exists(key), store.delete(key), store.exists(key)) == (True, True, False)


def test_a_file_that_was_cut_short_is_written_anew(root: Path, store: FolderStore) -> None:
    key = store.put(DOCUMENT, DAY)
    (root / key).write_bytes(DOCUMENT.body[:3])
    store.put(DOCUMENT, DAY)
    assert store.get(key) == DOCUMENT.body


def test_an_empty_document(store: FolderStore) -> None:
    assert store.get(store.put(Document("vtt", "text/vtt", b""), DAY)) == b""


def test_what_is_not_there(store: FolderStore) -> None:
    key = KEY
    assert not store.exists(key)
    with pytest.raises(FatalError, match="process the recording again"):
        store.get(key)


def test_a_damaged_file_is_not_handed_out(root: Path, store: FolderStore) -> None:
    key = store.put(DOCUMENT, DAY)
    (root / key).write_bytes(b"x" * len(DOCUMENT.body))
    with pytest.raises(FatalError, match="does not hold what its name says"):
        store.get(key)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "../../etc/passwd",
        f"aa/{'b' * 64}.json",
        f"{DIGEST[:2]}/{DIGEST}",
        f"2026/9/24/{DIGEST}.json",
        f"../2026/09/24/{DIGEST}.json",
        f"{DIGEST[:2]}/{DIGEST}.json\n",
    ],
)
def test_what_is_no_key(store: FolderStore, key: str) -> None:
    for act in (store.get, store.exists):
        with pytest.raises(FatalError, match="not an object's key"):
            act(key)


@pytest.mark.parametrize("kind", ["", "../x", "JSON", "a.b"])
def test_a_kind_that_makes_no_key(root: Path, store: FolderStore, kind: str) -> None:
    with pytest.raises(FatalError, match="not an object's key"):
        store.put(Document(kind, "x", b"body"), DAY)
    assert files(root) == []


def test_a_full_disk_is_retryable_and_leaves_nothing(root: Path, store: FolderStore) -> None:
    folder = root / ".unfinished"
    folder.mkdir()
    # The name that put writes to first: here a device that is always full.
    (folder / f"{DIGEST}.json.{os.getpid()}-{threading.get_ident()}").symlink_to("/dev/full")
    with pytest.raises(RetryableError, match="Free space"):
        store.put(DOCUMENT, DAY)
    assert files(root) == []


def test_a_folder_that_cannot_be_made_is_fatal(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FatalError, match=r"storage\.objects_dir"):
        FolderStore(tmp_path / "file" / "objects")


def test_leftovers_of_a_killed_process_are_swept(root: Path, store: FolderStore) -> None:
    key = store.put(DOCUMENT, DAY)
    old, new = root / ".unfinished" / "old.json.1-1", root / ".unfinished" / "new.json.1-1"
    old.parent.mkdir(exist_ok=True)
    for path in (old, new, root / key):
        path.touch()
    now_s = new.stat().st_mtime
    for path in (old, root / key):
        os.utime(path, (now_s - STALE_S - 1, now_s - STALE_S - 1))
    FolderStore(root, now_s)
    assert files(root) == sorted([key, ".unfinished/new.json.1-1"])


def test_many_threads_put_the_same(root: Path, store: FolderStore) -> None:
    keys: list[str] = []

    def put() -> None:
        keys.extend(store.put(DOCUMENT, DAY) for _ in range(20))

    threads = [threading.Thread(target=put) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(keys) == {KEY}
    assert len(keys) == 160
    assert files(root) == [KEY]


def test_a_file_is_kept_without_being_read_into_memory_and_twice_is_once(root: Path, store: FolderStore) -> None:
    with store.scratch() as folder:
        assert folder.is_dir()
        path = folder / "copy.wav"
        path.write_bytes(DOCUMENT.body)
        key = store.put_file(path, "wav", DAY)
        assert key == f"2026/09/24/{DIGEST}.wav"
        assert store.put_file(path, "wav", DAY) == key, "a stage that is tried again finds its file where it was"
    assert not folder.exists()
    with store.file(key) as kept:
        assert kept.read_bytes() == store.get(key) == DOCUMENT.body
    assert files(root) == [key]


def test_a_file_from_elsewhere_is_copied(store: FolderStore, tmp_path: Path) -> None:
    path = tmp_path / "copy.wav"
    path.write_bytes(b"sound")
    assert store.get(store.put_file(path, "wav", DAY)) == b"sound"
    assert path.read_bytes() == b"sound"


def test_what_was_changed_or_is_gone_does_not_pass(root: Path, store: FolderStore) -> None:
    key = store.put(DOCUMENT, DAY)
    (root / key).write_bytes(b"changed")
    with pytest.raises(FatalError, match="does not hold what its name says"):
        store.check(key)
    (root / key).unlink()
    with pytest.raises(FatalError, match="is not in"):
        store.check(key)


def test_scratch_that_a_killed_process_left_is_swept_and_that_of_a_living_one_is_not(root: Path) -> None:
    FolderStore(root)
    for name, age_s in (("old", STALE_S + 60), ("new", 60.0)):
        folder = root / f".scratch-{name}"
        folder.mkdir()
        (folder / "copy.wav").write_bytes(b"sound")
        for path in (folder / "copy.wav", folder):
            os.utime(path, (1e9 - age_s, 1e9 - age_s))
    FolderStore(root, now_s=1e9)
    assert [folder.name for folder in root.iterdir()] == [".scratch-new"]
