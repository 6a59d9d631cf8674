"""Anchors and certificates; what tampering is found is in test_tampering.py."""

from __future__ import annotations

import errno
import json
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from asr.errors import FatalError, RetryableError
from compliance.certificate import KIND
from compliance.errors import SignatureError
from compliance.signing import Signer
from flows.custody import Custody
from flows.evidence import check_objects, check_trail, write_anchor


def faults(kept: Any, custody: Custody) -> list[str]:
    keys = kept.archive.repository.object_keys()
    return check_trail(custody, kept.archive.repository, custody.signer.public) + check_objects(custody, keys)


@pytest.fixture
def anchored(kept: Any) -> Custody:
    custody: Custody = kept.custody()
    for number in range(3):
        custody.ledger.write("test", f"thing {number}", {})
        write_anchor(custody)
    assert faults(kept, custody) == []
    return custody


def test_a_certificate_that_was_changed_is_known_without_a_database(kept: Any, tmp_path: Path) -> None:
    custody = kept.custody()
    document = next((kept.data_dir / "objects").glob(f"????/??/??/*.{KIND}")).read_bytes()
    body = json.loads(document)["body"]
    public = custody.signer.public
    assert public.verified(document) == body
    for changed in (
        document.replace(b'"policy"', b'"Policy"'),
        document.replace(b"PERSON", b"person"),
        document.replace(b"{", b"{ ", 1),
        document[:-1],
        document + document,
        b'{"body":{},' + document[1:],
        Signer.new().signed(body),
    ):
        assert changed != document
        with pytest.raises(SignatureError):
            public.verified(changed)


def test_an_anchor_is_never_written_over_and_names_the_one_before(kept: Any, anchored: Custody) -> None:
    with pytest.raises(FatalError, match="cannot be used"):
        anchored.anchors.write(1, b"x")
    assert anchored.anchors.numbers() == [1, 2, 3]
    assert faults(kept, anchored) == []


def test_a_copy_of_an_old_database_is_found_by_newer_anchors(kept: Any, anchored: Custody) -> None:
    with sqlite3.connect(kept.data_dir / "callwright.db") as live, sqlite3.connect(kept.data_dir / "old.db") as copy:
        live.backup(copy)
    anchored.ledger.write("later", "x", {})
    write_anchor(anchored)
    kept.archive.database.dispose()
    for path in kept.data_dir.glob("callwright.db*"):
        path.unlink()
    shutil.move(kept.data_dir / "old.db", kept.data_dir / "callwright.db")
    assert any("its end was cut off" in fault for fault in faults(kept, anchored))


def test_the_clock_of_an_anchor_is_the_ledgers(kept: Any) -> None:
    custody = kept.custody()
    where = write_anchor(custody)
    assert where is not None
    at = datetime.fromisoformat(json.loads(Path(where).read_text())["body"]["at"])
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)


def test_two_workers_may_write_an_anchor_at_once(kept: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    custody = kept.custody()
    first = write_anchor(custody)
    numbers, asked = type(custody.anchors).numbers, []

    def late(self: Any) -> list[int]:
        asked.append(1)
        return [] if len(asked) == 1 else numbers(self)  # another wrote the first one just after

    monkeypatch.setattr(type(custody.anchors), "numbers", late)
    second = write_anchor(custody)
    assert first is not None
    assert second is not None
    assert (Path(first).name, Path(second).name) == ("anchor-000000000001.json", "anchor-000000000002.json")
    monkeypatch.undo()
    assert check_trail(custody, kept.archive.repository, custody.signer.public) == []


def test_a_full_disk_is_tried_again(kept: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    custody = kept.custody()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("storage.anchors.os.fsync", full)
        with pytest.raises(RetryableError, match="No space left"):
            write_anchor(custody)
    assert write_anchor(custody) is not None
