"""CPU seconds and cost of each call, and both in v_costs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_STAGES = ("prepare", "transcribe", "redact", "bleep", "prove", "summarise")
_CPU_STAGES = ("prepare", "transcribe", "assemble", "redact", "bleep", "prove", "publish")

_ONE = {
    "sqlite": "CAST(json_extract(t.{0}, '$.{1}') AS REAL)",
    "postgresql": "CAST(t.{0} ->> '{1}' AS double precision)",
}
_TOGETHER = {
    "sqlite": "(SELECT coalesce(sum(value), 0.0) FROM json_each(t.{0}))",
    "postgresql": "(SELECT coalesce(sum(CAST(value AS double precision)), 0.0) FROM json_each_text(t.{0}))",
}
"""Of all stages, those that later versions add included."""

_CALL = """
  (SELECT s.name FROM sources s WHERE s.recording_id = t.recording_id ORDER BY s.first_seen_at, s.uri LIMIT 1)
    AS call"""

_V_COSTS = """
CREATE {replace} VIEW v_costs AS
SELECT t.recording_id, {call}, d.began_at, d.day, o.name AS model, t.engine, t.precision, t.run_id,
  t.duration_s AS audio_s, {stages}, {stages_s} AS stages_s,
  CASE WHEN t.duration_s > 0 THEN 3600 * {stages_s} / t.duration_s END AS stages_s_per_audio_hour{more}
FROM transcripts t JOIN models o ON o.id = t.model_id JOIN v_days d ON d.recording_id = t.recording_id"""

_MORE = """,
  {cpu}, {cpu_s} AS cpu_s,
  CASE WHEN t.duration_s > 0 THEN 3600 * {cpu_s} / t.duration_s END AS cpu_s_per_audio_hour,
  t.cost, CASE WHEN t.duration_s > 0 THEN 3600 * t.cost / t.duration_s END AS cost_per_audio_hour"""


def upgrade() -> None:
    """Add the columns; of calls that are there, the view shows nothing for them."""
    op.execute("ALTER TABLE transcripts ADD COLUMN cpu_s JSON DEFAULT '{}' NOT NULL")
    op.add_column("transcripts", sa.Column("cost", sa.Double()))
    dialect = op.get_context().dialect.name
    cpu = ", ".join(f"{_ONE[dialect].format('cpu_s', name)} AS {name}_cpu_s" for name in _CPU_STAGES)
    together = f"nullif({_TOGETHER[dialect].format('cpu_s')}, 0.0)"
    _replace(_MORE.format(cpu=cpu, cpu_s=together))


def downgrade() -> None:
    """Remove them; PostgreSQL takes no columns from a view that is there, and rights to it go with it."""
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP VIEW v_costs")
    _replace("")
    op.execute("ALTER TABLE transcripts DROP COLUMN cost")
    op.execute("ALTER TABLE transcripts DROP COLUMN cpu_s")


def _replace(more: str) -> None:
    """Make v_costs anew; PostgreSQL replaces it, where columns are added, with the rights to it."""
    dialect = op.get_context().dialect.name
    if dialect == "sqlite":
        op.execute("DROP VIEW v_costs")
    stages = ", ".join(f"{_ONE[dialect].format('stage_s', name)} AS {name}_s" for name in _STAGES)
    parts = {"call": _CALL, "stages": stages, "stages_s": _TOGETHER[dialect].format("stage_s"), "more": more}
    op.execute(_V_COSTS.format(replace="OR REPLACE" if dialect == "postgresql" else "", **parts))
