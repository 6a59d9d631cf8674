"""Which calls a model is yet to summarise, and keeping what it says of them.

A call is published with a summary by quotation. That of a model takes its place when it comes, at any later time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from asr.types import Conversation
from compliance.types import Kind, RedactedTranscript
from llm.types import MODEL, Summary
from storage import audit_log
from storage.conversations import load_conversation
from storage.erasures import is_erased
from storage.mapping import load_text
from storage.repository import utc_now
from storage.session import reading, writing
from storage.summary_rows import replace_summary
from storage.summary_tables import SummaryRow, SummaryTryRow
from storage.tables import CallMetadataRow, ErasureRow, RecordingRow, TranscriptRow, TurnRow
from storage.types import RecordingState

MOST_FAILURES = 5
"""A call that no pass could summarise so often is left alone until somebody asks for it."""

LEASE_S = 1_800.0
"""How long a call is kept for who asks about it: many times what its tries may take."""


@dataclass(frozen=True, slots=True)
class WantedCalls:
    """Which calls are to be summarised: published ones that have no summary of a model.

    They began at or after `since`, and were published at or after `published_since` (both aware). With `again` those
    too whose summary is not of this method, and those that failed too often. Calls in which nobody speaks, and those
    whose summary was erased, never.
    """

    method: str
    since: datetime | None = None
    published_since: datetime | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was said in a call that is to be summarised (storage.mapping.load_text), when it was published, and what is
    known of its conversation."""

    recording_id: int
    published_at: datetime
    transcript: RedactedTranscript
    conversation: Conversation | None = None


class Summaries:
    """The database as whoever summarises archived calls sees it. Errors are those of storage.repository."""

    def __init__(
        self, engine: sa.Engine, owner: str, now: Callable[[], datetime] = utc_now, actor: str = "callwright"
    ) -> None:
        self._engine = engine
        self._owner = owner
        self._now = now
        self._actor = actor

    def claim(self, wanted: WantedCalls, after_id: int, most: int) -> list[int]:
        """Take up to `most` of the calls with greater ids in hand, in the order of ids; none if there are no more."""
        with writing(self._engine) as connection:
            now = self._now()
            free = _to_do(wanted, now).where(TranscriptRow.recording_id > after_id)
            ids = list(connection.scalars(free.limit(most).with_for_update(of=TranscriptRow, skip_locked=True)))
            expires = now + timedelta(seconds=LEASE_S)
            known = set(
                connection.scalars(sa.select(SummaryTryRow.recording_id).where(SummaryTryRow.recording_id.in_(ids)))
            )
            taken = {"owner": self._owner, "expires_at": expires}
            if known:
                connection.execute(sa.update(SummaryTryRow).where(SummaryTryRow.recording_id.in_(known)).values(taken))
            rows = [{"recording_id": one, **taken, "failures": 0, "note": ""} for one in ids if one not in known]
            if rows:
                connection.execute(sa.insert(SummaryTryRow), rows)
        return ids

    def read(self, recording_id: int) -> Wanted | None:
        """A claimed call; None if it is gone by now."""
        with reading(self._engine) as connection:
            published = sa.select(TranscriptRow.published_at).where(TranscriptRow.recording_id == recording_id)
            published_at = connection.execute(published).scalar()
            transcript = load_text(connection, recording_id)
            conversation = load_conversation(connection, recording_id)
        if published_at is None or transcript is None:
            return None
        return Wanted(recording_id, published_at, transcript, conversation)

    def keep(self, made: Sequence[tuple[Wanted, Summary]]) -> None:
        """Keep summaries in place of what the calls had, together; those of calls that changed meanwhile are not."""
        with writing(self._engine) as connection:
            now = self._now()
            for wanted, summary in made:
                key = wanted.recording_id
                asked_of = sa.select(RecordingRow.sha256, TranscriptRow.published_at).join(TranscriptRow)
                row = connection.execute(asked_of.where(RecordingRow.id == key)).first()
                if row is None or row.published_at != wanted.published_at or is_erased(connection, key, Kind.SUMMARY):
                    continue
                replace_summary(connection, key, summary)
                connection.execute(sa.delete(SummaryTryRow).where(SummaryTryRow.recording_id == key))
                detail: audit_log.Detail = {"method": summary.method, "dropped": len(summary.dropped)}
                event = audit_log.AuditEvent(now, self._actor, "recording.summarise", row.sha256, detail)
                audit_log.append(connection, event)

    def fail(self, recording_id: int, note: str) -> None:
        """Write why a call could not be summarised; it is tried again by the next pass."""
        own = SummaryTryRow.recording_id == recording_id
        values = {"failures": SummaryTryRow.failures + 1, "note": note, "expires_at": None}
        with writing(self._engine) as connection:
            connection.execute(sa.update(SummaryTryRow).where(own).values(values))

    def release(self) -> None:
        """Give back what this owner has in hand and did not come to."""
        mine = (SummaryTryRow.owner == self._owner, SummaryTryRow.expires_at.is_not(None))
        with writing(self._engine) as connection:
            connection.execute(sa.update(SummaryTryRow).where(*mine).values(expires_at=None))

    def owners(self) -> set[str]:
        """Return who has any call in hand, dead or alive."""
        with reading(self._engine) as connection:
            held = sa.select(SummaryTryRow.owner).where(SummaryTryRow.expires_at.is_not(None)).distinct()
            return set(connection.scalars(held))

    def bury(self, owners: Collection[str]) -> None:
        """Take from owners who are dead all that they have in hand."""
        theirs = (SummaryTryRow.owner.in_(owners), SummaryTryRow.expires_at.is_not(None))
        with writing(self._engine) as connection:
            connection.execute(sa.update(SummaryTryRow).where(*theirs).values(expires_at=None))

    def waiting(self, wanted: WantedCalls) -> int:
        """How many of the calls nobody has in hand now."""
        with reading(self._engine) as connection:
            free = _to_do(wanted, self._now()).order_by(None).subquery()
            return connection.execute(sa.select(sa.func.count()).select_from(free)).scalar_one()


def _to_do(wanted: WantedCalls, now: datetime) -> sa.Select[int]:
    key = TranscriptRow.recording_id
    of_model = SummaryRow.method.startswith(MODEL, autoescape=True)
    done = SummaryRow.method == wanted.method if wanted.again else of_model
    held = sa.and_(SummaryTryRow.expires_at.is_not(None), SummaryTryRow.expires_at > now)
    found = (
        sa.select(key)
        .join(RecordingRow, RecordingRow.id == key)
        .outerjoin(SummaryRow, SummaryRow.recording_id == key)
        .outerjoin(SummaryTryRow, SummaryTryRow.recording_id == key)
        .where(
            RecordingRow.state == RecordingState.PUBLISHED,
            sa.or_(SummaryRow.method.is_(None), ~done),
            sa.or_(SummaryTryRow.recording_id.is_(None), ~held),
            sa.exists().where(TurnRow.recording_id == key),
            ~sa.exists().where(ErasureRow.recording_id == key, ErasureRow.kind == Kind.SUMMARY),
        )
        .order_by(key)
    )
    if not wanted.again:
        found = found.where(sa.func.coalesce(SummaryTryRow.failures, 0) < MOST_FAILURES)
    if wanted.published_since is not None:
        found = found.where(TranscriptRow.published_at >= wanted.published_since)
    if wanted.since is not None:
        told = sa.select(CallMetadataRow.started_at).where(CallMetadataRow.recording_id == key).scalar_subquery()
        found = found.where(sa.func.coalesce(told, RecordingRow.first_seen_at) >= wanted.since)
    return found
