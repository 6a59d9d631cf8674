"""What Alembic runs to apply steps: on the connection, and in the transaction, that storage.session gives."""

from __future__ import annotations

from alembic import context

from storage.columns import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # SQLite alters little in place: later steps copy a table instead.
    render_as_batch=True,
    # The caller's transaction already holds everything.
    transaction_per_migration=False,
)
context.run_migrations()
