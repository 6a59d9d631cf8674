"""What was said in calls, wherever that is written: references and transcripts in folders, and in the database."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from asr.diarize.rttm import Talk, read_rttm, talk_of
from asr.errors import ConfigError
from asr.types import Channel, Provenance, Region, RegionKind, SpokenTurn, Transcript, Turn, Word
from compliance.redactor import Redactor
from compliance.render import SpokenTranscript

_SIDES = (Channel.AGENT.value, Channel.CUSTOMER.value)
_SPEAKER = r"agent(?:-\d+)?|customer(?:-\d+)?|speaker-\d+|mixed"
_LINE = re.compile(rf"(?:\[(\d+):(\d\d):(\d\d)\]\s*)?(?:({_SPEAKER}):\s*)?(.*)", re.IGNORECASE)
_NOWHERE = Provenance("", "", "", "", "", "")


@dataclass(frozen=True, slots=True)
class Said:
    """One speaker's words in a row, marks among them. `side` is agent, customer or mixed, empty if nobody knows; so
    may be `speaker`. Times are in seconds, None if they are not told."""

    speaker: str
    side: str
    words: tuple[str, ...] = field(repr=False)
    start_s: float | None = None
    end_s: float | None = None


@dataclass(frozen=True, slots=True)
class SaidCall:
    """A call as somebody, or a model, wrote it down; known by the name of its recording without the ending.

    `talk` is who talks when, None if that is not told; `facts` are what it may be grouped by.
    """

    name: str
    turns: tuple[Said, ...]
    talk: tuple[Talk, ...] | None = None
    snr_db: float | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


def said_in(folder: Path) -> dict[str, SaidCall]:
    """The calls of a folder by name: .json of one document, .jsonl of a document a line, or .txt in a folder without
    either. An .rttm beside one tells who talks when.

    Raises ConfigError if there is no such folder, if nothing is in it, and for a file that cannot be read.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder} is no folder", "Name a folder of .json, .jsonl or .txt files, one a call")
    found: dict[str, SaidCall] = {}
    for path in (*sorted(folder.glob("*.jsonl")), *sorted(folder.glob("*.json"))):
        for document in _documents(path):
            call = said_by(document, path)
            found[call.name] = call
    for path in () if found else sorted(folder.glob("*.txt")):
        found[path.stem] = SaidCall(path.stem, written_turns(_text(path), path.name))
    for path in folder.glob("*.rttm"):
        if path.stem in found:
            found[path.stem] = replace(found[path.stem], talk=tuple(read_rttm(_text(path))))
    if not found:
        raise ConfigError(f"no .json, .jsonl or .txt file in {folder}", "Put one there for each call: docs/scoring.md")
    return dict(sorted(found.items()))


def read_turns(path: Path) -> tuple[Said, ...]:
    """The turns of one call from a file: .json as `said_by` reads it, and any other as `written_turns` does.

    Raises ConfigError for what cannot be read, and for JSON that is not one call.
    """
    if path.suffix != ".json":
        return written_turns(_text(path), path.name)
    calls = [said_by(document, path) for document in _documents(path)]
    if len(calls) != 1:
        raise _wrong(path.name)
    return calls[0].turns


def said_by(document: Mapping[str, Any], path: Path) -> SaidCall:
    """A call from a JSON document: {"turns": [{"speaker", "channel", "start_s", "end_s", "text"}]}, of which text alone
    must be given. Raises ConfigError, which names the file, for what is not of this form."""
    try:
        turns = [turn for turn in document["turns"] if turn["text"].split()]
        said = tuple(
            Said(
                str(turn.get("speaker") or ""),
                _side(turn, document.get("channels", ())),
                tuple(turn["text"].split()),
                _seconds(turn.get("start_s")),
                _seconds(turn.get("end_s")),
            )
            for turn in turns
        )
        name = Path(str(document.get("audio") or path.name)).stem
        told = {**document.get("call", {}), "model": document.get("provenance", {}).get("model_id")}
        facts = {key: str(told[key]) for key in ("agent", "queue", "model") if told.get(key)}
        return SaidCall(name, said, _talk_in(document, turns), document.get("snr_db"), facts)
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        raise _wrong(path.name) from error


def said_of(name: str, transcript: SpokenTranscript) -> SaidCall:
    """A call from its transcript, redacted or not."""
    talk = tuple(talk_of(transcript.turns, transcript.regions))
    return SaidCall(name, tuple(map(turn_of, transcript.turns)), talk)


def turn_of(turn: SpokenTurn) -> Said:
    """A turn of a transcript."""
    words = tuple(word for one in turn.words for word in one.text.split())
    return Said(turn.speaker, turn.channel.value, words, turn.start_s, turn.end_s)


def written_turns(text: str, origin: str) -> tuple[Said, ...]:
    """The turns of a text as `callwright transcribe --format txt` writes it: "[00:01:05] agent: words", a turn a line.

    Times may be left out, and so may the speakers, of all lines or of none. Raises ConfigError, which names `origin`
    and the line and quotes nothing, where some lines have a speaker and some have not.
    """
    found: list[Said] = []
    for number, line in enumerate(text.splitlines(), start=1):
        matched = _LINE.fullmatch(line.strip())
        if matched is None or not matched[5].split():
            continue
        hours, minutes, seconds, speaker, words = matched.groups()
        start_s = None if hours is None else float(hours) * 3_600 + float(minutes) * 60 + float(seconds)
        name = (speaker or "").lower()
        if found and bool(name) != bool(found[0].speaker):
            raise ConfigError(
                f"line {number} of {origin} {'has' if name else 'has not'} a speaker, unlike those before",
                "Begin every line with agent:, customer: or speaker-1:, or none",
            )
        found.append(Said(name, name if name in _SIDES else "", tuple(words.split()), start_s))
    return tuple(found)


def as_transcript(turns: Sequence[Said]) -> Transcript:
    """The turns as a transcript that can be redacted; words have the start of their turn."""
    spoken = tuple(
        Turn(
            turn.speaker,
            Channel(turn.side) if turn.side in _SIDES else Channel.MIXED,
            tuple(Word(word, turn.start_s or 0.0, turn.start_s or 0.0, 1.0) for word in turn.words),
        )
        for turn in turns
    )
    return Transcript("", 0.0, (Channel.AGENT, Channel.CUSTOMER), spoken, (), _NOWHERE)


def redacted(calls: Sequence[SaidCall], redactor: Redactor) -> list[SaidCall]:
    """The calls with marks for what must not rest."""
    transcripts = redactor.redact_all([as_transcript(call.turns) for call in calls])
    return [
        replace(
            call,
            turns=tuple(
                replace(said, words=turn_of(turn).words)
                for said, turn in zip(call.turns, transcript.turns, strict=True)
            ),
        )
        for call, transcript in zip(calls, transcripts, strict=True)
    ]


def _seconds(told: Any) -> float | None:
    return None if told is None else float(told)


def _side(turn: Mapping[str, Any], channels: Sequence[str]) -> str:
    """Whose side a turn is of: that of its channel, by name or by its place in the file, or of its speaker."""
    channel = turn.get("channel")
    if isinstance(channel, str):
        return channel
    if isinstance(channel, int) and channel < len(channels):
        return str(channels[channel])
    speaker = turn.get("speaker")
    return str(speaker) if speaker in _SIDES else ""


def _talk_in(document: Mapping[str, Any], turns: Iterable[Mapping[str, Any]]) -> tuple[Talk, ...] | None:
    """Who talks when: by "speech" of turns, as references have it, or by the words and regions of a transcript."""
    if all("speech" in turn for turn in turns):
        return tuple(Talk(turn["speaker"], *span) for turn in turns for span in turn["speech"])
    if not all("words" in turn for turn in turns):
        return None
    spoken = [
        Turn(
            turn["speaker"],
            Channel(turn["channel"]),
            tuple(Word(word["text"], word["start_s"], word["end_s"], 1.0) for word in turn["words"]),
        )
        for turn in turns
    ]
    regions = [
        Region(
            told["start_s"], told["end_s"], Channel(told["channel"]), RegionKind(told["kind"]), "", told.get("speaker")
        )
        for told in document.get("regions", ())
    ]
    return tuple(talk_of(spoken, regions))


def _documents(path: Path) -> Iterator[Mapping[str, Any]]:
    lines = _text(path).splitlines() if path.suffix == ".jsonl" else [_text(path)]
    for line in lines:
        try:
            document = json.loads(line)
        except (ValueError, RecursionError):
            raise _wrong(path.name) from None
        # Other JSON may lie in the folder, such as a list of its files.
        if isinstance(document, dict) and "turns" in document:
            yield document


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path.name} cannot be read as text in UTF-8", "See that it is a file that you may read"
        ) from error


def _wrong(name: str) -> ConfigError:
    return ConfigError(
        f"{name} is no transcript",
        'Write JSON, {"turns": [{"speaker": "agent", "text": "Hello"}]}, with start_s and end_s if they are known',
    )
