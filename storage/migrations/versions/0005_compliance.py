"""Holds, erasures, certificates, and audit events that may be deleted after their time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_PRUNED = "coalesce((SELECT max(through_id) FROM audit_prunes), 0)"


def upgrade() -> None:
    """Make the tables; let the audit trail lose what a row of audit_prunes covers, and nothing else."""
    op.create_table(
        "audit_prunes",
        sa.Column("through_id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
    )
    op.create_table(
        "holds",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True)),
        sa.Column("released_at", sa.DateTime(timezone=True)),
    )
    _create_erasures()
    _guard_deletes()


def downgrade() -> None:
    """Remove the tables, and with them holds and what is known of erasures."""
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP TRIGGER audit_events_no_delete ON audit_events")
        op.execute("DROP FUNCTION audit_events_keep()")
        op.execute("DROP TRIGGER audit_events_append_only ON audit_events")
        op.execute(
            "CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events "
            "EXECUTE FUNCTION audit_events_refuse()"
        )
    else:
        op.execute("DROP TRIGGER audit_events_no_delete")
        op.execute(
            "CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events "
            "BEGIN SELECT RAISE(ABORT, 'audit_events is append only'); END"
        )
    for table in ("certificates", "erasures", "erasure_requests", "holds", "audit_prunes"):
        op.drop_table(table)
    op.execute("UPDATE recordings SET state = 'received' WHERE state = 'erased'")


def _create_erasures() -> None:
    op.create_table(
        "erasure_requests",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("call", sa.String(64)),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "erasures",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("request_id", sa.Integer(), sa.ForeignKey("erasure_requests.id"), index=True),
        sa.Column("recording_id", sa.Integer(), sa.ForeignKey("recordings.id"), nullable=False, index=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("intended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), index=True),
        sa.Column("n_gone", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
    )
    op.create_table(
        "certificates",
        sa.Column("object_key", sa.Text(), primary_key=True),
        sa.Column("recording_id", sa.Integer(), sa.ForeignKey("recordings.id"), index=True),
        sa.Column("request_id", sa.Integer(), sa.ForeignKey("erasure_requests.id"), index=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
    )


def _guard_deletes() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP TRIGGER audit_events_append_only ON audit_events")
        op.execute(
            "CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR TRUNCATE ON audit_events "
            "EXECUTE FUNCTION audit_events_refuse()"
        )
        op.execute(
            "CREATE FUNCTION audit_events_keep() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN IF OLD.id > {_PRUNED} THEN RAISE EXCEPTION 'audit_events is append only'; END IF; "
            "RETURN OLD; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events "
            "FOR EACH ROW EXECUTE FUNCTION audit_events_keep()"
        )
        return
    op.execute("DROP TRIGGER audit_events_no_delete")
    op.execute(
        "CREATE TRIGGER audit_events_no_delete BEFORE DELETE ON audit_events "
        f"WHEN OLD.id > {_PRUNED} BEGIN SELECT RAISE(ABORT, 'audit_events is append only'); END"
    )
