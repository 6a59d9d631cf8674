"""An index of the words of all turns, kept in step by the database itself, and views for analysts."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# The index has no copy of the text. A turn's key in it is recording_id * 2**20 + turn, which VACUUM cannot change as it
# may a rowid. A deletion hands the index the words as they were, which is what it asks for.
_ADD = "INSERT INTO turn_index (rowid, text) VALUES (NEW.recording_id * 1048576 + NEW.turn, NEW.text);"
_REMOVE = (
    "INSERT INTO turn_index (turn_index, rowid, text) "
    "VALUES ('delete', OLD.recording_id * 1048576 + OLD.turn, OLD.text);"
)
_SQLITE = (
    "CREATE VIRTUAL TABLE turn_index USING fts5(text, content='', tokenize='unicode61 remove_diacritics 2')",
    "INSERT INTO turn_index (rowid, text) SELECT recording_id * 1048576 + turn, text FROM turns",
    f"CREATE TRIGGER turns_indexed AFTER INSERT ON turns BEGIN {_ADD} END",
    f"CREATE TRIGGER turns_removed AFTER DELETE ON turns BEGIN {_REMOVE} END",
    f"CREATE TRIGGER turns_changed AFTER UPDATE ON turns BEGIN {_REMOVE} {_ADD} END",
)

# What is no letter and no digit is a space, as it is to SQLite's unicode61; PostgreSQL's own parser would make one word
# of a hyphenated one or a decimal. Accents can be told apart in UTF-8 alone.
_LETTERS = {
    True: r"regexp_replace(lower(normalize(said, NFD)), '[\u0300-\u036f]+', '', 'g')",
    False: "lower(said)",
}
_OTHERS = {
    True: r"[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u2000-\u206f\u3000-\u303f]+",
    False: "[^a-z0-9]+",
}

_VIEWS = {
    "v_days": """
SELECT r.id AS recording_id, coalesce(c.started_at, r.first_seen_at) AS began_at, {day} AS day
FROM recordings r LEFT JOIN call_metadata c ON c.recording_id = r.id""",
    "v_turns": """
SELECT t.recording_id, {call}, d.began_at, d.day, m.agent, m.queue, t.turn, t.speaker, t.channel, t.start_s, t.end_s,
  t.text
FROM turns t JOIN v_days d ON d.recording_id = t.recording_id
LEFT JOIN call_metadata m ON m.recording_id = t.recording_id""",
    "v_words": """
SELECT w.recording_id, d.began_at, d.day, w.turn, w.word, t.speaker, t.channel, w.start_s, w.end_s, w.text,
  w.confidence, w.entity
FROM words w JOIN turns t ON t.recording_id = w.recording_id AND t.turn = w.turn
JOIN v_days d ON d.recording_id = w.recording_id""",
    "v_redactions": """
SELECT t.recording_id, {call}, d.began_at, d.day, m.agent, m.queue, t.position, t.entity, t.channel, t.turn, t.word,
  t.n_words, t.start_s, t.end_s
FROM redactions t JOIN v_days d ON d.recording_id = t.recording_id
LEFT JOIN call_metadata m ON m.recording_id = t.recording_id""",
    "v_findings": """
SELECT t.recording_id, {call}, d.began_at, d.day, t.position, t.kind, t.channel, t.value, t.unit, t.effect, t.delay_ms
FROM findings t JOIN v_days d ON d.recording_id = t.recording_id""",
    "v_quality": """
SELECT t.recording_id, {call}, d.began_at, d.day, m.agent, m.queue, t.words,
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
    AS findings_reported
FROM transcripts t JOIN v_days d ON d.recording_id = t.recording_id
LEFT JOIN call_metadata m ON m.recording_id = t.recording_id""",
    "v_costs": """
SELECT t.recording_id, {call}, d.began_at, d.day, o.name AS model, t.engine, t.precision, t.run_id,
  t.duration_s AS audio_s, {stages}, {together} AS stages_s,
  CASE WHEN t.duration_s > 0 THEN 3600 * {together} / t.duration_s END AS stages_s_per_audio_hour
FROM transcripts t JOIN models o ON o.id = t.model_id JOIN v_days d ON d.recording_id = t.recording_id""",
}
"""The SELECT of each; those that others are made of come first."""

_CALL = """
  (SELECT s.name FROM sources s WHERE s.recording_id = t.recording_id ORDER BY s.first_seen_at, s.uri LIMIT 1)
    AS call"""

_DAY = {
    "sqlite": "substr(coalesce(c.started_at, r.first_seen_at), 1, 10)",
    "postgresql": "to_char(coalesce(c.started_at, r.first_seen_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
}

_STAGES = ("prepare", "transcribe", "redact", "bleep", "prove", "summarise")
_STAGE_S = {
    "sqlite": "CAST(json_extract(t.stage_s, '$.{0}') AS REAL)",
    "postgresql": "CAST(t.stage_s ->> '{0}' AS double precision)",
}

_TOGETHER = {
    "sqlite": "(SELECT coalesce(sum(value), 0.0) FROM json_each(t.stage_s))",
    "postgresql": "(SELECT coalesce(sum(CAST(value AS double precision)), 0.0) FROM json_each_text(t.stage_s))",
}
"""Of all stages, those that later versions add included."""

_GUARDS = ("away", "loops", "rushed", "subtitles", "retried", "recovered", "unheard")
_GUARD = """
  coalesce((SELECT g.times FROM guards g WHERE g.recording_id = t.recording_id AND g.guard = '{0}'), 0) AS {0}"""


def upgrade() -> None:
    """Index the turns that are there and all that will be, and make the views."""
    dialect = op.get_context().dialect.name
    for statement in _SQLITE if dialect == "sqlite" else _postgresql():
        op.execute(statement)
    for name, select in _views(dialect).items():
        op.execute(f"CREATE VIEW {name} AS {select}")


def downgrade() -> None:
    """Remove all of it."""
    dialect = op.get_context().dialect.name
    for name in reversed(_views(dialect)):
        op.execute(f"DROP VIEW {name}")
    if dialect == "postgresql":
        op.execute("ALTER TABLE turns DROP COLUMN searched")
        op.execute("DROP FUNCTION turn_words(text)")
        return
    for trigger in ("turns_indexed", "turns_removed", "turns_changed"):
        op.execute(f"DROP TRIGGER {trigger}")
    op.execute("DROP TABLE turn_index")


def _postgresql() -> tuple[str, ...]:
    in_utf8 = op.get_bind().exec_driver_sql("SELECT getdatabaseencoding()").scalar_one() == "UTF8"
    words = f"regexp_replace({_LETTERS[in_utf8]}, '{_OTHERS[in_utf8]}', ' ', 'g')"
    function = "CREATE FUNCTION turn_words(said text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS "
    return (
        f"{function} $$ SELECT to_tsvector('pg_catalog.simple', {words}) $$",
        "ALTER TABLE turns ADD COLUMN searched tsvector GENERATED ALWAYS AS (turn_words(text)) STORED",
        "CREATE INDEX ix_turns_searched ON turns USING gin (searched)",
    )


def _views(dialect: str) -> dict[str, str]:
    stages = {f"{name}_s": _STAGE_S[dialect].format(name) for name in _STAGES}
    parts = {
        "call": _CALL,
        "day": _DAY[dialect],
        "guards": ",".join(_GUARD.format(name) for name in _GUARDS),
        "stages": ", ".join(f"{stage_s} AS {name}" for name, stage_s in stages.items()),
        "together": _TOGETHER[dialect],
    }
    return {name: select.format(**parts) for name, select in _VIEWS.items()}
