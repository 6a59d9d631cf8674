"""The first schema: recordings, runs, transcripts and all that hangs on them, audit events, v_calls."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_V_CALLS = """
CREATE VIEW v_calls AS
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
  r.reason,
  r.remedy,
  r.first_seen_at
FROM recordings r
LEFT JOIN transcripts t ON t.recording_id = r.id
LEFT JOIN models m ON m.id = t.model_id
"""

_CHILDREN = ("words", "turns", "redactions", "regions", "channels", "documents", "summaries")


def upgrade() -> None:
    """Make everything."""
    _create_recordings()
    _create_runs()
    _create_transcripts()
    _create_children()
    _create_spoken()
    _create_audit_events()
    op.execute(_V_CALLS)


def downgrade() -> None:
    """Remove everything, and with it every transcript."""
    op.execute("DROP VIEW v_calls")
    for table in (*_CHILDREN, "transcripts", "sources", "audit_events", "models", "runs", "recordings"):
        op.drop_table(table)
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_events_refuse()")


def _create_recordings() -> None:
    op.create_table(
        "recordings",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("sha256", sa.String(64), nullable=False, unique=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False, index=True),
        sa.Column("duration_s", sa.Double()),
        sa.Column("container", sa.Text()),
        sa.Column("codec", sa.Text()),
        sa.Column("sample_rate_hz", sa.Integer()),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False, index=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("stage", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("remedy", sa.Text()),
        sa.CheckConstraint("(state = 'quarantined') = (reason IS NOT NULL)", name="reason"),
    )
    op.create_table(
        "sources",
        _key("recording_id", "recordings.id"),
        sa.Column("uri", sa.Text(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False, index=True),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
    )


def _create_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("state", sa.String(16), nullable=False, index=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("config_fingerprint", sa.Text(), nullable=False),
        sa.Column("code_version", sa.Text(), nullable=False),
        sa.Column("published", sa.Integer(), nullable=False),
        sa.Column("quarantined", sa.Integer(), nullable=False),
        sa.Column("audio_s", sa.Double(), nullable=False),
        sa.Column("wall_s", sa.Double()),
    )


def _create_transcripts() -> None:
    op.create_table(
        "models",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.UniqueConstraint("name", "sha256"),
    )
    op.create_table(
        "transcripts",
        _key("recording_id", "recordings.id"),
        sa.Column("run_id", sa.Integer(), sa.ForeignKey("runs.id"), nullable=False, index=True),
        sa.Column("model_id", sa.Integer(), sa.ForeignKey("models.id"), nullable=False, index=True),
        sa.Column("engine", sa.Text(), nullable=False),
        sa.Column("precision", sa.Text(), nullable=False),
        sa.Column("config_fingerprint", sa.Text(), nullable=False, index=True),
        sa.Column("code_version", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("audio", sa.Text(), nullable=False),
        sa.Column("duration_s", sa.Double(), nullable=False),
        sa.Column("speakers", sa.Integer(), nullable=False),
        sa.Column("words", sa.Integer(), nullable=False),
        sa.Column("stage_s", sa.JSON(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False, index=True),
    )


def _create_children() -> None:
    op.create_table(
        "documents",
        _key("recording_id", "transcripts.recording_id"),
        sa.Column("kind", sa.Text(), primary_key=True),
        sa.Column("object_key", sa.Text(), nullable=False),
    )
    op.create_table(
        "channels",
        _key("recording_id", "transcripts.recording_id"),
        sa.Column("position", sa.Integer(), primary_key=True),
        sa.Column("channel", sa.String(16), nullable=False),
    )
    op.create_table(
        "regions",
        _key("recording_id", "transcripts.recording_id"),
        sa.Column("position", sa.Integer(), primary_key=True),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("start_s", sa.Double(), nullable=False),
        sa.Column("end_s", sa.Double(), nullable=False),
    )
    op.create_table(
        "summaries",
        _key("recording_id", "transcripts.recording_id"),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("reason_turns", sa.JSON(), nullable=False),
        sa.Column("outcome", sa.Text()),
        sa.Column("outcome_turns", sa.JSON(), nullable=False),
        sa.Column("actions", sa.JSON(), nullable=False),
        sa.Column("categories", sa.JSON(), nullable=False),
    )


def _create_spoken() -> None:
    op.create_table(
        "turns",
        _key("recording_id", "transcripts.recording_id"),
        sa.Column("turn", sa.Integer(), primary_key=True),
        sa.Column("speaker", sa.Text(), nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("start_s", sa.Double(), nullable=False),
        sa.Column("end_s", sa.Double(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
    )
    op.create_table(
        "words",
        sa.Column("recording_id", sa.Integer(), primary_key=True),
        sa.Column("turn", sa.Integer(), primary_key=True),
        sa.Column("word", sa.Integer(), primary_key=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("start_s", sa.Double(), nullable=False),
        sa.Column("end_s", sa.Double(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("entity", sa.Text()),
        sa.ForeignKeyConstraint(["recording_id", "turn"], ["turns.recording_id", "turns.turn"], ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "redactions",
        _key("recording_id", "transcripts.recording_id"),
        sa.Column("position", sa.Integer(), primary_key=True),
        sa.Column("entity", sa.Text(), nullable=False, index=True),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("word", sa.Integer(), nullable=False),
        sa.Column("n_words", sa.Integer(), nullable=False),
        sa.Column("start_s", sa.Double(), nullable=False),
        sa.Column("end_s", sa.Double(), nullable=False),
    )


def _create_audit_events() -> None:
    op.create_table(
        "audit_events",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False, index=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("previous_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION audit_events_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'audit_events is append only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events "
            "EXECUTE FUNCTION audit_events_refuse()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_events_no_{verb.lower()} BEFORE {verb} ON audit_events "
            "BEGIN SELECT RAISE(ABORT, 'audit_events is append only'); END"
        )


def _key(name: str, parent: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), sa.ForeignKey(parent, ondelete="CASCADE"), primary_key=True)
