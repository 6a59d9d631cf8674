from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa

from asr.errors import FatalError
from storage.audit_log import GENESIS, AuditEvent, ChainHead, append, event_hash, head, verify
from storage.session import reading, writing

AT = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)


@pytest.fixture
def chain(engine: sa.Engine) -> sa.Engine:
    with writing(engine) as connection:
        for index in range(5):
            event = AuditEvent(AT, "tests", "touch", f"thing {index}", {"n": index, "x": 0.1, "none": None})
            append(connection, event)
    return engine


def tamper(engine: sa.Engine, sql: str) -> int | None:
    """Do what only the database's owner can, and return what verify says then."""
    with writing(engine) as connection:
        connection.exec_driver_sql("DROP TRIGGER audit_events_no_update")
        connection.exec_driver_sql("DROP TRIGGER audit_events_no_delete")
        connection.exec_driver_sql(sql)
    with reading(engine) as connection:
        return verify(connection)


def test_an_empty_chain_is_sound(engine: sa.Engine) -> None:
    with reading(engine) as connection:
        assert verify(connection) is None
        assert head(connection) == ChainHead(0, GENESIS)


def test_a_chain_as_written_is_sound(chain: sa.Engine) -> None:
    with reading(chain) as connection:
        assert verify(connection) is None
        assert head(connection).id == 5


@pytest.mark.parametrize(
    ("sql", "broken"),
    [
        ("UPDATE audit_events SET actor = 'me' WHERE id = 3", 3),
        ("UPDATE audit_events SET action = 'x' WHERE id = 1", 1),
        ("UPDATE audit_events SET subject = 'x' WHERE id = 5", 5),
        ("UPDATE audit_events SET at = '2026-01-02 03:04:05.678902' WHERE id = 2", 2),
        ("UPDATE audit_events SET detail = '{}' WHERE id = 4", 4),
        ("UPDATE audit_events SET hash = previous_hash WHERE id = 2", 2),
        ("DELETE FROM audit_events WHERE id = 1", 2),
        ("DELETE FROM audit_events WHERE id = 3", 4),
        ("UPDATE audit_events SET id = 50 WHERE id = 5", 50),
    ],
)
def test_tampering_is_found_where_it_was_done(chain: sa.Engine, sql: str, broken: int) -> None:
    assert tamper(chain, sql) == broken


@pytest.mark.parametrize("sql", ["UPDATE audit_events SET actor = 'me'", "DELETE FROM audit_events"])
def test_the_database_refuses_changes(chain: sa.Engine, sql: str) -> None:
    with pytest.raises(FatalError), writing(chain) as connection:
        connection.exec_driver_sql(sql)
    with reading(chain) as connection:
        assert verify(connection) is None
        assert head(connection).id == 5


def test_the_hash_is_of_the_instant_and_not_of_its_zone() -> None:
    other = AT.astimezone(timezone(timedelta(hours=5)))
    hashes = {event_hash(1, AuditEvent(at, "a", "b", "c", {}), GENESIS) for at in (AT, other)}
    assert len(hashes) == 1


def test_the_hash_is_what_the_docstring_says() -> None:
    import hashlib

    said = (
        '{"action":"b","actor":"a","at":"2026-01-02T03:04:05.678901+00:00","detail":{"n":1},"id":1,'
        f'"previous_hash":"{GENESIS}","subject":"c"}}'
    )
    assert event_hash(1, AuditEvent(AT, "a", "b", "c", {"n": 1}), GENESIS) == hashlib.sha256(said.encode()).hexdigest()
