"""What is kept of finished recordings, in all tables: many recordings cost hardly more statements than one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

import sqlalchemy as sa

from storage.analysis_rows import analysis_rows
from storage.analysis_tables import AnalysisRow
from storage.audit_log import Detail
from storage.batches import batches
from storage.conversations import conversation_rows
from storage.inserts import Rows, insert_all, insert_if_new
from storage.leftovers import objects_detail
from storage.mapping import transcript_rows
from storage.quality import QualityRow, quality_row
from storage.recordings import model_row_id, set_published
from storage.runs import count_published
from storage.summary_rows import summary_row
from storage.summary_tables import SummaryRow
from storage.tables import CertificateRow, TranscriptRow
from storage.types import Publication


def store_publications(
    connection: sa.Connection, run_id: int, published: Mapping[int, Publication], now: datetime
) -> None:
    """Keep publications, by their recordings' ids, in place of all that these had before; their rows are locked.

    Raises FatalError for a run that was never begun.
    """
    count_published(connection, run_id, len(published), sum(one.audio.duration_s for one in published.values()))
    set_published(connection, {recording_id: one.audio for recording_id, one in published.items()})
    for batch in batches(list(published)):
        # Takes along everything that hangs on it.
        connection.execute(sa.delete(TranscriptRow).where(TranscriptRow.recording_id.in_(batch)))
    made_by = {one.transcript.provenance for one in published.values()}
    models = {one.model_sha256: model_row_id(connection, one.model_id, one.model_sha256) for one in made_by}
    insert_all(
        connection,
        (
            rows
            for recording_id, one in published.items()
            for rows in _rows(recording_id, run_id, models[one.transcript.provenance.model_sha256], one, now)
        ),
    )
    certificates = [
        {"object_key": one.certificate, "recording_id": recording_id, "request_id": None, "made_at": now}
        for recording_id, one in published.items()
        if one.certificate is not None
    ]
    insert_if_new(connection, CertificateRow, certificates)


def _rows(recording_id: int, run_id: int, model_id: int, one: Publication, now: datetime) -> Iterator[Rows]:
    yield from transcript_rows(recording_id, run_id, model_id, one, now)
    yield SummaryRow, [summary_row(recording_id, one.summary)] if one.summary else []
    yield AnalysisRow, analysis_rows(recording_id, one.analyses, now)
    if one.conversation is not None:
        yield from conversation_rows(recording_id, one.conversation)
    yield QualityRow, [quality_row(recording_id, one.quality)] if one.quality else []


def published_detail(run_id: int, one: Publication) -> Detail:
    """What the audit trail keeps of a publication: figures, models and the keys of objects."""
    return {
        "run": run_id,
        "turns": len(one.transcript.turns),
        "redactions": len(one.transcript.redactions),
        "policy": one.transcript.policy,
        "model_sha256": one.transcript.provenance.model_sha256,
        "config_fingerprint": one.transcript.provenance.config_fingerprint,
        **objects_detail(one.documents),
        "certificate": one.certificate,
    }
