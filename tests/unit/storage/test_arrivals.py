"""What has come in, on SQLite. How workers take it: tests/unit/flows/test_watch.py."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa

from storage.arrivals import Arrivals
from storage.session import reading, writing
from storage.types import Arrival
from storage.work_tables import ArrivalRow

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def waits_s(engine: sa.Engine) -> float:
    with reading(engine) as connection:
        expires_at = connection.execute(sa.select(ArrivalRow.expires_at)).scalar_one()
    assert expires_at is not None
    return (expires_at - NOW).total_seconds()


def test_what_cannot_be_read_is_tried_again_ever_later_for_as_long_as_it_lies_there(engine: sa.Engine) -> None:
    arrivals, broken = Arrivals(engine, "me", 60.0, lambda: NOW), Arrival("file:///in/call.wav", "1")
    arrivals.take([broken])
    waited = []
    for _ in range(12):
        arrivals.fail(broken, "it cannot be read")
        waited.append(waits_s(engine))
    assert waited == [5.0 * 2**n for n in range(10)] + [3_600.0] * 2
    with writing(engine) as connection:  # hourly for six weeks and more
        connection.execute(sa.update(ArrivalRow).values(failures=2_000))
    arrivals.fail(broken, "it cannot be read")
    assert waits_s(engine) == 3_600.0
