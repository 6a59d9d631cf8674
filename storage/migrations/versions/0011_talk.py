"""Who talks in a region of a channel that several share."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    # SQLite writes an added column beside another one; a table that is made anew reads as it is declared.
    with op.batch_alter_table("regions", recreate="always" if op.get_context().dialect.name == "sqlite" else "never") as table:
        table.add_column(sa.Column("speaker", sa.Text()))


def downgrade() -> None:
    """Remove it, and the rows that need it."""
    op.execute("DELETE FROM regions WHERE kind = 'talk'")
    with op.batch_alter_table("regions") as table:
        table.drop_column("speaker")
