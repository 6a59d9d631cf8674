"""What compliance remembers: holds, erasures, certificates, and its own entries in the audit trail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from compliance.types import CallFacts, Hold, Kind, Scope
from storage import audit_log, erasures, holds, tries
from storage.facts import call_facts
from storage.leftovers import DROP
from storage.repository import utc_now
from storage.session import reading, writing
from storage.tables import AuditEventRow, ErasureRequestRow, ErasureRow, RecordingRow
from storage.types import Intention, Outcome, Place, Request, Stock, TryOutcome
from storage.vouched import Vouched, vouched
from storage.work_tables import TryRow

_BATCH = 500

ASKED_FOR = (Kind.VAULT, Kind.SOURCE_AUDIO, Kind.REDACTED_AUDIO, Kind.TRANSCRIPT, Kind.SUMMARY)
"""What an erasure on request takes, in this order; the words go with the transcript."""

Held = Callable[[CallFacts, Sequence[Hold]], Hold | None]
"""Gives the hold in force that covers a call, or None."""


class Ledger:
    """The database as compliance sees it. Every change is one transaction, with its audit event inside it.

    `now` gives aware datetimes; `actor` is who acts. Methods raise RetryableError if the database is busy or away,
    and FatalError if it cannot be used as it is.
    """

    def __init__(self, engine: sa.Engine, now: Callable[[], datetime] = utc_now, actor: str = "callwright") -> None:
        self._engine = engine
        self.now = now
        self.actor = actor

    def write(self, action: str, subject: str, detail: audit_log.Detail) -> None:
        """Write an event in the audit trail."""
        with writing(self._engine) as connection:
            self._audit(connection, action, subject, detail)

    def configured(self, detail: Mapping[str, str]) -> bool:
        """Write that the configuration is another one than was written last; say whether it is."""
        wanted = sa.select(AuditEventRow.detail).where(AuditEventRow.action == "config.change")
        with writing(self._engine) as connection:
            last = connection.execute(wanted.order_by(AuditEventRow.id.desc()).limit(1)).scalar()
            if last == dict(detail):
                return False
            self._audit(connection, "config.change", "settings", dict(detail))
        return True

    def place_hold(self, hold: Hold) -> int:
        """Place a hold and return its number; the audit trail keeps the call's hash, but no caller's number."""
        with writing(self._engine) as connection:
            hold_id = holds.insert_hold(connection, hold)
            subject = hold.value if hold.scope is Scope.CALL else f"hold:{hold_id}"
            until = hold.until.isoformat() if hold.until else None
            detail: audit_log.Detail = {
                "hold": hold_id,
                "scope": hold.scope.value,
                "who": hold.who,
                "why": hold.why,
                "until": until,
            }
            self._audit(connection, "hold.add", subject, detail)
        return hold_id

    def release_hold(self, hold_id: int, why: str) -> Hold:
        """End a hold. Raises UnknownHoldError if none in force has that number."""
        with writing(self._engine) as connection:
            hold = holds.release_hold(connection, hold_id, self.now())
            subject = hold.value if hold.scope is Scope.CALL else f"hold:{hold_id}"
            self._audit(connection, "hold.release", subject, {"hold": hold_id, "why": why})
        return hold

    def holds(self) -> tuple[Hold, ...]:
        """Return every hold there ever was."""
        with reading(self._engine) as connection:
            return holds.load_holds(connection)

    def stock(self) -> Iterator[Stock]:
        """Go through what there is of every recording, oldest first; what the vault holds is not known here."""
        after_id = 0
        while True:
            with reading(self._engine) as connection:
                batch = erasures.load_stock(connection, after_id, _BATCH, self.now())
            if not batch:
                return
            yield from batch
            after_id = batch[-1].recording_id

    def intend(self, recording_id: int, kinds: Mapping[Kind, str], held: Held) -> bool:
        """Write that these kinds of a recording are to be erased; False, and nothing, if a hold has come in between."""
        with writing(self._engine) as connection:
            facts = erasures.lock_recording(connection, recording_id)
            if held(facts, holds.load_holds(connection)) is not None:
                return False
            if erasures.insert_intentions(connection, recording_id, dict(kinds), None, self.now()):
                detail = {kind.value: why for kind, why in kinds.items()}
                self._audit(connection, "erasure.intend", facts.sha256, detail)
        return True

    def intentions(self, recording_id: int | None = None) -> list[Intention]:
        """Return what is intended and not done, of one recording or of all."""
        with reading(self._engine) as connection:
            if recording_id is not None:
                return erasures.intentions_of(connection, recording_id)
            return erasures.load_intentions(connection)

    def places(self, recording_id: int) -> list[Place]:
        """Return where a recording's file lies."""
        with reading(self._engine) as connection:
            return erasures.places(connection, recording_id)

    def object_keys(self, recording_id: int, kind: Kind) -> list[str]:
        """Return the keys of all objects of a recording that go with a kind."""
        with reading(self._engine) as connection:
            return erasures.object_keys(connection, recording_id, kind)

    def recording_id(self, sha256: str) -> int:
        """Return the id of a recording that is known by its hash."""
        with reading(self._engine) as connection:
            wanted = sa.select(RecordingRow.id).where(RecordingRow.sha256 == sha256)
            return connection.execute(wanted).scalar_one()

    def facts(self, recording_id: int) -> CallFacts:
        """Return what rules of retention and holds look at."""
        with reading(self._engine) as connection:
            return call_facts(connection, [recording_id])[recording_id]

    def in_hand(self, recording_id: int) -> bool:
        """Say whether a worker has a lease of a recording that has not run out."""
        with reading(self._engine) as connection:
            lease = tries.open_try(connection, recording_id)
        return lease is not None and not tries.is_over(lease, self.now())

    def relocate(self, recording_id: int, uri: str, where: str) -> None:
        """Keep that a source's file lies elsewhere now; rules of retention go on to hold for it there."""
        with writing(self._engine) as connection:
            erasures.relocate(connection, recording_id, uri, where)

    def mark_place(self, recording_id: int, place: Place, moved_to: str | None) -> None:
        """Keep that a source's file is gone, or where it was moved to."""
        with writing(self._engine) as connection:
            erasures.mark_place(connection, recording_id, place, moved_to)

    def close(self, intention: Intention, outcome: Outcome, *, in_vault: bool) -> Outcome:
        """Delete the rows that go with what was intended and write what came of it, together.

        An outcome that is not done deletes no row and leaves the intention open. Names and metadata go once nothing
        else of the recording is left, in the vault neither.
        """
        with writing(self._engine) as connection:
            facts = erasures.lock_recording(connection, intention.recording_id)
            if outcome.done:
                gone = erasures.delete_rows(connection, intention.recording_id, intention.kind)
                outcome = replace(outcome, count=outcome.count + gone)
            erasures.close_intention(connection, intention.id, outcome, self.now())
            if outcome.done and not in_vault:
                erasures.forget_if_bare(connection, intention.recording_id, self.now())
            detail: audit_log.Detail = {
                "request": intention.request_id,
                "kind": intention.kind.value,
                "why": intention.why,
                "count": outcome.count,
                "note": outcome.note,
            }
            action = "erasure.done" if outcome.done else "erasure.failed"
            self._audit(connection, action, facts.sha256, detail)
        return outcome

    def drop_leftovers(self, recording_id: int, delete: Callable[[str], bool], held: Held, *, in_vault: bool) -> int:
        """Have `delete` remove the objects that were announced of a recording and of which nothing came, and return how
        many there were; none while a worker has it in hand, or a hold covers it.

        Its row stays locked meanwhile, so that nobody takes it up, and a lease that has run out ends: whoever had it
        cannot publish what is gone. Raises what `delete` raises, and nothing is written then.
        """
        with writing(self._engine) as connection:
            now = self.now()
            facts = erasures.lock_recording(connection, recording_id)
            lease = tries.open_try(connection, recording_id)
            if (lease and not tries.is_over(lease, now)) or held(facts, holds.load_holds(connection)):
                return 0
            [left] = (one.leftovers for one in erasures.stock_of(connection, [recording_id], now))
            if not left:
                return 0
            count = sum(delete(key) for key in sorted(left))
            if lease:
                note = "a sweep found that its lease had run out"
                tries.end_tries(connection, TryRow.id == lease.token, TryOutcome.LOST, now, note)
                self._audit(connection, "recording.lost", facts.sha256, {"owner": lease.owner, "why": note})
            self._audit(connection, DROP, facts.sha256, {"count": count})
            if not in_vault:
                erasures.forget_if_bare(connection, recording_id, now)
        return count

    def begin_request(self, scope: Scope, call: str | None, reason: str, recording_ids: Sequence[int]) -> int:
        """Write that an erasure of these recordings was asked for and is intended, all at once; return its number.

        What a hold covers is intended too: it goes when the hold has ended.
        """
        with writing(self._engine) as connection:
            row = {"scope": scope, "call": call, "reason": reason, "actor": self.actor, "at": self.now()}
            request_id = connection.execute(
                sa.insert(ErasureRequestRow).values(row).returning(ErasureRequestRow.id)
            ).scalar_one()
            for recording_id in recording_ids:
                erasures.lock_recording(connection, recording_id)
                wanted = dict.fromkeys(ASKED_FOR, f"request {request_id}")
                erasures.insert_intentions(connection, recording_id, wanted, request_id, self.now())
            subject = call or f"request:{request_id}"
            detail: audit_log.Detail = {
                "request": request_id,
                "scope": scope.value,
                "reason": reason,
                "recordings": len(recording_ids),
            }
            self._audit(connection, "erasure.request", subject, detail)
        return request_id

    def request(self, request_id: int) -> Request:
        """Return a request by its number, which must be known."""
        columns = ErasureRequestRow.__table__.columns
        with reading(self._engine) as connection:
            row = connection.execute(sa.select(*columns).where(columns.id == request_id)).one()
        return Request(row.id, row.scope.value, row.call, row.reason, row.actor, row.at)

    def outcomes(self, request_id: int) -> list[tuple[str, Kind, Outcome]]:
        """Return what came of each part of a request so far: the recording's SHA-256, the kind, the outcome."""
        wanted = (
            sa.select(RecordingRow.sha256, ErasureRow.kind, ErasureRow.done_at, ErasureRow.n_gone, ErasureRow.note)
            .join(RecordingRow, RecordingRow.id == ErasureRow.recording_id)
            .where(ErasureRow.request_id == request_id)
            .order_by(ErasureRow.id)
        )
        with reading(self._engine) as connection:
            rows = connection.execute(wanted).all()
        return [(row.sha256, row.kind, Outcome(row.done_at is not None, row.n_gone, row.note)) for row in rows]

    def events_of(self, sha256s: Sequence[str]) -> int:
        """Return how many audit events name one of these recordings."""
        with reading(self._engine) as connection:
            return sum(
                connection.execute(
                    sa.select(sa.func.count()).where(AuditEventRow.subject.in_(sha256s[start : start + _BATCH]))
                ).scalar_one()
                for start in range(0, len(sha256s), _BATCH)
            )

    def certify(self, object_key: str, *, recording_id: int | None = None, request_id: int | None = None) -> None:
        """Keep where a certificate lies."""
        with writing(self._engine) as connection:
            erasures.store_certificate(
                connection, object_key, self.now(), recording_id=recording_id, request_id=request_id
            )
            subject = f"request:{request_id}" if request_id is not None else f"recording:{recording_id}"
            self._audit(connection, "certificate.make", subject, {"object": object_key})

    def certificates(self, recording_id: int) -> list[str]:
        """Return the object keys of a recording's certificates, the oldest first."""
        with reading(self._engine) as connection:
            return erasures.certificate_keys(connection, recording_id)

    def vouched(self, sha256: str | None = None) -> Mapping[str, Vouched]:
        """Return what the audit trail says is kept of published recordings, by SHA-256; of one if its hash is given."""
        with reading(self._engine) as connection:
            return vouched(connection, sha256)

    def chain(self) -> tuple[audit_log.ChainHead, list[audit_log.Prune]]:
        """Return the audit trail's head and its prunes."""
        with reading(self._engine) as connection:
            return audit_log.head(connection), audit_log.prunes(connection)

    def first_event(self) -> tuple[int, datetime] | None:
        """Return the id of the first audit event that is left, and when it was; None for an empty trail."""
        with reading(self._engine) as connection:
            return audit_log.first(connection)

    def event_hash(self, event_id: int) -> str | None:
        """Return the hash of an audit event as it is stored, None if there is none."""
        with reading(self._engine) as connection:
            return audit_log.hash_of(connection, event_id)

    def prunable(
        self, is_over: Callable[[datetime], bool], is_held: Callable[[str], bool]
    ) -> audit_log.ChainHead | None:
        """Return the last audit event that may be deleted, by when it was and by its subject; None if none may."""
        with reading(self._engine) as connection:
            return audit_log.last_over(connection, is_over, is_held)

    def prune(self, pruned: audit_log.Prune) -> int:
        """Delete the audit events up to where a prune goes, and return how many went."""
        with writing(self._engine) as connection:
            count = audit_log.prune(connection, pruned)
            self._audit(connection, "audit.prune", f"event:{pruned.through.id}", {"events": count})
        return count

    def _audit(self, connection: sa.Connection, action: str, subject: str, detail: audit_log.Detail) -> None:
        audit_log.append(connection, audit_log.AuditEvent(self.now(), self.actor, action, subject, detail))
