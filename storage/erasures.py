"""The rows of erasures: what is to go, what goes, and what is left of a recording afterwards.

The order is always the same, so that a kill leaves either nothing begun or an open row: an intention is written; files
and objects are deleted, which may be done twice without harm; then rows go and the intention is closed, together.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from compliance.types import AUDIO_KINDS, CallFacts, Kind
from storage.analysis_tables import AnalysisRow
from storage.batches import batches
from storage.facts import call_facts, forget_facts
from storage.golden_tables import CorrectionRow
from storage.inserts import insert_if_new
from storage.kinds import goes_with
from storage.leftovers import CERTIFICATE, KEEP, leftovers, objects_in
from storage.summary_tables import SummaryRow
from storage.tables import (
    AuditEventRow,
    CertificateRow,
    DocumentRow,
    ErasureRow,
    RecordingRow,
    RedactionRow,
    SourceRow,
    TranscriptRow,
    TurnRow,
    WordRow,
)
from storage.types import Intention, Outcome, Place, RecordingState, Stock
from storage.work_tables import ArrivalRow

ERASED = "erased:"
"""Before the URI of a source whose file is gone."""

MOVED = "moved:"
"""Before the URI of a source whose file retention has moved: it is left alone but by an erasure on request."""


def load_stock(connection: sa.Connection, after_id: int, limit: int, now: datetime) -> list[Stock]:
    """Return what there is of the recordings with greater ids, in their order, at most `limit`."""
    ids = connection.scalars(
        sa.select(RecordingRow.id).where(RecordingRow.id > after_id).order_by(RecordingRow.id).limit(limit)
    ).all()
    return stock_of(connection, ids, now)


def stock_of(connection: sa.Connection, recording_ids: Sequence[int], now: datetime) -> list[Stock]:
    """Return what there is of these recordings, but for the vault, which is no table."""
    facts = call_facts(connection, recording_ids)
    kinds = _kinds(connection, recording_ids)
    left = leftovers(connection, {key: facts[key].sha256 for key in recording_ids}, now)
    return [Stock(key, facts[key], tuple(kinds.get(key, ())), left.get(key, {})) for key in recording_ids]


def _kinds(connection: sa.Connection, ids: Sequence[int]) -> dict[int, list[Kind]]:
    lies = ~SourceRow.uri.startswith(ERASED) & ~SourceRow.uri.startswith(MOVED)
    audio = DocumentRow.kind.in_(AUDIO_KINDS)
    wanted: dict[Kind, sa.Select[int] | sa.CompoundSelect[int]] = {
        Kind.SOURCE_AUDIO: sa.select(SourceRow.recording_id).where(lies, SourceRow.recording_id.in_(ids)),
        Kind.REDACTED_AUDIO: sa.select(DocumentRow.recording_id).where(audio, DocumentRow.recording_id.in_(ids)),
        # A call in which nobody speaks has a transcript too, and its renderings.
        Kind.TRANSCRIPT: sa.union(
            sa.select(TurnRow.recording_id).where(TurnRow.recording_id.in_(ids)),
            sa.select(DocumentRow.recording_id).where(~audio, DocumentRow.recording_id.in_(ids)),
            sa.select(RecordingRow.id).where(RecordingRow.state == RecordingState.PUBLISHED, RecordingRow.id.in_(ids)),
        ),
        Kind.WORDS: sa.select(WordRow.recording_id).where(WordRow.recording_id.in_(ids)),
        Kind.SUMMARY: sa.union(
            sa.select(SummaryRow.recording_id).where(SummaryRow.recording_id.in_(ids)),
            sa.select(AnalysisRow.recording_id).where(AnalysisRow.recording_id.in_(ids)),
        ),
    }
    found: dict[int, list[Kind]] = {}
    for kind, select in wanted.items():
        for recording_id in {row[0] for row in connection.execute(select)}:
            found.setdefault(recording_id, []).append(kind)
    return found


def lock_recording(connection: sa.Connection, recording_id: int) -> CallFacts:
    """Let nobody else write a recording until the transaction ends, and return its facts."""
    wanted = sa.select(RecordingRow.id).where(RecordingRow.id == recording_id).with_for_update()
    connection.execute(wanted).scalar_one()
    return call_facts(connection, [recording_id])[recording_id]


def insert_intentions(
    connection: sa.Connection, recording_id: int, kinds: dict[Kind, str], request_id: int | None, now: datetime
) -> int:
    """Write that these kinds are to be erased, each with why, as far as that is not written; return how many are new.

    What is open already is taken over by the request, so that its certificate tells of it.
    """
    wanted = sa.select(ErasureRow.kind).where(ErasureRow.recording_id == recording_id, ErasureRow.done_at.is_(None))
    open_kinds = set(connection.scalars(wanted))
    if request_id is not None and open_kinds:
        still_open = (ErasureRow.recording_id == recording_id, ErasureRow.done_at.is_(None))
        connection.execute(sa.update(ErasureRow).where(*still_open).values(request_id=request_id))
    rows = [
        {
            "request_id": request_id,
            "recording_id": recording_id,
            "kind": kind,
            "why": why,
            "intended_at": now,
            "n_gone": 0,
            "note": "",
        }
        for kind, why in kinds.items()
        if kind not in open_kinds
    ]
    if rows:
        connection.execute(sa.insert(ErasureRow), rows)
    return len(rows)


def load_intentions(connection: sa.Connection) -> list[Intention]:
    """Return all erasures that are intended and not done, in the order in which they were intended."""
    return _intentions(connection, ErasureRow.done_at.is_(None))


def intentions_of(connection: sa.Connection, recording_id: int) -> list[Intention]:
    """Return a recording's erasures that are intended and not done."""
    return _intentions(connection, ErasureRow.done_at.is_(None) & (ErasureRow.recording_id == recording_id))


def _intentions(connection: sa.Connection, which: sa.ColumnElement[bool]) -> list[Intention]:
    columns = ErasureRow.__table__.columns
    rows = connection.execute(sa.select(*columns).where(which).order_by(columns.id)).all()
    facts = call_facts(connection, sorted({row.recording_id for row in rows}))
    return [
        Intention(row.id, row.recording_id, facts[row.recording_id], row.kind, row.why, row.request_id, row.note)
        for row in rows
    ]


def places(connection: sa.Connection, recording_id: int) -> list[Place]:
    """Return where a recording's file lies, be it moved."""
    wanted = sa.select(SourceRow.uri).where(SourceRow.recording_id == recording_id, ~SourceRow.uri.startswith(ERASED))
    return [
        Place(uri.removeprefix(MOVED), moved=uri.startswith(MOVED))
        for uri in connection.scalars(wanted.order_by(SourceRow.uri))
    ]


def object_keys(connection: sa.Connection, recording_id: int, kind: Kind) -> list[str]:
    """Return the keys of a recording's objects that go with a kind, those that later versions replaced included.

    The audit trail names every rendering that there ever was. What another recording uses too is left out, and so are
    certificates, but for those that were announced and that no row names.
    """
    sha256 = connection.execute(sa.select(RecordingRow.sha256).where(RecordingRow.id == recording_id)).scalar_one()
    now = connection.execute(
        sa.select(DocumentRow.kind, DocumentRow.object_key).where(DocumentRow.recording_id == recording_id)
    )
    events = connection.execute(
        sa.select(AuditEventRow.action, AuditEventRow.detail).where(AuditEventRow.subject == sha256)
    )
    keys = {row.object_key for row in now if goes_with(kind, row.kind)}
    for action, detail in events:
        for name, key in objects_in(detail):
            if goes_with(kind, name) and (name != CERTIFICATE or action == KEEP):
                keys.add(key)
    used = sa.select(DocumentRow.object_key).where(
        DocumentRow.object_key.in_(keys), DocumentRow.recording_id != recording_id
    )
    certified = sa.select(CertificateRow.object_key).where(CertificateRow.object_key.in_(keys))
    return sorted(keys - set(connection.scalars(used)) - set(connection.scalars(certified)))


def mark_place(connection: sa.Connection, recording_id: int, place: Place, moved_to: str | None) -> None:
    """Keep of a source whose file is gone that it was there, or where it was moved to; its name stays."""
    was = f"{MOVED}{place.uri}" if place.moved else place.uri
    uri = f"{MOVED}{moved_to}" if moved_to else f"{ERASED}{place.uri}"
    own = SourceRow.recording_id == recording_id
    connection.execute(sa.delete(SourceRow).where(own, SourceRow.uri == uri))
    connection.execute(sa.update(SourceRow).where(own, SourceRow.uri == was).values(uri=uri))


def relocate(connection: sa.Connection, recording_id: int, uri: str, where: str) -> None:
    """Keep where a source's file lies now, in place of where it was."""
    own = SourceRow.recording_id == recording_id
    connection.execute(sa.delete(SourceRow).where(own, SourceRow.uri == where))
    connection.execute(sa.update(SourceRow).where(own, SourceRow.uri == uri).values(uri=where))


def delete_rows(connection: sa.Connection, recording_id: int, kind: Kind) -> int:
    """Delete the rows that go with a kind, and what then hangs on nothing; return how many went."""
    tables = (WordRow, TurnRow, RedactionRow, SummaryRow, AnalysisRow, CorrectionRow)
    own = {table: table.recording_id == recording_id for table in tables}
    documents = connection.execute(
        sa.select(DocumentRow.kind).where(DocumentRow.recording_id == recording_id)
    ).scalars()
    going = [document for document in documents if goes_with(kind, document)]
    in_kind: dict[Kind, tuple[Any, ...]] = {
        Kind.WORDS: (WordRow,),
        Kind.TRANSCRIPT: (WordRow, TurnRow, RedactionRow, CorrectionRow),
        Kind.SUMMARY: (SummaryRow, AnalysisRow),
    }
    gone = 0
    for table in in_kind.get(kind, ()):
        gone += connection.execute(sa.delete(table).where(own[table])).rowcount
    if going:
        its = (DocumentRow.recording_id == recording_id, DocumentRow.kind.in_(going))
        gone += connection.execute(sa.delete(DocumentRow).where(*its)).rowcount
    if kind is Kind.TRANSCRIPT:
        _set_erased(connection, recording_id)
    return gone


def close_intention(connection: sa.Connection, intention_id: int, outcome: Outcome, now: datetime) -> None:
    """Write what came of an intention; one that is not done stays open, with its note."""
    values = {"done_at": now if outcome.done else None, "n_gone": outcome.count, "note": outcome.note}
    connection.execute(sa.update(ErasureRow).where(ErasureRow.id == intention_id).values(values))


def forget_if_bare(connection: sa.Connection, recording_id: int, now: datetime) -> None:
    """Once nothing of a recording is left, delete its names, its metadata and the transcript's own row too."""
    [stock] = stock_of(connection, [recording_id], now)
    if Kind.TRANSCRIPT in stock.kinds or Kind.SUMMARY in stock.kinds or Kind.REDACTED_AUDIO in stock.kinds:
        return
    connection.execute(sa.delete(TranscriptRow).where(TranscriptRow.recording_id == recording_id))
    if stock.kinds or stock.leftovers or any(place.moved for place in places(connection, recording_id)):
        return
    sources = connection.execute(
        sa.select(sa.func.min(SourceRow.first_seen_at)).where(SourceRow.recording_id == recording_id)
    ).scalar_one()
    connection.execute(sa.delete(SourceRow).where(SourceRow.recording_id == recording_id))
    connection.execute(sa.delete(ArrivalRow).where(ArrivalRow.recording_id == recording_id))
    name = f"{ERASED}{stock.facts.sha256[:12]}"
    if sources is not None:
        connection.execute(
            sa.insert(SourceRow).values(recording_id=recording_id, uri=name, name=name, first_seen_at=sources)
        )
    _set_erased(connection, recording_id)
    forget_facts(connection, recording_id)


def _set_erased(connection: sa.Connection, recording_id: int) -> None:
    values = {"state": RecordingState.ERASED, "stage": None, "reason": None, "remedy": None}
    connection.execute(sa.update(RecordingRow).where(RecordingRow.id == recording_id).values(values))


def is_erased(connection: sa.Connection, recording_id: int, *kinds: Kind) -> bool:
    """Say whether a recording's transcript, or one of these kinds beside it, was erased or is about to be."""
    return bool(erased(connection, [recording_id], *kinds))


def erased(connection: sa.Connection, ids: Sequence[int], *kinds: Kind) -> set[int]:
    """Return those recordings whose transcript, or one of these kinds beside it, was erased or is about to be."""
    of_kinds = sa.and_(ErasureRow.recording_id == RecordingRow.id, ErasureRow.kind.in_((Kind.TRANSCRIPT, *kinds)))
    gone = (RecordingRow.state == RecordingState.ERASED) | sa.exists(sa.select(ErasureRow.id).where(of_kinds))
    found: set[int] = set()
    for batch in batches(ids):
        found.update(connection.scalars(sa.select(RecordingRow.id).where(RecordingRow.id.in_(batch), gone)))
    return found


def store_certificate(
    connection: sa.Connection,
    object_key: str,
    now: datetime,
    *,
    recording_id: int | None = None,
    request_id: int | None = None,
) -> None:
    """Keep where a certificate lies, of a recording's redaction or of a request's erasure."""
    row = {"object_key": object_key, "recording_id": recording_id, "request_id": request_id, "made_at": now}
    insert_if_new(connection, CertificateRow, [row])


def certificate_keys(connection: sa.Connection, recording_id: int) -> list[str]:
    """Return the object keys of a recording's certificates, of its redaction and of erasures that were asked for."""
    of_requests = sa.select(ErasureRow.request_id).where(ErasureRow.recording_id == recording_id)
    its = (CertificateRow.recording_id == recording_id) | CertificateRow.request_id.in_(of_requests)
    wanted = sa.select(CertificateRow.object_key).where(its)
    return list(connection.scalars(wanted.order_by(CertificateRow.made_at, CertificateRow.object_key)))
