"""What has come in, from where, and what became of it: the rows by which nothing is lost and nothing fetched twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa

from storage.batches import batches
from storage.inserts import insert_if_new
from storage.repository import utc_now
from storage.session import reading, writing
from storage.tables import RecordingRow
from storage.types import Arrival, Came, RecordingState
from storage.work_tables import ArrivalRow

_FIRST_WAIT_S = 5.0
_LONGEST_WAIT_S = 3_600.0
_MOST_DOUBLINGS = 10
"""By then it is the longest."""


class Arrivals:
    """One worker's view of what has come in; `owner`, `lease_s` and `now` are those of its leases.

    Methods raise RetryableError if the database is busy or away, FatalError if it cannot be used as it is.
    """

    def __init__(self, engine: sa.Engine, owner: str, lease_s: float, now: Callable[[], datetime] = utc_now) -> None:
        self._engine = engine
        self._owner = owner
        self._lease_s = lease_s
        self._now = now

    def known(self, arrivals: Sequence[Arrival]) -> dict[tuple[str, str], Came]:
        """Return what is known of these, by URI and version; what is new is left out."""
        found: dict[tuple[str, str], Came] = {}
        uris = sorted({arrival.uri for arrival in arrivals})
        for batch in batches(uris):
            found.update({(came.arrival.uri, came.arrival.version): came for came in self._load(batch)})
        return found

    def _load(self, uris: Sequence[str]) -> list[Came]:
        with reading(self._engine) as connection:
            return _came(connection, ArrivalRow.uri.in_(uris))

    def take(self, arrivals: Iterable[Arrival]) -> list[Arrival]:
        """Make arrivals known and take in hand those that nobody has and that are not settled."""
        arrivals, now = sorted(arrivals, key=lambda one: (one.uri, one.version)), self._now()
        told = {"told": "", "first_seen_at": now, "owner": "", "failures": 0, "note": "", "outcome": "", "after": ""}
        free = ArrivalRow.expires_at.is_(None) | (ArrivalRow.expires_at <= now) | (ArrivalRow.owner == self._owner)
        hand = {"owner": self._owner, "expires_at": now + timedelta(seconds=self._lease_s)}
        taken: set[tuple[str, str]] = set()
        with writing(self._engine) as connection:
            rows = [{"uri": arrival.uri, "version": arrival.version, **told} for arrival in arrivals]
            insert_if_new(connection, ArrivalRow, rows)
            for batch in batches(arrivals):
                keys = [(arrival.uri, arrival.version) for arrival in batch]
                which = sa.tuple_(ArrivalRow.uri, ArrivalRow.version).in_(keys)
                took = sa.update(ArrivalRow).where(which, ArrivalRow.settled_at.is_(None), free).values(hand)
                taken.update(connection.execute(took.returning(ArrivalRow.uri, ArrivalRow.version)).all())
        return [arrival for arrival in arrivals if (arrival.uri, arrival.version) in taken]

    def identify(self, found: Iterable[tuple[Arrival, str]]) -> None:
        """Keep which recordings, by SHA-256, arrivals hold, which must be known; and what was told with them."""
        of_it = sa.select(RecordingRow.id).where(RecordingRow.sha256 == sa.bindparam("sha256")).scalar_subquery()
        values: dict[str, Any] = {"recording_id": of_it, "told": sa.bindparam("telling")}
        self._set(values, [{**_row(one), "sha256": sha256, "telling": one.told} for one, sha256 in found])

    def settle(self, settled: Iterable[tuple[Arrival, str]]) -> None:
        """Keep that arrivals' recordings are published or set aside, or are gone: nothing is left to do."""
        free = {"owner": "", "expires_at": None, "note": ""}
        values: dict[str, Any] = {"settled_at": self._now(), "outcome": sa.bindparam("became"), **free}
        self._set(values, [{**_row(one), "became": outcome} for one, outcome in settled])

    def done_after(self, done: Iterable[tuple[Arrival, str]]) -> None:
        """Keep what was done with the files or objects of settled arrivals."""
        self._set({"after": sa.bindparam("did")}, [{**_row(one), "did": after} for one, after in done])

    def give_back(self, arrivals: Iterable[Arrival]) -> None:
        """Let others, or this worker at its next look, take arrivals that are not settled."""
        self._set({"owner": "", "expires_at": None}, list(map(_row, arrivals)), ArrivalRow.settled_at.is_(None))

    def release(self) -> None:
        """Give back all that this worker has in hand."""
        free = {"owner": "", "expires_at": None}
        with writing(self._engine) as connection:
            connection.execute(sa.update(ArrivalRow).where(ArrivalRow.owner == self._owner).values(free))

    def fail(self, arrival: Arrival, note: str) -> None:
        """Keep that an arrival could not be read; it is tried again later, after twice as long each time."""
        with reading(self._engine) as connection:
            failures = connection.execute(sa.select(ArrivalRow.failures).where(*_key(arrival))).scalar() or 0
        # After six weeks of hours a power of 2 would be no number any more.
        wait_s = min(_FIRST_WAIT_S * 2.0 ** min(failures, _MOST_DOUBLINGS), _LONGEST_WAIT_S)
        later = {"owner": "", "expires_at": self._now() + timedelta(seconds=wait_s)}
        self._set({"failures": failures + 1, "note": note} | later, [_row(arrival)])

    def unfinished(self) -> list[Came]:
        """Return settled arrivals of which it is not known what became of their file: a kill came in between."""
        with reading(self._engine) as connection:
            return _came(connection, ArrivalRow.settled_at.is_not(None) & (ArrivalRow.after == ""))

    def open_below(self, prefix: str) -> list[Came]:
        """Return arrivals whose URI begins so, that are not settled and that nobody else has in hand.

        What this worker has in hand when it looks was left there by a look that a server's absence ended.
        """
        free = ArrivalRow.expires_at.is_(None) | (ArrivalRow.expires_at <= self._now())
        free |= ArrivalRow.owner == self._owner
        below = ArrivalRow.uri.startswith(prefix, autoescape=True)
        with reading(self._engine) as connection:
            return _came(connection, below & ArrivalRow.settled_at.is_(None) & free)

    def _set(
        self, values: Mapping[str, Any], rows: Sequence[Mapping[str, object]], *more: sa.ColumnElement[bool]
    ) -> None:
        """Set the same columns of all rows, in one transaction and one statement."""
        if not rows:
            return
        table = cast("sa.Table", ArrivalRow.__table__)
        which = (table.c.uri == sa.bindparam("its_uri"), table.c.version == sa.bindparam("its_version"), *more)
        with writing(self._engine) as connection:
            connection.execute(sa.update(table).where(*which).values(values), rows)


def _row(arrival: Arrival) -> dict[str, object]:
    return {"its_uri": arrival.uri, "its_version": arrival.version}


def _key(arrival: Arrival) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return ArrivalRow.uri == arrival.uri, ArrivalRow.version == arrival.version


def _came(connection: sa.Connection, which: sa.ColumnElement[bool]) -> list[Came]:
    of_recording = (RecordingRow.id, RecordingRow.sha256, RecordingRow.size_bytes, RecordingRow.state)
    columns = (*ArrivalRow.__table__.columns, *(column.label(f"its_{column.key}") for column in of_recording))
    joined = sa.select(*columns).outerjoin(RecordingRow, RecordingRow.id == ArrivalRow.recording_id)
    return [
        Came(
            Arrival(row.uri, row.version, row.told),
            None if row.its_id is None else row.its_sha256,
            row.its_size_bytes or 0,
            None if row.its_id is None else RecordingState(row.its_state),
            settled=row.settled_at is not None,
        )
        for row in connection.execute(joined.where(which).order_by(ArrivalRow.uri, ArrivalRow.version))
    ]
