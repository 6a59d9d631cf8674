"""Twenty ways to tamper with what is kept, each by somebody who may write everything but has no signing key."""

from __future__ import annotations

import errno
import json
import shutil
import sqlite3
from collections.abc import Callable
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
from storage.audit_log import GENESIS, AuditEvent, event_hash

Tamper = Callable[[Any, Custody], None]

LAST_ANCHOR = "anchor-000000000003.json"


def sql(*statements: str) -> Tamper:
    """As the database's owner, whom no trigger stops."""

    def tamper(kept: Any, custody: Custody) -> None:
        connection = sqlite3.connect(kept.data_dir / "callwright.db")
        with connection:
            for verb in ("update", "delete"):
                connection.execute(f"DROP TRIGGER IF EXISTS audit_events_no_{verb}")
            for statement in statements:
                connection.execute(statement)
        connection.close()

    return tamper


def rewritten(first: int, skip: int | None = None) -> Tamper:
    """Change an event (or leave one out) and hash all that follow anew, so that the chain itself is sound."""

    def tamper(kept: Any, custody: Custody) -> None:
        sql()(kept, custody)
        connection = sqlite3.connect(kept.data_dir / "callwright.db")
        rows = connection.execute(
            "SELECT id, at, actor, action, subject, detail FROM audit_events ORDER BY id"
        ).fetchall()
        previous, number = GENESIS, 0
        with connection:
            connection.execute("DELETE FROM audit_events")
            for event_id, at, actor, action, subject, detail in rows:
                if event_id == skip:
                    continue
                number += 1
                told = "nobody" if event_id == first else actor
                when = datetime.fromisoformat(at).replace(tzinfo=UTC)
                digest = event_hash(number, AuditEvent(when, told, action, subject, json.loads(detail)), previous)
                connection.execute(
                    "INSERT INTO audit_events (id, at, actor, action, subject, detail, previous_hash, hash) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (number, at, told, action, subject, detail, previous, digest),
                )
                previous = digest
        connection.close()
        assert kept.archive.repository.verify_audit() is None, "the chain alone does not tell"

    return tamper


def anchor(change: Callable[[Path], None]) -> Tamper:
    return lambda kept, custody: change(kept.data_dir / "anchors")


def forged_anchor(kept: Any, custody: Custody) -> None:
    """Cut the trail's end off and let the last anchors vouch for what is left, signed with a key of one's own."""
    sql("DELETE FROM audit_events WHERE id > 3")(kept, custody)
    folder = kept.data_dir / "anchors"
    path = folder / LAST_ANCHOR
    body = json.loads(path.read_text())["body"]
    [(digest,)] = kept.rows("SELECT hash FROM audit_events WHERE id = 3")
    path.write_bytes(Signer.new().signed({**body, "event": 3, "hash": digest}))


def forged_prune(kept: Any, custody: Custody) -> None:
    """Delete the oldest events as if they had been over their time."""
    [(digest,)] = kept.rows("SELECT hash FROM audit_events WHERE id = 2")
    statement = Signer.new().signed({"type": "callwright audit prune", "through": 2, "hash": digest}).decode()
    sql(
        "DELETE FROM audit_events WHERE id <= 2",
        f"INSERT INTO audit_prunes VALUES (2, '{digest}', '2026-01-01 00:00:00', '{statement}')",
    )(kept, custody)


def an_object(suffix: str, change: Callable[[Path], None]) -> Tamper:
    def tamper(kept: Any, custody: Custody) -> None:
        change(min((kept.data_dir / "objects").glob(f"??/*.{suffix}")))

    return tamper


def edited(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"marzipan", b"nougat!!"))


def swap(one: Path, other: Path) -> None:
    first = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(first)


def other_certificate(kept: Any, custody: Custody) -> None:
    """A certificate that says another thing, signed by another key, under the hash of what it says."""
    path = min((kept.data_dir / "objects").glob(f"??/*.{KIND}"))
    body = json.loads(path.read_text())["body"]
    path.write_bytes(Signer.new().signed({**body, "spans": {}}))


TAMPERINGS: dict[str, Tamper] = {
    "an event's actor changed": sql("UPDATE audit_events SET actor = 'nobody' WHERE id = 3"),
    "an event's time changed": sql("UPDATE audit_events SET at = '2020-01-01 00:00:00.000000' WHERE id = 2"),
    "an event's detail changed": sql("UPDATE audit_events SET detail = '{}' WHERE id = 3"),
    "an event's hash changed": sql("UPDATE audit_events SET hash = previous_hash WHERE id = 2"),
    "the first event removed": sql("DELETE FROM audit_events WHERE id = 1"),
    "an event removed from the middle": sql("DELETE FROM audit_events WHERE id = 3"),
    "the last events removed": sql("DELETE FROM audit_events WHERE id > 3"),
    "all events removed": sql("DELETE FROM audit_events"),
    "an event inserted": sql(
        "INSERT INTO audit_events SELECT 99, at, actor, action, subject, detail, 'x', hash FROM audit_events "
        "WHERE id = 1"
    ),
    "two events exchanged": sql(
        "UPDATE audit_events SET id = -2 WHERE id = 2",
        "UPDATE audit_events SET id = 2 WHERE id = 3",
        "UPDATE audit_events SET id = 3 WHERE id = -2",
    ),
    "an event changed and the chain written anew": rewritten(first=2),
    "an event left out and the chain written anew": rewritten(first=0, skip=3),
    "the oldest events removed as if over their time": forged_prune,
    "an anchor changed": anchor(lambda folder: edited_anchor(folder / LAST_ANCHOR)),
    "an anchor removed": anchor(lambda folder: (folder / "anchor-000000000002.json").unlink()),
    "two anchors exchanged": anchor(
        lambda folder: swap(folder / "anchor-000000000001.json", folder / "anchor-000000000002.json")
    ),
    "an anchor signed by another key": forged_anchor,
    "a rendering changed": an_object("json", edited),
    "a rendering removed": an_object("vtt", Path.unlink),
    "a certificate replaced by one of another key": other_certificate,
}


def edited_anchor(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"event":', b'"event":1'))


def faults(kept: Any, custody: Custody) -> list[str]:
    keys = kept.archive.repository.object_keys()
    return check_trail(custody, kept.archive.repository, custody.signer.public) + check_objects(custody, keys)


def test_there_are_twenty() -> None:
    assert len(TAMPERINGS) == 20


@pytest.fixture
def anchored(kept: Any) -> Custody:
    custody: Custody = kept.custody()
    for number in range(3):
        custody.ledger.write("test", f"thing {number}", {})
        write_anchor(custody)
    assert faults(kept, custody) == []
    return custody


@pytest.mark.parametrize("name", TAMPERINGS)
def test_tampering_is_found(name: str, kept: Any, anchored: Custody) -> None:
    TAMPERINGS[name](kept, anchored)
    assert faults(kept, anchored) != []


def test_a_certificate_that_was_changed_is_known_without_a_database(kept: Any, tmp_path: Path) -> None:
    custody = kept.custody()
    document = next((kept.data_dir / "objects").glob(f"??/*.{KIND}")).read_bytes()
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
