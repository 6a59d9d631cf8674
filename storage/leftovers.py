"""Objects that the audit trail announces and that nothing came of: what a kill, or a publication that was refused, left
between objects and their rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from compliance.types import Kind
from storage.audit_log import Detail
from storage.batches import batches
from storage.kinds import goes_with
from storage.tables import AuditEventRow, CertificateRow, DocumentRow, RecordingRow
from storage.types import RecordingState

KEEP, DROP = "recording.keep", "recording.drop"
"""Objects are about to be put; all that were announced until now, and of which nothing came, were deleted."""

_CAME_OF_IT = ("recording.publish", "recording.annotate")
_ERASED = "erasure.done"

_ANNOTATING = timedelta(days=1)
"""Metadata that come late render a published transcript anew, without a lease: what was announced of one so lately may
still get its row."""

CERTIFICATE = "certificate"
"""What the trail calls the object of a certificate; that of a rendering has its kind after "document."."""


@dataclass(slots=True)
class _Told:
    """What the trail tells of one recording's objects: the kinds, by their keys, of those that were announced without
    anything that came of it, and of those that were published and not erased since; and when one was announced last."""

    announced: dict[str, str] = field(default_factory=dict)
    published: dict[str, str] = field(default_factory=dict)
    last_at: datetime | None = None

    def follow(self, action: str, detail: Detail, at: datetime) -> None:
        """Take in the next event."""
        if action == DROP:
            self.announced.clear()
        elif action == _ERASED:
            kind = Kind(str(detail["kind"]))
            self.announced = {key: name for key, name in self.announced.items() if not goes_with(kind, name)}
            self.published = {key: name for key, name in self.published.items() if not goes_with(kind, name)}
        elif action == KEEP:
            self.announced.update({key: name for name, key in objects_in(detail)})
            self.last_at = at
        else:
            for name, key in objects_in(detail):
                self.announced.pop(key, None)
                self.published[key] = name

    def left(self) -> dict[str, str]:
        """What was announced, and is not published."""
        return {key: name for key, name in self.announced.items() if key not in self.published}


def objects_detail(documents: Mapping[str, str]) -> dict[str, str]:
    """What an event of the trail says of renderings, whose keys are given by kind; see `objects_in`."""
    return {f"document.{kind}": key for kind, key in documents.items()}


def objects_in(detail: Detail) -> list[tuple[str, str]]:
    """The objects that an event of the trail names: the kind of each ("json", "wav", "certificate") and its key."""
    named = [(name.removeprefix("document."), key) for name, key in detail.items() if name.startswith("document.")]
    named.append((CERTIFICATE, detail.get(CERTIFICATE)))
    return [(kind, str(key)) for kind, key in named if key is not None]


def leftovers(connection: sa.Connection, ids: Mapping[int, str], now: datetime) -> dict[int, dict[str, str]]:
    """Return the objects that were announced of these recordings (SHA-256 by id), and of which nothing came: their
    kinds by their keys. What a worker has in hand is among them; who deletes any has to look for a lease.
    """
    told = _told(connection, ids)
    left = {recording_id: own for recording_id, sha256 in ids.items() if (own := told[sha256].left())}
    for recording_id in _published(connection, list(left)):
        last_at = told[ids[recording_id]].last_at
        if last_at is not None and last_at > now - _ANNOTATING:
            del left[recording_id]
    used = _used(connection, {key for own in left.values() for key in own})
    unused = {one: {key: name for key, name in own.items() if key not in used} for one, own in left.items()}
    return {recording_id: own for recording_id, own in unused.items() if own}


def _told(connection: sa.Connection, ids: Mapping[int, str]) -> dict[str, _Told]:
    columns = AuditEventRow.__table__.columns
    told = {sha256: _Told() for sha256 in ids.values()}
    wanted = sa.select(columns.subject, columns.action, columns.detail, columns.at).order_by(columns.id)
    wanted = wanted.where(columns.action.in_((KEEP, DROP, _ERASED, *_CAME_OF_IT)))
    for batch in batches(list(told)):
        for subject, action, detail, at in connection.execute(wanted.where(columns.subject.in_(batch))):
            told[subject].follow(action, detail, at)
    return told


def _published(connection: sa.Connection, ids: list[int]) -> set[int]:
    found: set[int] = set()
    for batch in batches(ids):
        is_published = (RecordingRow.id.in_(batch), RecordingRow.state == RecordingState.PUBLISHED)
        found.update(connection.scalars(sa.select(RecordingRow.id).where(*is_published)))
    return found


def _used(connection: sa.Connection, keys: Iterable[str]) -> set[str]:
    """Those of the objects that a row names, be it of another recording."""
    found: set[str] = set()
    for batch in batches(sorted(keys)):
        for column in (DocumentRow.object_key, CertificateRow.object_key):
            found.update(connection.scalars(sa.select(column).where(column.in_(batch))))
    return found
