"""Facts of a conversation, and of each of its speakers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "conversations",
        _transcript(),
        sa.Column("silence_s", sa.Double(), nullable=False),
        sa.Column("hold_s", sa.Double(), nullable=False),
        sa.Column("overlap_s", sa.Double(), nullable=False),
    )
    op.create_table(
        "speakers",
        _transcript(),
        sa.Column("speaker", sa.Text(), primary_key=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(16)),
        sa.Column("role_confidence", sa.Double(), nullable=False),
        sa.Column("talk_s", sa.Double(), nullable=False),
        sa.Column("talk_share", sa.Double(), nullable=False),
        sa.Column("words", sa.Integer(), nullable=False),
        sa.Column("words_per_min", sa.Double(), nullable=False),
        sa.Column("longest_monologue_s", sa.Double(), nullable=False),
        sa.Column("interruptions", sa.Integer(), nullable=False),
        sa.Column("response_s", sa.Double()),
    )


def downgrade() -> None:
    """Remove them."""
    op.drop_table("speakers")
    op.drop_table("conversations")


def _transcript() -> sa.Column[int]:
    return sa.Column(
        "recording_id", sa.Integer(), sa.ForeignKey("transcripts.recording_id", ondelete="CASCADE"), primary_key=True
    )
