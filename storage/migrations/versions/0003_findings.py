"""What is amiss with a recording's channels."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "findings",
        sa.Column(
            "recording_id",
            sa.Integer(),
            sa.ForeignKey("transcripts.recording_id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("position", sa.Integer(), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False, index=True),
        sa.Column("channel", sa.String(16)),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("effect", sa.String(16), nullable=False),
        sa.Column("delay_ms", sa.Double()),
    )


def downgrade() -> None:
    """Remove it."""
    op.drop_table("findings")
