"""What is told of calls beside their sound: call_metadata, and its columns in v_calls."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_V_CALLS = """
CREATE VIEW v_calls AS
SELECT
  r.id AS recording_id,
  (SELECT s.name FROM sources s WHERE s.recording_id = r.id ORDER BY s.first_seen_at, s.uri LIMIT 1) AS call,
  r.sha256,
  r.state,
  r.duration_s AS length_s,
  t.speakers,
  t.words,
  CASE WHEN t.recording_id IS NOT NULL
    THEN (SELECT count(*) FROM redactions d WHERE d.recording_id = r.id) END AS redactions,
  m.name AS model,
  t.published_at,
  {reason} AS reason,
  {remedy} AS remedy,
  r.first_seen_at{more}
FROM recordings r
LEFT JOIN transcripts t ON t.recording_id = r.id
LEFT JOIN models m ON m.id = t.model_id
{joined}
"""

_WITHOUT = _V_CALLS.format(reason="r.reason", remedy="r.remedy", more="", joined="")

_WITH = _V_CALLS.format(
    reason="CASE WHEN r.state = 'skipped' THEN 'there is no consent to its being transcribed' ELSE r.reason END",
    remedy="CASE WHEN r.state = 'skipped' THEN "
    "'If there is, say so in its metadata; metadata.allow_without_consent does all such calls' ELSE r.remedy END",
    more="".join(
        f",\n  c.{name}"
        for name in ("call_id", "started_at", "utc_offset_min", "agent", "queue", "direction", "language", "consent")
    ),
    joined="LEFT JOIN call_metadata c ON c.recording_id = r.id",
)


def upgrade() -> None:
    """Make the table, and the view anew."""
    op.create_table(
        "call_metadata",
        sa.Column("recording_id", sa.Integer(), sa.ForeignKey("recordings.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("call_id", sa.Text(), index=True),
        sa.Column("started_at", sa.DateTime(timezone=True), index=True),
        sa.Column("utc_offset_min", sa.Integer()),
        sa.Column("agent", sa.Text(), index=True),
        sa.Column("queue", sa.Text(), index=True),
        sa.Column("direction", sa.String(16)),
        sa.Column("language", sa.String(2)),
        sa.Column("consent", sa.Boolean()),
        sa.Column("channel_map", sa.JSON(), nullable=False),
        sa.Column("pauses", sa.JSON(), nullable=False),
        sa.Column("other", sa.JSON(), nullable=False),
        sa.Column("sources", sa.JSON(), nullable=False),
    )
    op.execute("DROP VIEW v_calls")
    op.execute(_WITH)


def downgrade() -> None:
    """Remove the table, and with it all that was told of calls; what was skipped waits to be done."""
    op.execute("DROP VIEW v_calls")
    op.execute(_WITHOUT)
    op.drop_table("call_metadata")
    op.execute("UPDATE recordings SET state = 'received' WHERE state = 'skipped'")
