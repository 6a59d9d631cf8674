"""Between a summary and its row."""

from __future__ import annotations

import sqlalchemy as sa

from llm.types import Dropped, Fault, Finding, Sentiment, Summary
from storage.inserts import Row
from storage.summary_tables import SummaryRow


def summary_row(recording_id: int, summary: Summary) -> Row:
    """A summary's row."""
    return {
        "recording_id": recording_id,
        "method": summary.method,
        "reason": summary.reason.text if summary.reason else None,
        "reason_turns": list(summary.reason.turns) if summary.reason else [],
        "outcome": summary.outcome.text if summary.outcome else None,
        "outcome_turns": list(summary.outcome.turns) if summary.outcome else [],
        "actions": [{"text": action.text, "turns": list(action.turns)} for action in summary.actions],
        "categories": list(summary.categories),
        "follow_up": summary.follow_up.text if summary.follow_up else None,
        "follow_up_turns": list(summary.follow_up.turns) if summary.follow_up else [],
        "sentiment": summary.sentiment,
        "dropped": [{"field": one.field, "faults": [*one.faults]} for one in summary.dropped],
    }


def replace_summary(connection: sa.Connection, recording_id: int, summary: Summary) -> None:
    """Insert a summary in place of the one that the recording has, if it has any."""
    connection.execute(sa.delete(SummaryRow).where(SummaryRow.recording_id == recording_id))
    connection.execute(sa.insert(SummaryRow), [summary_row(recording_id, summary)])


def load_summary(connection: sa.Connection, recording_id: int) -> Summary | None:
    """Return a recording's summary, equal to the one that was stored, or None if it has none."""
    columns = SummaryRow.__table__.columns
    row = connection.execute(sa.select(*columns).where(columns.recording_id == recording_id)).first()
    if row is None:
        return None
    return Summary(
        method=row.method,
        reason=_finding(row.reason, row.reason_turns),
        outcome=_finding(row.outcome, row.outcome_turns),
        actions=tuple(Finding(action["text"], tuple(action["turns"])) for action in row.actions),
        categories=tuple(row.categories),
        follow_up=_finding(row.follow_up, row.follow_up_turns),
        sentiment=None if row.sentiment is None else Sentiment(row.sentiment),
        dropped=tuple(Dropped(one["field"], tuple(map(Fault, one["faults"]))) for one in row.dropped),
    )


def _finding(text: str | None, turns: list[int]) -> Finding | None:
    return None if text is None else Finding(text, tuple(turns))
