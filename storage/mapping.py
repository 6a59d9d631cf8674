"""Between the dataclasses of a call and its rows.

Reading back is the one place besides compliance.redactor that makes a RedactedTranscript: it gives back what
was already redacted when it was stored, and nothing else can be in these tables.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import datetime

import sqlalchemy as sa

from asr.types import Finding, GuardCounts, Provenance, Region
from compliance.types import RedactedTranscript, RedactedTurn, RedactedWord, Redaction
from storage.inserts import Row, Rows
from storage.tables import (
    ChannelRow,
    DocumentRow,
    FindingRow,
    GuardRow,
    ModelRow,
    RedactionRow,
    RegionRow,
    TranscriptRow,
    TurnRow,
    WordRow,
)
from storage.types import Publication


def transcript_rows(
    recording_id: int, run_id: int, model_id: int, publication: Publication, published_at: datetime
) -> Iterator[Rows]:
    """A transcript's own row, those of its documents, and those of all that hangs on it."""
    transcript, key = publication.transcript, {"recording_id": recording_id}
    made_by = transcript.provenance
    row = {
        **key,
        "run_id": run_id,
        "model_id": model_id,
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
    yield TranscriptRow, [row]
    documents = publication.documents.items()
    yield DocumentRow, [{**key, "kind": kind, "object_key": object_key} for kind, object_key in documents]
    yield from _spoken_rows(key, transcript)


def _spoken_rows(key: Row, transcript: RedactedTranscript) -> Iterator[Rows]:
    yield ChannelRow, [{**key, "position": i, "channel": channel} for i, channel in enumerate(transcript.channels)]
    yield RegionRow, [_region_row(key, i, region) for i, region in enumerate(transcript.regions)]
    yield FindingRow, [{**key, "position": i, **asdict(finding)} for i, finding in enumerate(transcript.findings)]
    yield TurnRow, [_turn_row(key, i, turn) for i, turn in enumerate(transcript.turns)]
    words = [_word_row(key, i, j, word) for i, turn in enumerate(transcript.turns) for j, word in enumerate(turn.words)]
    yield WordRow, words
    yield RedactionRow, [_redaction_row(key, i, redaction) for i, redaction in enumerate(transcript.redactions)]
    guards = asdict(transcript.guards).items()
    yield GuardRow, [{**key, "guard": guard, "times": times} for guard, times in guards if times]


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
        findings=_load_findings(connection, recording_id),
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


def _load_findings(connection: sa.Connection, recording_id: int) -> tuple[Finding, ...]:
    columns = FindingRow.__table__.columns
    rows = connection.execute(
        sa.select(*columns).where(columns.recording_id == recording_id).order_by(columns.position)
    )
    return tuple(Finding(row.kind, row.channel, row.value, row.unit, row.effect, row.delay_ms) for row in rows)


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
