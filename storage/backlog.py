"""Which calls older settings made, or none yet; and keeping what is made anew of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from asr.types import Conversation
from compliance.types import Kind
from llm.types import Summary
from storage import audit_log
from storage.analysis_tables import AnalysisRow
from storage.conversations import conversation_rows
from storage.erasures import is_erased
from storage.inserts import insert_all
from storage.lookup import first_name
from storage.repository import utc_now
from storage.session import reading, writing
from storage.summary_rows import replace_summary
from storage.tables import (
    CallMetadataRow,
    ConversationRow,
    ErasureRow,
    ModelRow,
    RecordingRow,
    RunRow,
    SpeakerRow,
    TranscriptRow,
    TurnRow,
    WordRow,
)
from storage.types import RecordingState, TryOutcome
from storage.views import day_of
from storage.work_tables import TryRow


@dataclass(frozen=True, slots=True)
class Wish:
    """Which calls: begun from `since` to `until`, both included and in UTC, and of a queue; None is all."""

    since: date | None = None
    until: date | None = None
    queue: str | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """A recording that is to be done again, or for the first time."""

    id: int
    sha256: str
    name: str
    size_bytes: int


class Backlog:
    """The database as whoever brings calls up to date sees it. Errors are those of storage.repository."""

    def __init__(self, engine: sa.Engine, now: Callable[[], datetime] = utc_now, actor: str = "callwright") -> None:
        self._engine = engine
        self._now = now
        self._actor = actor

    def outdated(self, wish: Wish, config_fingerprint: str, model_sha256: str, at_once: int) -> Iterator[list[Due]]:
        """Give the calls whose transcripts other settings or another model made, or that have none, some at a time.

        Those that settings with this fingerprint could not do are left out: that somebody has to look at.
        """
        other = (TranscriptRow.config_fingerprint != config_fingerprint) | (ModelRow.sha256 != model_sha256)
        return self._paged(_to_do(other, config_fingerprint), wish, at_once)

    def redacted_otherwise(self, wish: Wish, policy: str, config_fingerprint: str, at_once: int) -> Iterator[list[Due]]:
        """As `outdated`, of those alone whose transcripts another policy redacted."""
        return self._paged(_to_do(TranscriptRow.policy != policy, config_fingerprint), wish, at_once)

    def published(self, wish: Wish, at_once: int) -> Iterator[list[Due]]:
        """Give the published calls whose words are kept, some at a time; of the others no figure can be made anew."""
        words = sa.exists().where(WordRow.recording_id == RecordingRow.id)
        silent = ~sa.exists().where(TurnRow.recording_id == RecordingRow.id)
        return self._paged((RecordingRow.state == RecordingState.PUBLISHED) & (words | silent), wish, at_once)

    def analysed_otherwise(self, wish: Wish, versions: Mapping[str, str], at_once: int) -> Iterator[list[Due]]:
        """Give the published calls of which analyses of these names and versions have not said all, some at a time.

        Those whose summary was erased are left out.
        """
        told = AnalysisRow.__table__.columns
        current = sa.or_(*((told.name == name) & (told.version == version) for name, version in versions.items()))
        said = sa.select(sa.func.count()).where(told.recording_id == RecordingRow.id, told.part == "", current)
        gone = sa.exists().where(ErasureRow.recording_id == RecordingRow.id, ErasureRow.kind == Kind.SUMMARY)
        lacking = (said.scalar_subquery() < len(versions)) & ~gone
        return self._paged((RecordingRow.state == RecordingState.PUBLISHED) & lacking, wish, at_once)

    def keep_summary(self, recording_id: int, summary: Summary) -> bool:
        """Keep a summary in place of the one that a call has; False, and nothing, if that was erased meanwhile."""
        with writing(self._engine) as connection:
            if not self._may_keep(connection, recording_id, Kind.SUMMARY):
                return False
            replace_summary(connection, recording_id, summary)
            self._audit(connection, "recording.summarise", recording_id, {"method": summary.method})
        return True

    def keep_conversation(self, recording_id: int, facts: Conversation) -> bool:
        """Keep the facts of a conversation in place of those that a call has; False as for `keep_summary`."""
        with writing(self._engine) as connection:
            if not self._may_keep(connection, recording_id, Kind.TRANSCRIPT):
                return False
            for table in (SpeakerRow, ConversationRow):
                connection.execute(sa.delete(table).where(table.recording_id == recording_id))
            insert_all(connection, conversation_rows(recording_id, facts))
            self._audit(connection, "recording.analyse", recording_id, {"speakers": len(facts.speakers)})
        return True

    def _paged(self, which: sa.ColumnElement[bool], wish: Wish, at_once: int) -> Iterator[list[Due]]:
        known, told = RecordingRow.__table__.columns, CallMetadataRow.__table__.columns
        wanted = (
            sa.select(known.id, known.sha256, first_name(known.id).label("name"), known.size_bytes)
            .outerjoin(CallMetadataRow, told.recording_id == known.id)
            .outerjoin(TranscriptRow, TranscriptRow.recording_id == known.id)
            .outerjoin(ModelRow, ModelRow.id == TranscriptRow.model_id)
            .where(which, *_of(wish))
            .order_by(known.id)
            .limit(at_once)
        )
        after_id = 0
        while True:
            with reading(self._engine) as connection:
                rows = connection.execute(wanted.where(known.id > after_id)).all()
            if not rows:
                return
            yield [Due(*row) for row in rows]
            after_id = rows[-1].id

    def _may_keep(self, connection: sa.Connection, recording_id: int, kind: Kind) -> bool:
        """Lock a recording, and say whether it has a transcript and nothing of the kind was erased or is to be."""
        locked = sa.select(RecordingRow.state).where(RecordingRow.id == recording_id).with_for_update()
        published = connection.execute(locked).scalar() is RecordingState.PUBLISHED
        return published and not is_erased(connection, recording_id, kind)

    def _audit(self, connection: sa.Connection, action: str, recording_id: int, detail: audit_log.Detail) -> None:
        sha256 = connection.execute(sa.select(RecordingRow.sha256).where(RecordingRow.id == recording_id)).scalar_one()
        audit_log.append(connection, audit_log.AuditEvent(self._now(), self._actor, action, sha256, detail))


def _to_do(made_otherwise: sa.ColumnElement[bool], config_fingerprint: str) -> sa.ColumnElement[bool]:
    state = RecordingRow.state
    waiting = state.in_((RecordingState.RECEIVED, RecordingState.QUARANTINED))
    failed = sa.exists().where(
        TryRow.recording_id == RecordingRow.id,
        TryRow.outcome == TryOutcome.QUARANTINED,
        RunRow.id == TryRow.run_id,
        RunRow.config_fingerprint == config_fingerprint,
    )
    return (waiting | ((state == RecordingState.PUBLISHED) & made_otherwise)) & ~failed


def _of(wish: Wish) -> list[sa.ColumnElement[bool]]:
    day = day_of(RecordingRow.id)
    return [
        *([day >= wish.since.isoformat()] if wish.since else []),
        *([day <= wish.until.isoformat()] if wish.until else []),
        *([CallMetadataRow.queue == wish.queue] if wish.queue is not None else []),
    ]
