"""Whose a call is, and on PostgreSQL who may read it: storage.rights guards the tables by what this makes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_V_CALLS = """
CREATE {replace} VIEW v_calls AS
SELECT
  r.id AS recording_id,
  (SELECT s.name FROM sources s WHERE s.recording_id = r.id ORDER BY s.first_seen_at, s.uri LIMIT 1) AS call,
  r.sha256,
  r.state,
  r.duration_s AS length_s,
  t.speakers,
  t.words,
  CASE WHEN t.recording_id IS NOT NULL
    THEN (SELECT count(*) FROM redactions d WHERE d.recording_id = r.id) END AS redactions,
  m.name AS model,
  t.published_at,
  CASE WHEN r.state = 'skipped' THEN 'there is no consent to its being transcribed' ELSE r.reason END AS reason,
  CASE WHEN r.state = 'skipped'
    THEN 'If there is, say so in its metadata; metadata.allow_without_consent does all such calls'
    ELSE r.remedy END AS remedy,
  r.first_seen_at,
  c.call_id,
  c.started_at,
  c.utc_offset_min,
  c.agent,
  c.queue,
  c.direction,
  c.language,
  c.consent{more}
FROM recordings r
LEFT JOIN transcripts t ON t.recording_id = r.id
LEFT JOIN models m ON m.id = t.model_id
LEFT JOIN call_metadata c ON c.recording_id = r.id
"""

_READABLE = """
CREATE VIEW readable WITH (security_barrier) AS
SELECT r.id AS recording_id FROM recordings r LEFT JOIN call_metadata c ON c.recording_id = r.id
WHERE EXISTS (
  SELECT 1 FROM access_grants g JOIN pg_catalog.pg_roles p ON p.rolname = g.role
  WHERE pg_has_role(p.oid, 'USAGE') AND (g.tenant = '*' OR g.tenant = c.tenant) AND (g.queue = '*' OR g.queue = c.queue)
)
"""
"""The recordings that whoever asks may read: the view reads as its owner, and asks whose member the asking role is."""


def upgrade() -> None:
    """Give calls a tenant, and roles grants."""
    op.execute("ALTER TABLE call_metadata ADD COLUMN tenant TEXT")
    op.create_index("ix_call_metadata_tenant", "call_metadata", ["tenant"])
    op.create_table(
        "access_grants",
        sa.Column("role", sa.Text(), primary_key=True),
        sa.Column("tenant", sa.Text(), primary_key=True),
        sa.Column("queue", sa.Text(), primary_key=True),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
    )
    _replace_calls(",\n  c.tenant")
    if op.get_context().dialect.name == "postgresql":
        op.execute(_READABLE)


def downgrade() -> None:
    """Remove the tenants and the grants: only roles that read all, or nothing, are left."""
    if op.get_context().dialect.name == "postgresql":
        for table in _names("SELECT tablename FROM pg_policies WHERE schemaname = current_schema()"):
            op.execute(f'DROP POLICY readable ON "{table}"')
        for table in _tables():
            op.execute(f'ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY')
        op.execute("DROP VIEW readable")
        op.execute("DROP VIEW v_calls")
        for view in _views():
            op.execute(f'ALTER VIEW "{view}" RESET (security_invoker)')
    _replace_calls("")
    op.drop_table("access_grants")
    op.drop_index("ix_call_metadata_tenant", "call_metadata")
    op.execute("ALTER TABLE call_metadata DROP COLUMN tenant")


def _replace_calls(more: str) -> None:
    """Make v_calls anew; PostgreSQL replaces it, where columns are added, with the rights to it."""
    if op.get_context().dialect.name == "sqlite":
        op.execute("DROP VIEW v_calls")
    replace = "OR REPLACE" if op.get_context().dialect.name == "postgresql" else ""
    op.execute(_V_CALLS.format(replace=replace, more=more))


def _tables() -> list[str]:
    return _names(
        "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename <> 'alembic_version'"
    )


def _views() -> list[str]:
    known = "SELECT viewname FROM pg_views WHERE schemaname = current_schema()"
    return _names(f"{known} AND starts_with(viewname, 'v_')")


def _names(sql: str) -> list[str]:
    return sorted(op.get_bind().exec_driver_sql(sql).scalars())
