"""Published calls as whoever runs analyses over the archive sees them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from asr.types import Conversation
from compliance.types import Kind, RedactedTranscript
from llm.types import Analysed
from storage import audit_log
from storage.analysis_rows import load_analyses, replace_analyses
from storage.analysis_tables import AnalysisRow
from storage.conversations import load_conversation
from storage.erasures import is_erased
from storage.mapping import load_text
from storage.repository import utc_now
from storage.session import reading, writing
from storage.tables import RecordingRow, TranscriptRow


@dataclass(frozen=True, slots=True)
class Analysable:
    """What was said in a published call (storage.mapping.load_text), the facts of its conversation if it has any, and
    what analyses said of it before."""

    recording_id: int
    published_at: datetime
    transcript: RedactedTranscript
    conversation: Conversation | None
    before: tuple[Analysed, ...]


class AnalysisStore:
    """What analyses say of calls. Errors are those of storage.repository."""

    def __init__(self, engine: sa.Engine, now: Callable[[], datetime] = utc_now, actor: str = "callwright") -> None:
        self._engine = engine
        self._now = now
        self._actor = actor

    def read(self, recording_id: int) -> Analysable | None:
        """A published call; None if it is gone by now."""
        with reading(self._engine) as connection:
            published = sa.select(TranscriptRow.published_at).where(TranscriptRow.recording_id == recording_id)
            published_at = connection.execute(published).scalar()
            transcript = load_text(connection, recording_id)
            if published_at is None or transcript is None:
                return None
            conversation = load_conversation(connection, recording_id)
            before = load_analyses(connection, [recording_id]).get(recording_id, ())
        return Analysable(recording_id, published_at, transcript, conversation, before)

    def keep(self, made: Sequence[tuple[Analysable, Sequence[Analysed]]]) -> set[int]:
        """Keep what was found, together; the ids of the calls of which it was kept.

        Of a call that was published anew meanwhile, or whose summary was erased, nothing is.
        """
        kept: set[int] = set()
        with writing(self._engine) as connection:
            now = self._now()
            for call, found in made:
                key = call.recording_id
                wanted = (
                    sa.select(RecordingRow.sha256, TranscriptRow.published_at)
                    .join(TranscriptRow, TranscriptRow.recording_id == RecordingRow.id)
                    .where(RecordingRow.id == key)
                    .with_for_update(of=RecordingRow)
                )
                row = connection.execute(wanted).first()
                if row is None or row.published_at != call.published_at or is_erased(connection, key, Kind.SUMMARY):
                    continue
                replace_analyses(connection, key, found, now)
                detail: audit_log.Detail = {one.name: one.version for one in found if not one.part}
                event = audit_log.AuditEvent(now, self._actor, "analyses.keep", row.sha256, detail)
                audit_log.append(connection, event)
                kept.add(key)
        return kept

    def names(self) -> set[str]:
        """The names of all analyses of which anything is kept."""
        with reading(self._engine) as connection:
            return set(connection.scalars(sa.select(AnalysisRow.name).distinct()))
