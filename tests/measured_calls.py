"""A database with measured calls in it, as publishing leaves them, but for what was said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, time

import sqlalchemy as sa

from storage.quality import MeasuredCall, QualityRow
from storage.session import writing
from storage.tables import CallMetadataRow, ModelRow, RecordingRow, RunRow, TranscriptRow
from storage.types import RecordingState, RunState


def store_measured(engine: sa.Engine, calls: Sequence[MeasuredCall]) -> None:
    """Insert calls, none of which is there yet."""
    with writing(engine) as connection:
        run = connection.execute(sa.insert(RunRow).values(_run())).inserted_primary_key[0]
        models = {}
        for name in sorted({call.model for call in calls}):
            models[name] = connection.execute(sa.insert(ModelRow).values(name=name, sha256=name)).inserted_primary_key[
                0
            ]
        first = connection.execute(sa.select(sa.func.coalesce(sa.func.max(RecordingRow.id), 0))).scalar_one() + 1
        keyed = list(enumerate(calls, start=first))
        connection.execute(sa.insert(RecordingRow), [{"id": key, **_recording(call)} for key, call in keyed])
        connection.execute(sa.insert(CallMetadataRow), [{"recording_id": key, **_told(call)} for key, call in keyed])
        rows = [
            {"recording_id": key, "run_id": run, "model_id": models[call.model], **_transcript(call)}
            for key, call in keyed
        ]
        connection.execute(sa.insert(TranscriptRow), rows)
        connection.execute(
            sa.insert(QualityRow), [{"recording_id": key, **asdict(call.quality)} for key, call in keyed]
        )


def _began(call: MeasuredCall) -> datetime:
    return datetime.combine(call.day, time(12), UTC)


def _run() -> dict[str, object]:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return {
        "state": RunState.COMPLETED,
        "started_at": now,
        "config_fingerprint": "f",
        "code_version": "1",
        "published": 0,
        "quarantined": 0,
        "audio_s": 0.0,
    }


def _recording(call: MeasuredCall) -> dict[str, object]:
    return {
        "sha256": call.sha256,
        "size_bytes": 1,
        "state": RecordingState.PUBLISHED,
        "codec": call.codec,
        "first_seen_at": _began(call),
        "attempts": 1,
    }


def _told(call: MeasuredCall) -> dict[str, object]:
    other = {} if call.trunk is None else {"trunk": call.trunk}
    return {
        "started_at": _began(call),
        "queue": call.queue,
        "other": other,
        "channel_map": [],
        "pauses": [],
        "sources": {},
    }


def _transcript(call: MeasuredCall) -> dict[str, object]:
    return {
        "engine": call.engine,
        "precision": call.precision,
        "config_fingerprint": call.config_fingerprint,
        "code_version": call.code_version,
        "policy": "all",
        "audio": "call.wav",
        "duration_s": 60.0,
        "speakers": 2,
        "words": call.quality.words,
        "stage_s": {},
        "published_at": _began(call),
    }
