"""How well each call was heard, in figures that need no reference."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_V_QUALITY = """
CREATE {replace} VIEW v_quality AS
SELECT t.recording_id,
  (SELECT s.name FROM sources s WHERE s.recording_id = t.recording_id ORDER BY s.first_seen_at, s.uri LIMIT 1) AS call,
  d.began_at, d.day, m.agent, m.queue, t.words,
  (SELECT avg(w.confidence) FROM words w WHERE w.recording_id = t.recording_id AND w.entity IS NULL) AS mean_confidence,
  (SELECT count(*) FROM words w WHERE w.recording_id = t.recording_id AND w.entity IS NULL AND w.confidence < 0.5)
    AS doubtful_words,
  (SELECT coalesce(sum(r.end_s - r.start_s), 0.0) FROM regions r
    WHERE r.recording_id = t.recording_id AND r.kind = 'speech') AS speech_s,
  (SELECT coalesce(sum(r.end_s - r.start_s), 0.0) FROM regions r
    WHERE r.recording_id = t.recording_id AND r.kind = 'speech' AND NOT EXISTS (
      SELECT 1 FROM turns u JOIN words w ON w.recording_id = u.recording_id AND w.turn = u.turn
      WHERE u.recording_id = r.recording_id AND u.channel = r.channel AND u.start_s < r.end_s AND u.end_s > r.start_s
        AND w.start_s < r.end_s AND w.end_s > r.start_s)) AS speech_without_words_s,
  {guards},
  (SELECT count(*) FROM findings f WHERE f.recording_id = t.recording_id) AS findings,
  (SELECT count(*) FROM findings f WHERE f.recording_id = t.recording_id AND f.effect = 'reported')
    AS findings_reported{more}
FROM transcripts t JOIN v_days d ON d.recording_id = t.recording_id
LEFT JOIN call_metadata m ON m.recording_id = t.recording_id{join}
"""

_GUARDS = ("away", "loops", "rushed", "subtitles", "retried", "recovered", "unheard")
_GUARD = """
  coalesce((SELECT g.times FROM guards g WHERE g.recording_id = t.recording_id AND g.guard = '{0}'), 0) AS {0}"""

_FIGURES = (
    *("estimated_wer", "doubtful_share", "unknown_share", "mean_logprob", "no_speech_prob", "compression_ratio"),
    *("unworded_s", "least_side_share", "snr_db", "second_model", "second_words", "second_errors"),
)


def upgrade() -> None:
    """Make the table, and let the view show it."""
    op.create_table(
        "quality",
        sa.Column(
            *("recording_id", sa.Integer(), sa.ForeignKey("transcripts.recording_id", ondelete="CASCADE")),
            primary_key=True,
        ),
        sa.Column("words", sa.Integer(), nullable=False),
        sa.Column("estimated_wer", sa.Double()),
        sa.Column("mean_confidence", sa.Double()),
        sa.Column("doubtful_share", sa.Double()),
        sa.Column("unknown_share", sa.Double()),
        sa.Column("mean_logprob", sa.Double()),
        sa.Column("no_speech_prob", sa.Double()),
        sa.Column("compression_ratio", sa.Double()),
        sa.Column("speech_s", sa.Double(), nullable=False),
        sa.Column("unworded_s", sa.Double(), nullable=False),
        sa.Column("least_side_share", sa.Double()),
        sa.Column("redactions", sa.Integer(), nullable=False),
        sa.Column("snr_db", sa.Double()),
        sa.Column("second_model", sa.Text()),
        sa.Column("second_words", sa.Integer()),
        sa.Column("second_errors", sa.Integer()),
    )
    shown = "".join(f",\n  q.{name}" for name in _FIGURES)
    _replace_view(shown, "\nLEFT JOIN quality q ON q.recording_id = t.recording_id")


def downgrade() -> None:
    """Remove the table, and show what was shown before."""
    op.execute("DROP VIEW v_quality")
    _replace_view("", "")
    op.drop_table("quality")


def _replace_view(more: str, join: str) -> None:
    """Make v_quality anew; PostgreSQL replaces it, where columns are added, with the rights to it."""
    is_sqlite = op.get_context().dialect.name == "sqlite"
    if is_sqlite and more:
        op.execute("DROP VIEW v_quality")
    guards = ",".join(_GUARD.format(guard) for guard in _GUARDS)
    replace = "" if is_sqlite else "OR REPLACE"
    op.execute(_V_QUALITY.format(replace=replace, guards=guards, more=more, join=join))
