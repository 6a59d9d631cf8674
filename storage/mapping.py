"""Between the dataclasses of a call and its rows.

Reading back is the one place besides compliance.redactor that makes a RedactedTranscript: it gives back what
was already redacted when it was stored, and nothing else can be in these tables.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from asr.types import GuardCounts, Provenance, Region
from compliance.types import RedactedTranscript, RedactedTurn, RedactedWord, Redaction
from storage.columns import Base
from storage.findings import load_findings, store_findings
from storage.recordings import model_row_id
from storage.tables import (
    ChannelRow,
    DocumentRow,
    GuardRow,
    ModelRow,
    RedactionRow,
    RegionRow,
    TranscriptRow,
    TurnRow,
    WordRow,
)
from storage.types import Publication

Row = dict[str, Any]
"""One row to insert, by column name."""


def insert_all(connection: sa.Connection, table: type[Base], rows: Sequence[Row]) -> None:
    """Insert rows into a table in one bulk statement; none is fine."""
    if rows:
        connection.execute(sa.insert(table), rows)


def store_transcript(
    connection: sa.Connection,
    recording_id: int,
    run_id: int,
    publication: Publication,
    published_at: datetime,
) -> None:
    """Insert a transcript's own row and its documents, in place of all that the recording had before."""
    transcript = publication.transcript
    made_by = transcript.provenance
    # Takes along everything that hangs on it.
    connection.execute(sa.delete(TranscriptRow).where(TranscriptRow.recording_id == recording_id))
    row = {
        "recording_id": recording_id,
        "run_id": run_id,
        "model_id": model_row_id(connection, made_by.model_id, made_by.model_sha256),
        "engine": made_by.engine,
        "precision": made_by.precision,
        "config_fingerprint": made_by.config_fingerprint,
        "code_version": made_by.code_version,
        "policy": transcript.policy,
        "audio": transcript.audio,
        "duration_s": transcript.duration_s,
        "speakers": len({turn.speaker for turn in transcript.turns}),
        "words": sum(len(turn.words) for turn in transcript.turns),
        "stage_s": dict(publication.stage_s),
        "cpu_s": dict(publication.cpu_s),
        "cost": publication.cost,
        "published_at": published_at,
    }
    insert_all(connection, TranscriptRow, [row])
    documents = [
        {"recording_id": recording_id, "kind": kind, "object_key": key} for kind, key in publication.documents.items()
    ]
    insert_all(connection, DocumentRow, documents)


def store_spoken(connection: sa.Connection, recording_id: int, transcript: RedactedTranscript) -> None:
    """Insert all that hangs on a transcript; the transcript's own row must be there."""
    key = {"recording_id": recording_id}
    channels = [{**key, "position": i, "channel": channel} for i, channel in enumerate(transcript.channels)]
    insert_all(connection, ChannelRow, channels)
    insert_all(connection, RegionRow, [_region_row(key, i, r) for i, r in enumerate(transcript.regions)])
    store_findings(connection, recording_id, transcript.findings)
    insert_all(connection, TurnRow, [_turn_row(key, i, turn) for i, turn in enumerate(transcript.turns)])
    words = [_word_row(key, i, j, word) for i, turn in enumerate(transcript.turns) for j, word in enumerate(turn.words)]
    insert_all(connection, WordRow, words)
    redactions = [_redaction_row(key, i, redaction) for i, redaction in enumerate(transcript.redactions)]
    insert_all(connection, RedactionRow, redactions)
    guards = [{**key, "guard": guard, "times": times} for guard, times in asdict(transcript.guards).items() if times]
    insert_all(connection, GuardRow, guards)


def load_transcript(connection: sa.Connection, recording_id: int) -> RedactedTranscript | None:
    """Return a recording's transcript, equal to the one that was stored, or None if it has none."""
    text = load_text(connection, recording_id)
    if text is None:
        return None
    channels = connection.scalars(
        sa.select(ChannelRow.channel).where(ChannelRow.recording_id == recording_id).order_by(ChannelRow.position)
    )
    return replace(
        text,
        channels=tuple(channels),
        turns=_with_words(connection, recording_id, text.turns),
        regions=_load_regions(connection, recording_id),
        redactions=_load_redactions(connection, recording_id),
        findings=load_findings(connection, recording_id),
        guards=_load_guards(connection, recording_id),
    )


def load_text(connection: sa.Connection, recording_id: int) -> RedactedTranscript | None:
    """Return what is said in a transcript and what made it, without channels, sounds and the times of words; None if
    there is none. It takes two statements, where all of it takes nine."""
    row = connection.execute(
        sa.select(
            TranscriptRow.audio,
            TranscriptRow.duration_s,
            TranscriptRow.policy,
            ModelRow.name,
            ModelRow.sha256,
            TranscriptRow.engine,
            TranscriptRow.precision,
            TranscriptRow.config_fingerprint,
            TranscriptRow.code_version,
        )
        .join(ModelRow, ModelRow.id == TranscriptRow.model_id)
        .where(TranscriptRow.recording_id == recording_id)
    ).first()
    if row is None:
        return None
    return RedactedTranscript(
        audio=row.audio,
        duration_s=row.duration_s,
        channels=(),
        turns=load_plain_turns(connection, recording_id),
        regions=(),
        redactions=(),
        policy=row.policy,
        provenance=Provenance(
            row.name, row.sha256, row.engine, row.precision, row.config_fingerprint, row.code_version
        ),
    )


def _region_row(key: Row, position: int, region: Region) -> Row:
    return {
        **key,
        "position": position,
        "channel": region.channel,
        "kind": region.kind,
        "start_s": region.start_s,
        "end_s": region.end_s,
        "speaker": region.speaker,
    }


def _turn_row(key: Row, index: int, turn: RedactedTurn) -> Row:
    return {
        **key,
        "turn": index,
        "speaker": turn.speaker,
        "channel": turn.channel,
        "start_s": turn.start_s,
        "end_s": turn.end_s,
        "text": turn.text,
    }


def _word_row(key: Row, turn: int, index: int, word: RedactedWord) -> Row:
    return {
        **key,
        "turn": turn,
        "word": index,
        "text": word.text,
        "start_s": word.start_s,
        "end_s": word.end_s,
        "confidence": word.confidence,
        "entity": word.entity,
    }


def _redaction_row(key: Row, position: int, redaction: Redaction) -> Row:
    return {
        **key,
        "position": position,
        "entity": redaction.entity,
        "channel": redaction.channel,
        "turn": redaction.turn,
        "word": redaction.word,
        "n_words": redaction.n_words,
        "start_s": redaction.start_s,
        "end_s": redaction.end_s,
    }


def load_plain_turns(connection: sa.Connection, recording_id: int) -> tuple[RedactedTurn, ...]:
    """Return a transcript's turns by their own rows: each one piece, its text with its times, of unknown confidence."""
    turns = connection.execute(
        sa.select(TurnRow.speaker, TurnRow.channel, TurnRow.text, TurnRow.start_s, TurnRow.end_s)
        .where(TurnRow.recording_id == recording_id)
        .order_by(TurnRow.turn)
    )
    return tuple(
        RedactedTurn(speaker, channel, (RedactedWord(text, start_s, end_s, 0.0),))
        for speaker, channel, text, start_s, end_s in turns
    )


def _with_words(
    connection: sa.Connection, recording_id: int, plain: Sequence[RedactedTurn]
) -> tuple[RedactedTurn, ...]:
    """The turns with their words; where retention has taken these, a turn is one piece."""
    words: defaultdict[int, list[RedactedWord]] = defaultdict(list)
    for turn, text, start_s, end_s, confidence, entity in connection.execute(
        sa.select(WordRow.turn, WordRow.text, WordRow.start_s, WordRow.end_s, WordRow.confidence, WordRow.entity)
        .where(WordRow.recording_id == recording_id)
        .order_by(WordRow.turn, WordRow.word)
    ):
        words[turn].append(RedactedWord(text, start_s, end_s, confidence, entity))
    return tuple(replace(turn, words=tuple(words[at]) or turn.words) for at, turn in enumerate(plain))


def _load_regions(connection: sa.Connection, recording_id: int) -> tuple[Region, ...]:
    rows = connection.execute(
        sa.select(RegionRow.start_s, RegionRow.end_s, RegionRow.channel, RegionRow.kind, RegionRow.speaker)
        .where(RegionRow.recording_id == recording_id)
        .order_by(RegionRow.position)
    )
    return tuple(Region(row.start_s, row.end_s, row.channel, row.kind, speaker=row.speaker) for row in rows)


def _load_guards(connection: sa.Connection, recording_id: int) -> GuardCounts:
    rows = connection.execute(sa.select(GuardRow.guard, GuardRow.times).where(GuardRow.recording_id == recording_id))
    return GuardCounts(**{row.guard: row.times for row in rows})


def _load_redactions(connection: sa.Connection, recording_id: int) -> tuple[Redaction, ...]:
    columns = RedactionRow.__table__.columns
    rows = connection.execute(
        sa.select(*columns).where(columns.recording_id == recording_id).order_by(columns.position)
    )
    return tuple(
        Redaction(row.entity, row.channel, row.turn, row.word, row.n_words, row.start_s, row.end_s) for row in rows
    )
