"""What has come in, from where, and what became of it: the rows by which nothing is lost and nothing fetched twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from storage.recordings import insert_if_new
from storage.repository import utc_now
from storage.session import reading, writing
from storage.tables import RecordingRow
from storage.types import Arrival, Came, RecordingState
from storage.work_tables import ArrivalRow

_LOOKUP_BATCH = 400
_FIRST_WAIT_S = 5.0
_LONGEST_WAIT_S = 3_600.0


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
        for start in range(0, len(uris), _LOOKUP_BATCH):
            found.update(
                {(came.arrival.uri, came.arrival.version): came for came in self._load(uris[start:][:_LOOKUP_BATCH])}
            )
        return found

    def _load(self, uris: Sequence[str]) -> list[Came]:
        with reading(self._engine) as connection:
            return _came(connection, ArrivalRow.uri.in_(uris))

    def take(self, arrivals: Iterable[Arrival], at_most: int) -> list[Arrival]:
        """Make arrivals known and take in hand those that nobody has and that are not settled."""
        now = self._now()
        taken: list[Arrival] = []
        with writing(self._engine) as connection:
            for arrival in sorted(arrivals, key=lambda one: (one.uri, one.version)):
                if len(taken) == at_most:
                    break
                new = {"uri": arrival.uri, "version": arrival.version, "told": "", "first_seen_at": now, "owner": ""}
                insert_if_new(connection, ArrivalRow, new | {"failures": 0, "note": "", "outcome": "", "after": ""})
                free = ArrivalRow.expires_at.is_(None) | (ArrivalRow.expires_at <= now)
                mine = ArrivalRow.owner == self._owner
                hand = {"owner": self._owner, "expires_at": now + timedelta(seconds=self._lease_s)}
                which = (*_key(arrival), ArrivalRow.settled_at.is_(None), free | mine)
                if connection.execute(sa.update(ArrivalRow).where(*which).values(hand)).rowcount:
                    taken.append(arrival)
        return taken

    def identify(self, arrival: Arrival, sha256: str) -> None:
        """Keep which recording an arrival holds, which must be known; and what was told with it."""
        recording = sa.select(RecordingRow.id).where(RecordingRow.sha256 == sha256).scalar_subquery()
        self._set(arrival, {"recording_id": recording, "told": arrival.told})

    def settle(self, arrival: Arrival, outcome: str, note: str = "") -> None:
        """Keep that an arrival's recording is published or set aside, or that it is gone: nothing is left to do."""
        values = {"settled_at": self._now(), "outcome": outcome, "note": note, "owner": "", "expires_at": None}
        self._set(arrival, values)

    def done_after(self, arrival: Arrival, after: str) -> None:
        """Keep what was done with the file or object of a settled arrival."""
        self._set(arrival, {"after": after})

    def give_back(self, arrivals: Iterable[Arrival]) -> None:
        """Let others, or this worker at its next look, take arrivals that are not settled."""
        for arrival in arrivals:
            self._set(arrival, {"owner": "", "expires_at": None}, ArrivalRow.settled_at.is_(None))

    def release(self) -> None:
        """Give back all that this worker has in hand."""
        free = {"owner": "", "expires_at": None}
        with writing(self._engine) as connection:
            connection.execute(sa.update(ArrivalRow).where(ArrivalRow.owner == self._owner).values(free))

    def fail(self, arrival: Arrival, note: str) -> None:
        """Keep that an arrival could not be read; it is tried again later, after twice as long each time."""
        with reading(self._engine) as connection:
            failures = connection.execute(sa.select(ArrivalRow.failures).where(*_key(arrival))).scalar() or 0
        wait_s = min(_FIRST_WAIT_S * 2.0**failures, _LONGEST_WAIT_S)
        later = {"owner": "", "expires_at": self._now() + timedelta(seconds=wait_s)}
        self._set(arrival, {"failures": failures + 1, "note": note} | later)

    def unfinished(self) -> list[Came]:
        """Return settled arrivals of which it is not known what became of their file: a kill came in between."""
        with reading(self._engine) as connection:
            return _came(connection, ArrivalRow.settled_at.is_not(None) & (ArrivalRow.after == ""))

    def open_below(self, prefix: str) -> list[Came]:
        """Return arrivals whose URI begins so, that are not settled and that nobody has in hand."""
        free = ArrivalRow.expires_at.is_(None) | (ArrivalRow.expires_at <= self._now())
        below = ArrivalRow.uri.startswith(prefix, autoescape=True)
        with reading(self._engine) as connection:
            return _came(connection, below & ArrivalRow.settled_at.is_(None) & free)

    def _set(self, arrival: Arrival, values: dict[str, object], *more: sa.ColumnElement[bool]) -> None:
        with writing(self._engine) as connection:
            connection.execute(sa.update(ArrivalRow).where(*_key(arrival), *more).values(values))


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
