"""Who talks in a region of a channel that several share."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.execute("ALTER TABLE regions ADD COLUMN speaker TEXT")


def downgrade() -> None:
    """Remove it, and the rows that need it."""
    op.execute("DELETE FROM regions WHERE kind = 'talk'")
    op.execute("ALTER TABLE regions DROP COLUMN speaker")
