"""What the guards against invented words did in each call."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a table with a row for each guard that did anything in a call."""
    op.create_table(
        "guards",
        sa.Column("recording_id", sa.Integer(), nullable=False),
        sa.Column("guard", sa.Text(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["recording_id"],
            ["transcripts.recording_id"],
            name=op.f("fk_guards_recording_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("recording_id", "guard", name=op.f("pk_guards")),
    )


def downgrade() -> None:
    """Remove it."""
    op.drop_table("guards")
