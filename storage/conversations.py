"""Between the facts of a conversation and their rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import sqlalchemy as sa

from asr.types import Conversation, SpeakerFacts
from storage.inserts import Rows
from storage.tables import ConversationRow, SpeakerRow


def conversation_rows(recording_id: int, facts: Conversation) -> Iterator[Rows]:
    """The row of a call's facts, and those of its speakers."""
    key = {"recording_id": recording_id}
    times = {"silence_s": facts.silence_s, "hold_s": facts.hold_s, "overlap_s": facts.overlap_s}
    yield ConversationRow, [key | times]
    yield SpeakerRow, [{**key, "position": position, **asdict(one)} for position, one in enumerate(facts.speakers)]


def load_conversation(connection: sa.Connection, recording_id: int) -> Conversation | None:
    """Return a call's facts, equal to those that were stored, or None if it has none."""
    columns = ConversationRow.__table__.columns
    row = connection.execute(sa.select(*columns).where(columns.recording_id == recording_id)).first()
    if row is None:
        return None
    own = SpeakerRow.__table__.columns
    rows = connection.execute(sa.select(*own).where(own.recording_id == recording_id).order_by(own.position))
    speakers = tuple(
        SpeakerFacts(**{name: value for name, value in one.items() if name not in {"recording_id", "position"}})
        for one in rows.mappings()
    )
    return Conversation(speakers, row.silence_s, row.hold_s, row.overlap_s)
