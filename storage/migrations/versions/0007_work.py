"""Whose a run is; tries at recordings, which are their leases; what has come in from where."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_OPEN = sa.text("ended_at IS NULL")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "workers",
        sa.Column("run_id", sa.Integer(), sa.ForeignKey("runs.id"), primary_key=True, autoincrement=False),
        sa.Column("owner", sa.Text(), nullable=False, index=True),
        sa.Column("alive_until", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "tries",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("recording_id", sa.Integer(), sa.ForeignKey("recordings.id"), nullable=False, index=True),
        sa.Column("run_id", sa.Integer(), sa.ForeignKey("runs.id")),
        sa.Column("owner", sa.Text(), nullable=False, index=True),
        sa.Column("together", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("outcome", sa.String(16)),
        sa.Column("note", sa.Text(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("uq_tries_open", "tries", ["recording_id"], unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN)
    op.create_table(
        "arrivals",
        sa.Column("uri", sa.Text(), primary_key=True),
        sa.Column("version", sa.Text(), primary_key=True),
        sa.Column("recording_id", sa.Integer(), sa.ForeignKey("recordings.id"), index=True),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), index=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
    )


def downgrade() -> None:
    """Remove the tables, and with them the history of tries."""
    for table in ("arrivals", "tries", "workers"):
        op.drop_table(table)
