"""What analyses say of calls, v_analyses and v_answers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_VIEW = """
CREATE VIEW {name} AS
SELECT t.recording_id,
  (SELECT s.name FROM sources s WHERE s.recording_id = t.recording_id ORDER BY s.first_seen_at, s.uri LIMIT 1) AS call,
  d.began_at, d.day, m.agent, m.queue, t.name, {columns}, CAST(t.turns AS TEXT) AS turns, t.made_at
FROM analyses t JOIN v_days d ON d.recording_id = t.recording_id
LEFT JOIN call_metadata m ON m.recording_id = t.recording_id{where}
"""

# What was said is apart: a role that may not read it could read nothing of a view that has it.
_VIEWS = {
    "v_analyses": ("t.part, t.kind, t.version, t.method, t.value", ""),
    "v_answers": ("t.version, t.method, t.answer", " WHERE t.answer IS NOT NULL"),
}


def upgrade() -> None:
    """Make the table and the views."""
    op.create_table(
        "analyses",
        sa.Column(
            "recording_id",
            sa.Integer(),
            sa.ForeignKey("transcripts.recording_id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("part", sa.Text(), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("value", sa.Double()),
        sa.Column("answer", sa.Text()),
        sa.Column("turns", sa.JSON(), nullable=False),
        sa.Column("faults", sa.JSON(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_analyses_name", "analyses", ["name"])
    for name, (columns, where) in _VIEWS.items():
        op.execute(_VIEW.format(name=name, columns=columns, where=where))


def downgrade() -> None:
    """Remove them."""
    for name in _VIEWS:
        op.execute(f"DROP VIEW {name}")
    op.drop_table("analyses")
