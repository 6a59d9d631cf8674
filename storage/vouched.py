"""What the audit trail says is kept of a recording: held against the tables, in which their owner can write anything.

The trail itself is held against its signed anchors by flows/evidence.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from compliance.types import Kind
from storage.audit_log import Detail
from storage.kinds import goes_with
from storage.tables import AuditEventRow

_PUBLISHED, _ANNOTATED, _ERASED = "recording.publish", "recording.annotate", "erasure.done"
_DOCUMENT = "document."


@dataclass(slots=True)
class Vouched:
    """Of one published recording: the object keys of its renderings, by kind, and of its certificate, and what was
    erased of it since."""

    documents: dict[str, str]
    certificate: str | None
    erased: set[Kind] = field(default_factory=set)


def vouched(connection: sa.Connection, sha256: str | None = None) -> Mapping[str, Vouched]:
    """Return what the trail says is kept of each recording whose transcript was published and not erased since, by
    SHA-256; of one recording alone if its hash is given.

    Events that were deleted after their time tell of nothing.
    """
    columns = AuditEventRow.__table__.columns
    wanted = sa.select(columns.subject, columns.action, columns.detail).order_by(columns.id)
    wanted = wanted.where(columns.action.in_((_PUBLISHED, _ANNOTATED, _ERASED)))
    if sha256 is not None:
        wanted = wanted.where(columns.subject == sha256)
    found: dict[str, Vouched] = {}
    with connection.execute(wanted.execution_options(yield_per=1_000)) as rows:
        for subject, action, detail in rows:
            if action == _PUBLISHED:
                found[subject] = Vouched(_documents(detail), _text(detail.get("certificate")))
            elif subject in found and action == _ANNOTATED:
                own = found[subject].documents
                own.update({kind: key for kind, key in _documents(detail).items() if kind in own})
            elif subject in found:
                _erase(found, subject, Kind(detail["kind"]))
    return found


def _erase(found: dict[str, Vouched], subject: str, kind: Kind) -> None:
    if kind is Kind.TRANSCRIPT:
        del found[subject]
        return
    own = found[subject]
    own.erased.add(kind)
    own.documents = {name: key for name, key in own.documents.items() if not goes_with(kind, name)}


def _documents(detail: Detail) -> dict[str, str]:
    return {
        name.removeprefix(_DOCUMENT): str(key)
        for name, key in detail.items()
        if name.startswith(_DOCUMENT) and key is not None
    }


def _text(value: object) -> str | None:
    return None if value is None else str(value)
