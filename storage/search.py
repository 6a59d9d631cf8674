"""Finding turns by their words: FTS5 on SQLite, a tsvector with a GIN index on PostgreSQL, one answer from both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from asr.types import Channel
from storage.columns import UtcDateTime
from storage.lookup import first_name
from storage.search_query import Phrase, Query, for_postgresql, for_sqlite, phrases, plain, words_of
from storage.session import reading
from storage.tables import CallMetadataRow, RecordingRow, TurnRow

MAX_RANKED = 1_000
"""Hits that are ranked: of a word that half of all turns hold, those in the recordings that came last."""

_FOR_POSTGRESQL = "SET LOCAL random_page_cost = 1.1; SET LOCAL max_parallel_workers_per_gather = 0"
"""As shipped PostgreSQL plans for a disk that turns: it would rather read a third of all turns than look a few thousand
calls up. A search is over before a second process would be of use."""

_TURN_BITS = 20
"""A turn's key in SQLite's index is recording_id * 2**20 + turn."""


@dataclass(frozen=True, slots=True)
class Where:
    """Which calls are looked through: begun from `since` on (aware), of an agent, a queue, a tenant; None is all."""

    since: datetime | None = None
    agent: str | None = None
    queue: str | None = None
    tenant: str | None = None

    @property
    def told(self) -> tuple[str, ...]:
        """The names of what is set."""
        return tuple(field.name for field in fields(self) if getattr(self, field.name) is not None)


@dataclass(frozen=True, slots=True)
class Hit:
    """A turn that was found. `highlights` are the characters [start, end) of `text` that the query asked for.

    `began_at` is when the call began, or was first seen; times in seconds from its beginning.
    """

    recording_id: int
    sha256: str
    call: str
    call_id: str | None
    began_at: datetime
    agent: str | None
    queue: str | None
    turn: int
    speaker: str
    channel: Channel
    start_s: float
    end_s: float
    text: str = field(repr=False)
    highlights: tuple[tuple[int, int], ...]


def search(engine: sa.Engine, query: Query, where: Where, limit: int) -> tuple[Hit, ...]:
    """Return the turns that a query finds, the best first, at most `limit`.

    Ranked by bm25 on SQLite and by ts_rank, divided by the turn's length, on PostgreSQL: both find the same turns, and
    may order them otherwise. Of more than MAX_RANKED hits, those in the recordings with the greatest ids are ranked.

    Raises RetryableError or FatalError if the database cannot be used.
    """
    calls = _recordings(where)
    if "read_as" in engine.get_execution_options():
        # The policies see to that as well, but turn by turn.
        calls.append(sa.select(sa.table("readable", sa.column("recording_id", sa.Integer())).c.recording_id))
    found = (_found_by_postgresql if engine.dialect.name == "postgresql" else _found_by_sqlite)(query, calls)
    best = (
        sa.select(found.c.recording_id, found.c.turn, found.c.rank)
        .order_by(found.c.rank, found.c.recording_id.desc(), found.c.turn)
        .limit(limit)
        .subquery("best")
    )
    turns, told = TurnRow.__table__.columns, CallMetadataRow.__table__.columns
    began_at = sa.func.coalesce(told.started_at, RecordingRow.first_seen_at, type_=UtcDateTime())
    wanted = (
        sa.select(
            turns.recording_id,
            RecordingRow.sha256,
            first_name(best.c.recording_id),
            told.call_id,
            began_at,
            told.agent,
            told.queue,
            turns.turn,
            turns.speaker,
            turns.channel,
            turns.start_s,
            turns.end_s,
            turns.text,
        )
        .select_from(best)
        .join(TurnRow, (turns.recording_id == best.c.recording_id) & (turns.turn == best.c.turn))
        .join(RecordingRow, RecordingRow.id == best.c.recording_id)
        .outerjoin(CallMetadataRow, told.recording_id == best.c.recording_id)
        .order_by(best.c.rank, best.c.recording_id.desc(), best.c.turn)
    )
    sought = phrases(query)
    with reading(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(_FOR_POSTGRESQL)
        return tuple(Hit(*[*row, highlights(row.text, sought)]) for row in connection.execute(wanted))


def highlights(text: str, sought: Sequence[Phrase]) -> tuple[tuple[int, int], ...]:
    """Return the characters [start, end) of a text where phrases stand, joined where they touch, in their order.

    >>> highlights("I want a refund, a full refund.", [Phrase(("full", "ref"), prefix=True)])
    ((19, 30),)
    """
    words = words_of(text)
    marked = [False] * len(words)
    for phrase in sought:
        wanted = [plain(word) for word in phrase.words]
        for first in range(len(words) - len(wanted) + 1):
            said = [word for word, _, _ in words[first : first + len(wanted)]]
            if said[:-1] == wanted[:-1] and _is(said[-1], wanted[-1], prefix=phrase.prefix):
                marked[first : first + len(wanted)] = [True] * len(wanted)
    spans: list[tuple[int, int]] = []
    for number, (_, start, end) in enumerate(words):
        if marked[number]:
            joins = spans and marked[number - 1]
            spans[-1:] = [(spans[-1][0], end)] if joins else [*spans[-1:], (start, end)]
    return tuple(spans)


def _is(word: str, wanted: str, *, prefix: bool) -> bool:
    return word.startswith(wanted) if prefix else word == wanted


def _found_by_sqlite(query: Query, calls: Sequence[sa.Select[int]]) -> sa.Subquery:
    key = sa.literal_column("rowid", sa.Integer())
    rank: sa.ColumnClause[float] = sa.literal_column("rank", sa.Double())
    index = sa.table("turn_index")
    recording_id = key.op(">>")(_TURN_BITS)
    wanted = sa.select(key.label("key"), rank.label("rank")).select_from(index)
    wanted = wanted.where(sa.literal_column("turn_index").op("MATCH")(for_sqlite(query)))
    wanted = wanted.where(*(recording_id.in_(ids) for ids in calls))
    hits = wanted.order_by(key.desc()).limit(MAX_RANKED).subquery("hits")
    turn = hits.c.key.op("&")((1 << _TURN_BITS) - 1)
    return sa.select(hits.c.key.op(">>")(_TURN_BITS).label("recording_id"), turn.label("turn"), hits.c.rank).subquery()


def _found_by_postgresql(query: Query, calls: Sequence[sa.Select[int]]) -> sa.Subquery:
    turns = TurnRow.__table__.columns
    searched: sa.ColumnClause[Any] = sa.literal_column("turns.searched")
    tsquery = sa.literal(for_postgresql(query)).op("::")(sa.literal_column("tsquery"))
    wanted = sa.select(turns.recording_id, turns.turn, searched.label("searched")).where(searched.op("@@")(tsquery))
    wanted = wanted.where(*(turns.recording_id.in_(ids) for ids in calls))
    hits = wanted.order_by(turns.recording_id.desc(), turns.turn.desc()).limit(MAX_RANKED).subquery("hits")
    by_length = 2
    rank = -sa.func.ts_rank(hits.c.searched, tsquery, by_length)
    return sa.select(hits.c.recording_id, hits.c.turn, rank.label("rank")).subquery()


def _recordings(where: Where) -> list[sa.Select[int]]:
    """The ids of the calls that are looked through, if not all are: one SELECT, or none."""
    told = CallMetadataRow.__table__.columns
    names = ("agent", "queue", "tenant")
    named = [told[name] == value for name in names if (value := getattr(where, name)) is not None]
    if where.since is None:
        return [sa.select(told.recording_id).where(*named)] if named else []
    began, seen = told.started_at >= where.since, RecordingRow.first_seen_at >= where.since
    if named:
        is_late = began | (told.started_at.is_(None) & seen)
        joined = sa.select(told.recording_id).join(RecordingRow, RecordingRow.id == told.recording_id)
        return [joined.where(*named, is_late)]
    # In two halves, each of which has an index. UNION ALL would do, but PostgreSQL takes what that gives for 200 calls,
    # however many they are.
    untold = ~sa.exists().where(told.recording_id == RecordingRow.id, told.started_at.is_not(None))
    halves = sa.union(sa.select(told.recording_id).where(began), sa.select(RecordingRow.id).where(seen, untold))
    return [sa.select(halves.subquery().c[0])]
