"""Transcripts as people corrected them: the golden set, on which models and settings are compared."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from asr.errors import SkippableError
from asr.types import Channel, FindingKind
from compliance.types import RedactedTranscript, RedactedTurn
from storage import audit_log
from storage.batches import batches
from storage.erasures import is_erased
from storage.golden_tables import CorrectionRow
from storage.lookup import first_name
from storage.repository import utc_now
from storage.session import reading, writing
from storage.tables import CallMetadataRow, FindingRow, ModelRow, RecordingRow, TranscriptRow
from storage.types import RecordingState


@dataclass(frozen=True, slots=True)
class GoldenTurn:
    """A turn as somebody corrected it, redacted. `start_s` is None if that was not told."""

    speaker: str
    channel: Channel
    start_s: float | None
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class GoldenCall:
    """A call that somebody corrected."""

    recording_id: int
    sha256: str
    name: str
    size_bytes: int
    turns: tuple[GoldenTurn, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ScoredFacts:
    """What calls are grouped by when they are scored; None is what is not known.

    `low_snr_db` is the worst channel's signal-to-noise ratio, if that was low enough to be reported.
    """

    agent: str | None
    queue: str | None
    codec: str | None
    model: str | None
    low_snr_db: float | None


class Golden:
    """The database as whoever corrects and compares sees it. Errors are those of storage.repository."""

    def __init__(self, engine: sa.Engine, now: Callable[[], datetime] = utc_now, actor: str = "callwright") -> None:
        self._engine = engine
        self._now = now
        self._actor = actor

    def keep(self, recording_id: int, corrected: RedactedTranscript) -> None:
        """Keep the turns and the policy of a correction, in place of the one that the call had.

        Raises SkippableError for a call whose transcript was erased or is about to be.
        """
        turns = [_as_json(turn) for turn in corrected.turns]
        words = sum(len(turn.words) for turn in corrected.turns)
        with writing(self._engine) as connection:
            wanted = sa.select(RecordingRow.sha256).where(RecordingRow.id == recording_id).with_for_update()
            sha256 = connection.execute(wanted).scalar_one()
            if is_erased(connection, recording_id):
                raise SkippableError(f"{sha256[:12]} was erased", "What was erased is never kept again")
            now = self._now()
            connection.execute(sa.delete(CorrectionRow).where(CorrectionRow.recording_id == recording_id))
            row = {
                "recording_id": recording_id,
                "turns": turns,
                "words": words,
                "policy": corrected.policy,
                "corrected_at": now,
                "corrected_by": self._actor,
            }
            connection.execute(sa.insert(CorrectionRow).values(row))
            detail: audit_log.Detail = {
                "turns": len(turns),
                "words": words,
                "redactions": len(corrected.redactions),
                "policy": corrected.policy,
            }
            event = audit_log.AuditEvent(now, self._actor, "recording.correct", sha256, detail)
            audit_log.append(connection, event)

    def calls(self) -> list[GoldenCall]:
        """Return the calls that were corrected, in the order in which they came in."""
        wanted = (
            sa.select(
                RecordingRow.id,
                RecordingRow.sha256,
                first_name(RecordingRow.id),
                RecordingRow.size_bytes,
                CorrectionRow.turns,
            )
            .join(CorrectionRow, CorrectionRow.recording_id == RecordingRow.id)
            .where(RecordingRow.state == RecordingState.PUBLISHED)
            .order_by(RecordingRow.id)
        )
        with reading(self._engine) as connection:
            rows = connection.execute(wanted).all()
        return [
            GoldenCall(key, sha256, name, size, tuple(map(_as_turn, turns))) for key, sha256, name, size, turns in rows
        ]

    def correction(self, recording_id: int) -> tuple[GoldenTurn, ...]:
        """Return a call's correction; no turns if it has none."""
        wanted = sa.select(CorrectionRow.turns).where(CorrectionRow.recording_id == recording_id)
        with reading(self._engine) as connection:
            return tuple(map(_as_turn, connection.execute(wanted).scalar() or ()))

    def facts(self, recording_ids: Collection[int]) -> Mapping[int, ScoredFacts]:
        """Return what is known of calls, by id."""
        ids = sorted(recording_ids)
        low_snr_db = (
            sa.select(sa.func.min(FindingRow.value))
            .where(FindingRow.recording_id == RecordingRow.id, FindingRow.kind == FindingKind.LOW_SNR)
            .scalar_subquery()
        )
        wanted = (
            sa.select(
                RecordingRow.id,
                CallMetadataRow.agent,
                CallMetadataRow.queue,
                RecordingRow.codec,
                ModelRow.name,
                low_snr_db,
            )
            .select_from(RecordingRow)
            .outerjoin(CallMetadataRow, CallMetadataRow.recording_id == RecordingRow.id)
            .outerjoin(TranscriptRow, TranscriptRow.recording_id == RecordingRow.id)
            .outerjoin(ModelRow, ModelRow.id == TranscriptRow.model_id)
        )
        found: dict[int, ScoredFacts] = {}
        with reading(self._engine) as connection:
            for batch in batches(ids):
                rows = connection.execute(wanted.where(RecordingRow.id.in_(batch)))
                found.update({row[0]: ScoredFacts(*row[1:]) for row in rows})
        return found


def _as_json(turn: RedactedTurn) -> dict[str, Any]:
    told = {"speaker": turn.speaker, "channel": turn.channel.value, "text": turn.text}
    return {**told, "start_s": turn.start_s or None}  # a turn whose start is not told begins with the recording


def _as_turn(told: Mapping[str, Any]) -> GoldenTurn:
    return GoldenTurn(told["speaker"], Channel(told["channel"]), told["start_s"], told["text"])
