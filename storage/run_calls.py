"""What came of the recordings that a run had in hand, without a name, a word or anything else that a call is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from storage.session import Database, reading
from storage.tables import V_CALLS, DocumentRow, RedactionRow
from storage.types import RecordingState
from storage.work_tables import TryRow

_V_QUALITY = sa.table(
    "v_quality",
    *(sa.column(name, sa.Double()) for name in ("mean_confidence", "estimated_wer", "speech_without_words_s")),
    *(sa.column(name, sa.Integer()) for name in ("recording_id", "second_words", "second_errors")),
)


@dataclass(frozen=True, slots=True)
class RunCall:
    """One recording of a run as it is now: figures are None until it is published, `document` is its JSON's key."""

    recording_id: int
    sha256: str
    state: RecordingState
    length_s: float | None
    speakers: int | None
    words: int | None
    redactions: int | None
    mean_confidence: float | None
    estimated_wer: float | None
    second_words: int | None
    second_errors: int | None
    """By how many words another model heard it otherwise, if it is one of the sample."""
    speech_without_words_s: float | None
    document: str | None


def load_run_calls(database: Database, run_id: int) -> tuple[tuple[RunCall, ...], Mapping[str, int]]:
    """The recordings of a run in the order of their ids, and how much of each kind of entity was removed from them.

    Raises RetryableError or FatalError if the database cannot be used.
    """
    its = sa.select(TryRow.recording_id).where(TryRow.run_id == run_id).distinct()
    calls, quality = V_CALLS.c, _V_QUALITY.c
    its_json = (DocumentRow.recording_id == calls.recording_id) & (DocumentRow.kind == "json")
    wanted = (
        sa.select(
            *(calls.recording_id, calls.sha256, calls.state, calls.length_s, calls.speakers, calls.words),
            *(calls.redactions, quality.mean_confidence, quality.estimated_wer),
            *(quality.second_words, quality.second_errors, quality.speech_without_words_s, DocumentRow.object_key),
        )
        .select_from(V_CALLS)
        .outerjoin(_V_QUALITY, quality.recording_id == calls.recording_id)
        .outerjoin(DocumentRow, its_json)
        .where(calls.recording_id.in_(its))
        .order_by(calls.recording_id)
    )
    removed = (
        sa.select(RedactionRow.entity, sa.func.count().label("removed"))
        .where(RedactionRow.recording_id.in_(its))
        .group_by(RedactionRow.entity)
        .order_by(RedactionRow.entity)
    )
    with reading(database) as connection:
        rows = connection.execute(wanted).all()
        return tuple(RunCall(*row) for row in rows), {row.entity: row.removed for row in connection.execute(removed)}
