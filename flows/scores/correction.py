"""Transcripts that people correct: printed to be edited, and read back, redacted, into the golden set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from asr.errors import ConfigError
from asr.types import Channel
from compliance.redactor import Redactor
from compliance.types import RedactedTranscript
from flows.scores.said import Said, as_transcript, read_turns


def corrected(path: Path, transcript: RedactedTranscript, redactor: Redactor) -> RedactedTranscript:
    """What a person wrote of a call, redacted: whoever corrects writes out what was removed sooner or later.

    Raises ConfigError for a file that cannot be read, and for a speaker whom the transcript does not have.
    """
    turns = _on_channels(read_turns(path), transcript, path.name)
    return redactor.redact(as_transcript(turns))


def _on_channels(turns: Sequence[Said], transcript: RedactedTranscript, origin: str) -> list[Said]:
    """The turns with the side of the channel that carries each speaker. Lines without speakers are of no side."""
    sides = {turn.speaker: turn.channel.value for turn in transcript.turns}
    if Channel.MIXED not in transcript.channels:
        sides |= {channel.value: channel.value for channel in transcript.channels}
    found: list[Said] = []
    for number, turn in enumerate(turns, start=1):
        if turn.speaker and turn.speaker not in sides and Channel.MIXED not in transcript.channels:
            raise ConfigError(
                f"turn {number} of {origin} is of a speaker whom the call does not have",
                f"Begin it with one of {', '.join(f'{name}:' for name in sorted(sides))}",
            )
        found.append(replace(turn, side=sides.get(turn.speaker, "")))
    return found
