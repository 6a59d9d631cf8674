"""The rows of tries: an open one is a recording's lease, the ended ones its history.

A clock may jump, and those of two machines differ. That costs work and never a result: what is published is decided by
the fencing token, and clocks only decide who may try.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from storage.batches import batches
from storage.errors import LeaseLostError
from storage.tables import RecordingRow, RunRow
from storage.types import Failure, RunState, Try, TryOutcome
from storage.work_tables import ArrivalRow, TryRow, WorkerRow

_SETTLED = (TryOutcome.PUBLISHED, TryOutcome.QUARANTINED, TryOutcome.REQUEUED)
"""What went before one of these counts no longer."""

_OPEN = TryRow.ended_at.is_(None)


@dataclass(frozen=True, slots=True)
class Term:
    """Whose a lease is, and from when to when."""

    owner: str
    now: datetime
    lease_s: float

    @property
    def expires_at(self) -> datetime:
        """When it runs out, unless its owner is heard of."""
        return self.now + timedelta(seconds=self.lease_s)


def open_try(connection: sa.Connection, recording_id: int) -> Try | None:
    """Return a recording's lease, None if nobody has it."""
    return open_tries(connection, [recording_id]).get(recording_id)


def open_tries(connection: sa.Connection, ids: Sequence[int]) -> dict[int, Try]:
    """Return the leases of those recordings that somebody has, by their ids."""
    return {recording_id: one for recording_id, (one, *_) in _load(connection, ids, _OPEN).items()}


def history(connection: sa.Connection, recording_id: int) -> list[Try]:
    """Return all tries at a recording, the last one first."""
    return histories(connection, [recording_id]).get(recording_id, [])


def histories(connection: sa.Connection, ids: Sequence[int]) -> dict[int, list[Try]]:
    """Return all tries at recordings, the last one first, by their ids; one that was never tried is left out."""
    return _load(connection, ids, sa.true())


def _load(connection: sa.Connection, ids: Sequence[int], which: sa.ColumnElement[bool]) -> dict[int, list[Try]]:
    columns = TryRow.__table__.columns
    found: dict[int, list[Try]] = {}
    for batch in batches(ids):
        wanted = sa.select(*columns).where(TryRow.recording_id.in_(batch), which)
        for row in connection.execute(wanted.order_by(columns.id.desc())):
            found.setdefault(row.recording_id, []).append(
                Try(
                    row.id,
                    row.owner,
                    row.together,
                    row.started_at,
                    row.heartbeat_at,
                    row.expires_at,
                    row.ended_at,
                    row.outcome,
                    row.note,
                )
            )
    return found


def lost_since(tries: Sequence[Try]) -> list[Try]:
    """Of a history, the tries whose worker died, the last one first, since the last that counts."""
    lost = []
    for one in tries:
        if one.outcome in _SETTLED:
            break
        if one.outcome is TryOutcome.LOST:
            lost.append(one)
    return lost


def suspected(lost: Sequence[Try]) -> int | None:
    """Return with how many at most a recording is to be tried that was lost: half as many as then. None: any number."""
    return max(lost[0].together // 2, 1) if lost else None


def exhausted(lost: Sequence[Try], max_tries: int) -> Failure | None:
    """Return why a recording is not tried again: it was lost so often, and the last time it was alone."""
    if len(lost) < max_tries or lost[0].together > 1:
        return None
    told = "; ".join(
        f"{one.started_at:%Y-%m-%d %H:%M:%S} UTC by {one.owner}, with {one.together - 1} others: {one.note}"
        for one in reversed(lost)
    )
    return Failure(
        "tries",
        f"{len(lost)} tries ended with the death of the worker ({told})",
        "Look at the worker's log and memory; run it again with --again",
    )


def insert_tries(
    connection: sa.Connection, ids: Sequence[int], run_id: int | None, together: int, term: Term
) -> dict[int, int]:
    """Insert an open try at each recording; return the ids of the tries, their fencing tokens, by those of the
    recordings, whose rows are to be locked, with no try open."""
    row = {
        "run_id": run_id,
        "owner": term.owner,
        "together": together,
        "started_at": term.now,
        "heartbeat_at": term.now,
        "expires_at": term.expires_at,
        "note": "",
    }
    if not ids:
        return {}
    inserted = sa.insert(TryRow).returning(TryRow.recording_id, TryRow.id)
    rows = [{"recording_id": recording_id, **row} for recording_id in ids]
    return dict(connection.execute(inserted, rows).all())


def insert_requeued(connection: sa.Connection, recording_id: int, now: datetime) -> None:
    """Write that what went before is not to count."""
    tokens = insert_tries(connection, [recording_id], None, 0, Term("", now, 0.0))
    end_tries(connection, TryRow.id == tokens[recording_id], TryOutcome.REQUEUED, now)


def settle_tries(
    connection: sa.Connection, tokens: Mapping[int, int | None], outcome: TryOutcome, now: datetime
) -> set[int]:
    """End tries with their result, before anything of that is written; return those recordings, of which their tokens
    are given by id, with which that was not done before.

    The recordings' rows are to be locked. Without a token nobody may have a lease. Raises LeaseLostError if a lease is
    another's by now: one that has run out and was not taken over is still its holder's.
    """
    leases = open_tries(connection, list(tokens))
    mine = {row: lease.token for row, lease in leases.items() if lease.token == tokens[row]}
    for batch in batches(sorted(mine.values())):
        end_tries(connection, TryRow.id.in_(batch), outcome, now)
    free = {row for row, token in tokens.items() if token is None and row not in leases}
    for row in tokens.keys() - mine.keys() - free:
        _check_settled(connection, row, tokens[row], outcome, leases.get(row))
    return mine.keys() | free


def _check_settled(
    connection: sa.Connection, recording_id: int, token: int | None, outcome: TryOutcome, lease: Try | None
) -> None:
    ended = sa.select(TryRow.outcome).where(TryRow.id == token, TryRow.recording_id == recording_id)
    if token is not None and connection.execute(ended).scalar() is outcome:
        return
    holder = f"{lease.owner} has it now" if lease else "it was given up as lost"
    raise LeaseLostError(f"recording {recording_id} is no longer this worker's: {holder}", "Nothing has to be done")


def end_tries(
    connection: sa.Connection, which: sa.ColumnElement[bool], outcome: TryOutcome, now: datetime, note: str = ""
) -> int:
    """End those of the open tries; return how many."""
    _lock(connection, which)
    values = {"ended_at": now, "outcome": outcome, "note": note}
    return connection.execute(sa.update(TryRow).where(_OPEN, which).values(values)).rowcount


def _lock(connection: sa.Connection, which: sa.ColumnElement[bool]) -> None:
    """Lock those of the open tries, in one order by all, so that no two wait for each other: a worker publishes many
    recordings while its heart beats."""
    connection.execute(sa.select(TryRow.id).where(_OPEN, which).order_by(TryRow.id).with_for_update())


def lost_tries(connection: sa.Connection, which: sa.ColumnElement[bool], now: datetime, note: str) -> list[str]:
    """End those of the open tries as lost; return their recordings' SHA-256."""
    wanted = sa.select(RecordingRow.sha256).join(TryRow, TryRow.recording_id == RecordingRow.id).where(_OPEN, which)
    found = list(connection.scalars(wanted.order_by(TryRow.id)))
    end_tries(connection, which, TryOutcome.LOST, now, note)
    return found


def beat(connection: sa.Connection, term: Term) -> int:
    """Put off the end of all that an owner has: leases, arrivals and runs. Return how many leases it has."""
    arrivals = (ArrivalRow.owner == term.owner, ArrivalRow.settled_at.is_(None))
    connection.execute(sa.update(ArrivalRow).where(*arrivals).values(expires_at=term.expires_at))
    alive = sa.update(WorkerRow).where(WorkerRow.owner == term.owner)
    connection.execute(alive.values(alive_until=term.expires_at))
    beaten = {"heartbeat_at": term.now, "expires_at": term.expires_at}
    _lock(connection, TryRow.owner == term.owner)
    return connection.execute(sa.update(TryRow).where(_OPEN, TryRow.owner == term.owner).values(beaten)).rowcount


def open_owners(connection: sa.Connection) -> set[str]:
    """Return who has a lease, an arrival or a run in hand, dead or alive."""
    running = sa.select(WorkerRow.owner).join(RunRow, RunRow.id == WorkerRow.run_id)
    wanted = (
        sa.select(TryRow.owner).where(_OPEN),
        sa.select(ArrivalRow.owner).where(ArrivalRow.settled_at.is_(None), ArrivalRow.owner != ""),
        running.where(RunRow.state == RunState.RUNNING),
    )
    return {str(owner) for select in wanted for owner in connection.scalars(select.distinct())}


def bury(connection: sa.Connection, owners: Collection[str], now: datetime) -> list[str]:
    """Take from owners who are dead what they have in hand; return their recordings' SHA-256.

    Runs of owners who have not been heard of for too long are interrupted as well.
    """
    lost = lost_tries(connection, TryRow.owner.in_(owners), now, "the worker died")
    free = {"owner": "", "expires_at": None}
    connection.execute(sa.update(ArrivalRow).where(ArrivalRow.owner.in_(owners)).values(free))
    theirs = sa.select(WorkerRow.run_id).where(WorkerRow.owner.in_(owners))
    alive = sa.select(WorkerRow.run_id).where(WorkerRow.alive_until > now)
    over = RunRow.id.in_(theirs) | RunRow.id.not_in(alive)
    interrupted = sa.update(RunRow).where(RunRow.state == RunState.RUNNING, over)
    connection.execute(interrupted.values(state=RunState.INTERRUPTED))
    return lost


def is_over(lease: Try, now: datetime) -> bool:
    """Whether a lease has run out. One from further ahead than it is long has too: somebody set the clock back."""
    length = lease.expires_at - lease.heartbeat_at
    return not lease.heartbeat_at - length <= now < lease.expires_at
