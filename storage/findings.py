"""Between what is amiss with a recording's channels and its rows."""

from __future__ import annotations

from dataclasses import asdict

import sqlalchemy as sa

from asr.types import Finding
from storage.tables import FindingRow


def store_findings(connection: sa.Connection, recording_id: int, findings: tuple[Finding, ...]) -> None:
    """Insert findings; the transcript's row must be there."""
    rows = [
        {"recording_id": recording_id, "position": position, **asdict(finding)}
        for position, finding in enumerate(findings)
    ]
    if rows:
        connection.execute(sa.insert(FindingRow), rows)


def load_findings(connection: sa.Connection, recording_id: int) -> tuple[Finding, ...]:
    """Return a recording's findings in the order in which they were stored."""
    columns = FindingRow.__table__.columns
    rows = connection.execute(
        sa.select(*columns).where(columns.recording_id == recording_id).order_by(columns.position)
    )
    return tuple(Finding(row.kind, row.channel, row.value, row.unit, row.effect, row.delay_ms) for row in rows)
