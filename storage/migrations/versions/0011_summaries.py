"""Summaries by a model: follow-up, sentiment, what was not borne out; and calls that a model is yet to summarise."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_KEPT = "recording_id, method, reason, reason_turns, outcome, outcome_turns, actions, categories"


def upgrade() -> None:
    """Make the table anew, with what it held: a column that must be given cannot be added to rows that are there."""
    op.execute(f"CREATE TABLE summaries_before AS SELECT {_KEPT} FROM summaries")  # noqa: S608
    op.drop_table("summaries")
    _create(
        sa.Column("follow_up", sa.Text()),
        sa.Column("follow_up_turns", sa.JSON(), nullable=False),
        sa.Column("sentiment", sa.String(16)),
        sa.Column("dropped", sa.JSON(), nullable=False),
    )
    op.execute(
        f"INSERT INTO summaries ({_KEPT}, follow_up_turns, dropped) SELECT {_KEPT}, '[]', '[]' FROM summaries_before"  # noqa: S608
    )
    op.drop_table("summaries_before")
    op.create_table(
        "summary_tries",
        _transcript(),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
    )


def downgrade() -> None:
    """Leave of each summary what was there before."""
    op.drop_table("summary_tries")
    op.execute(f"CREATE TABLE summaries_before AS SELECT {_KEPT} FROM summaries")  # noqa: S608
    op.drop_table("summaries")
    _create()
    op.execute(f"INSERT INTO summaries ({_KEPT}) SELECT {_KEPT} FROM summaries_before")  # noqa: S608
    op.drop_table("summaries_before")


def _create(*more: sa.Column[str]) -> None:
    op.create_table(
        "summaries",
        _transcript(),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("reason_turns", sa.JSON(), nullable=False),
        sa.Column("outcome", sa.Text()),
        sa.Column("outcome_turns", sa.JSON(), nullable=False),
        sa.Column("actions", sa.JSON(), nullable=False),
        sa.Column("categories", sa.JSON(), nullable=False),
        *more,
    )


def _transcript() -> sa.Column[int]:
    return sa.Column(
        "recording_id", sa.Integer(), sa.ForeignKey("transcripts.recording_id", ondelete="CASCADE"), primary_key=True
    )
