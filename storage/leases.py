"""Leases: which worker has which recording in hand, so that many machines work on one ledger."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime

import sqlalchemy as sa

from asr.types import Recording
from storage import audit_log, tries
from storage.batches import batches
from storage.erasures import erased
from storage.recordings import count_attempts, recording_states, register_recordings, set_recording_state
from storage.repository import utc_now
from storage.session import reading, writing
from storage.tables import RecordingRow
from storage.types import Claim, Failure, RecordingState, Try, TryOutcome
from storage.work_tables import TryRow


def shared_clock(engine: sa.Engine) -> Callable[[], datetime]:
    """The clock that all workers on a database share: PostgreSQL's own, or with SQLite that of the machine."""
    if engine.dialect.name != "postgresql":
        return utc_now

    def now() -> datetime:
        with reading(engine) as connection:
            told: datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
        return told.astimezone(UTC)

    return now


class Leases:
    """One worker's leases. `owner` is nobody else's name; `now` gives aware datetimes, at best of a shared clock.

    Methods raise RetryableError if the database is busy or away, FatalError if it cannot be used as it is.
    """

    def __init__(self, engine: sa.Engine, owner: str, lease_s: float, now: Callable[[], datetime] = utc_now) -> None:
        self._engine = engine
        self.owner = owner
        self.lease_s = lease_s
        self._now = now

    def claim(self, run_id: int | None, recordings: Sequence[Recording], max_tries: int, *, again: bool) -> Claim:
        """Lease those of the recordings that nobody has and that are not published or erased, to be done together.

        With `again` published ones too, and whatever came of earlier tries. One that was lost `max_tries` times, the
        last time alone, is quarantined with its history. The attempt is counted before the work begins: a recording
        that brings the process down is known by it.
        """
        term = self.term()
        with writing(self._engine) as connection:
            rows = register_recordings(connection, [(recording, None) for recording in recordings], term.now)
            held = self._held(connection, rows, term.now)
            to_do = _to_do(connection, list(rows.values()), again=again)
            free = {sha256: row for sha256, row in rows.items() if sha256 not in held and row in to_do}
            tried = {} if again else tries.histories(connection, list(free.values()))
            lost = {sha256: tries.lost_since(tried.get(row, ())) for sha256, row in free.items()}
            failures = {s: why for s, found in lost.items() if (why := tries.exhausted(found, max_tries))}
            for sha256, why in failures.items():
                self._quarantine(connection, sha256, free.pop(sha256), why, term.now)
            most = {sha256: tries.suspected(lost[sha256]) or len(free) for sha256 in free}
            suspects = {sha256 for sha256 in free if most[sha256] < len(free)}
            taken = {sha256: row for sha256, row in free.items() if sha256 not in suspects}
            count_attempts(connection, list(taken.values()))
            made = tries.insert_tries(connection, list(taken.values()), run_id, len(taken), term)
            tokens = {sha256: made[row] for sha256, row in taken.items()}
        return Claim(tokens, frozenset(held), frozenset(suspects), failures)

    def term(self) -> tries.Term:
        """A lease of this worker from now on."""
        return tries.Term(self.owner, self._now(), self.lease_s)

    def heartbeat(self) -> int:
        """Say that this worker is alive; return how many leases it has."""
        term = self.term()
        with writing(self._engine) as connection:
            return tries.beat(connection, term)

    def release(self) -> int:
        """Give back all leases that this worker has, without a result; return how many."""
        now = self._now()
        with writing(self._engine) as connection:
            return tries.end_tries(connection, TryRow.owner == self.owner, TryOutcome.RELEASED, now)

    def owners(self) -> set[str]:
        """Return who has anything in hand, dead or alive, this worker included."""
        with reading(self._engine) as connection:
            return tries.open_owners(connection)

    def bury(self, owners: Collection[str]) -> int:
        """Take from owners who are dead all that they have in hand; return how many recordings that were."""
        now = self._now()
        with writing(self._engine) as connection:
            lost = tries.bury(connection, owners, now)
            for sha256 in lost:
                self._audit(connection, now, "recording.lost", sha256, {"why": "the worker died"})
        return len(lost)

    def suspects(self, sha256s: Sequence[str]) -> dict[str, int]:
        """Return those with which a worker died since they last came to a result, and how many may be in hand then."""
        found: dict[str, int] = {}
        with reading(self._engine) as connection:
            for batch in batches(sha256s):
                wanted = sa.select(RecordingRow.sha256, RecordingRow.id).join(TryRow).distinct()
                which = (RecordingRow.sha256.in_(batch), TryRow.outcome == TryOutcome.LOST)
                lost = dict(connection.execute(wanted.where(*which)).all())
                tried = tries.histories(connection, list(lost.values()))
                most = {sha256: tries.suspected(tries.lost_since(tried[row])) for sha256, row in lost.items()}
                found.update({sha256: many for sha256, many in most.items() if many is not None})
        return found

    def history(self, recording_id: int) -> list[Try]:
        """Return all tries at a recording, the last one first."""
        with reading(self._engine) as connection:
            return tries.history(connection, recording_id)

    def _held(self, connection: sa.Connection, rows: Mapping[str, int], now: datetime) -> set[str]:
        """Those that somebody has a lease of; one that has run out is ended as lost."""
        leases = tries.open_tries(connection, list(rows.values()))
        found = {sha256: leases[row] for sha256, row in rows.items() if row in leases}
        return {sha256 for sha256, lease in found.items() if self._is_held(connection, lease, sha256, now)}

    def _is_held(self, connection: sa.Connection, lease: Try, sha256: str, now: datetime) -> bool:
        if lease.owner == self.owner:  # of a claim whose answer was lost on its way
            tries.end_tries(connection, TryRow.id == lease.token, TryOutcome.RELEASED, now)
            return False
        if not tries.is_over(lease, now):
            return True
        note = f"not heard of for over {(lease.expires_at - lease.heartbeat_at).total_seconds():.0f} s"
        tries.end_tries(connection, TryRow.id == lease.token, TryOutcome.LOST, now, note)
        self._audit(connection, now, "recording.lost", sha256, {"owner": lease.owner, "why": note})
        return False

    def _quarantine(
        self, connection: sa.Connection, sha256: str, recording_id: int, failure: Failure, now: datetime
    ) -> None:
        set_recording_state(connection, recording_id, RecordingState.QUARANTINED, None, failure)
        detail = {"stage": failure.stage, "reason": failure.reason, "remedy": failure.remedy}
        self._audit(connection, now, "recording.quarantine", sha256, detail)

    def _audit(
        self, connection: sa.Connection, now: datetime, action: str, subject: str, detail: audit_log.Detail
    ) -> None:
        audit_log.append(connection, audit_log.AuditEvent(now, self.owner, action, subject, detail))


def _to_do(connection: sa.Connection, ids: Sequence[int], *, again: bool) -> set[int]:
    """Those that are not published, or with `again` published ones too, and not erased."""
    states, gone = recording_states(connection, ids), erased(connection, ids)
    return {row for row in ids if (again or states[row] is not RecordingState.PUBLISHED) and row not in gone}
