"""What analysts read: views with stable columns, made by the migrations (docs/sql.md), and their rows by the day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from storage.columns import UtcDateTime
from storage.session import Database, reading
from storage.tables import V_CALLS

_CALLS_AT_ONCE = 200
_IN_PARTS = {"yield_per": 20_000}

_DAY = {"recording_id": int, "began_at": datetime, "day": str}
_CALL = {"recording_id": int, "call": str, "began_at": datetime, "day": str}
_OF_AGENT = {**_CALL, "agent": str, "queue": str}


def _python_type(kind: sa.types.TypeEngine[Any]) -> type:
    if isinstance(kind, UtcDateTime):
        return datetime
    return str if isinstance(kind, sa.Enum) else kind.python_type


VIEWS: Mapping[str, Mapping[str, type]] = {
    "v_calls": {column.name: _python_type(column.type) for column in V_CALLS.columns},
    "v_days": _DAY,
    "v_turns": {
        **_OF_AGENT,
        "turn": int,
        "speaker": str,
        "channel": str,
        "start_s": float,
        "end_s": float,
        "text": str,
    },
    "v_words": {
        **_DAY,
        "turn": int,
        "word": int,
        "speaker": str,
        "channel": str,
        "start_s": float,
        "end_s": float,
        "text": str,
        "confidence": float,
        "entity": str,
    },
    "v_redactions": {
        **_OF_AGENT,
        "position": int,
        "entity": str,
        "channel": str,
        "turn": int,
        "word": int,
        "n_words": int,
        "start_s": float,
        "end_s": float,
    },
    "v_findings": {
        **_CALL,
        "position": int,
        "kind": str,
        "channel": str,
        "value": float,
        "unit": str,
        "effect": str,
        "delay_ms": float,
    },
    "v_quality": {
        **_OF_AGENT,
        "words": int,
        "mean_confidence": float,
        "doubtful_words": int,
        "speech_s": float,
        "speech_without_words_s": float,
        "away": int,
        "loops": int,
        "rushed": int,
        "subtitles": int,
        "retried": int,
        "recovered": int,
        "unheard": int,
        "findings": int,
        "findings_reported": int,
        "estimated_wer": float,
        "doubtful_share": float,
        "unknown_share": float,
        "mean_logprob": float,
        "no_speech_prob": float,
        "compression_ratio": float,
        "unworded_s": float,
        "least_side_share": float,
        "snr_db": float,
        "second_model": str,
        "second_words": int,
        "second_errors": int,
    },
    "v_costs": {
        **_CALL,
        "model": str,
        "engine": str,
        "precision": str,
        "run_id": int,
        "audio_s": float,
        "prepare_s": float,
        "transcribe_s": float,
        "redact_s": float,
        "bleep_s": float,
        "prove_s": float,
        "summarise_s": float,
        "stages_s": float,
        "stages_s_per_audio_hour": float,
        "prepare_cpu_s": float,
        "transcribe_cpu_s": float,
        "assemble_cpu_s": float,
        "redact_cpu_s": float,
        "bleep_cpu_s": float,
        "prove_cpu_s": float,
        "publish_cpu_s": float,
        "cpu_s": float,
        "cpu_s_per_audio_hour": float,
        "cost": float,
        "cost_per_audio_hour": float,
    },
    "v_analyses": {
        **_OF_AGENT,
        "name": str,
        "part": str,
        "kind": str,
        "version": str,
        "method": str,
        "value": float,
        "turns": str,
        "made_at": datetime,
    },
    "v_answers": {
        **_OF_AGENT,
        "name": str,
        "version": str,
        "method": str,
        "answer": str,
        "turns": str,
        "made_at": datetime,
    },
}
"""The columns of each view, in their order, as the types of their values; any may be None."""

_SQL_TYPES: Mapping[type, sa.types.TypeEngine[Any]] = {
    int: sa.BigInteger(),
    float: sa.Double(),
    str: sa.Text(),
    bool: sa.Boolean(),
    datetime: UtcDateTime(),
}


def days(database: Database, since: date | None, until: date | None) -> list[date]:
    """Return the days, in UTC, on which calls began or were first seen, from `since` to `until`, both included.

    Raises RetryableError or FatalError if the database cannot be used.
    """
    day = view_table("v_days").c.day
    wanted = sa.select(day).distinct().order_by(day)
    if since is not None:
        wanted = wanted.where(day >= since.isoformat())
    if until is not None:
        wanted = wanted.where(day <= until.isoformat())
    with reading(database) as connection:
        return [date.fromisoformat(found) for found in connection.scalars(wanted)]


def day_of(recording_id: sa.SQLColumnExpression[int]) -> sa.ScalarSelect[str]:
    """Return the day of a call, "YYYY-MM-DD", as a subquery."""
    known = view_table("v_days").c
    return sa.select(known.day).where(known.recording_id == recording_id).scalar_subquery()


def rows_of(database: Database, day: date) -> Iterator[tuple[str, Sequence[Sequence[Any]]]]:
    """Give the rows of a day's calls, view by view, a bounded number at once, from one snapshot of the database.

    A view of which there are no rows comes never, one of which there are many several times, in the order of VIEWS.
    Raises RetryableError or FatalError if the database cannot be used.
    """
    known = view_table("v_days")
    with reading(database) as connection:
        wanted = sa.select(known.c.recording_id).where(known.c.day == day.isoformat()).order_by(known.c.recording_id)
        ids = connection.scalars(wanted).all()
        for name in VIEWS:
            view = view_table(name)
            for start in range(0, len(ids), _CALLS_AT_ONCE):
                its = view.c.recording_id.in_(ids[start : start + _CALLS_AT_ONCE])
                answer = connection.execute(sa.select(view).where(its), execution_options=_IN_PARTS)
                for rows in answer.partitions():
                    yield name, rows


def view_table(name: str) -> sa.TableClause:
    """Return a view, for statements that read it."""
    return sa.table(name, *(sa.column(column, _SQL_TYPES[kind]) for column, kind in VIEWS[name].items()))
