"""Transcripts as JSON, plain text and subtitles, and the renderings that may be kept."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Protocol

from asr.types import CallMetadata, Finding, Provenance, Region, SpokenTurn, SpokenWord
from compliance.types import Document, RedactedTranscript

MAX_CUE_S = 7.0
"""Longest cue in seconds (BBC and Netflix subtitle guidelines: about 7 s)."""

MAX_CUE_CHARACTERS = 84
"""Longest cue: two lines of 42 characters (Netflix timed text guide)."""


class SpokenTranscript(Protocol):
    """Anything shaped like a transcript: asr.types.Transcript or compliance.types.RedactedTranscript."""

    @property
    def audio(self) -> str:
        """The recording's file name."""
        ...

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        ...

    @property
    def turns(self) -> Sequence[SpokenTurn]:
        """Ordered by start."""
        ...

    @property
    def regions(self) -> Sequence[Region]:
        """What each channel holds when."""
        ...

    @property
    def provenance(self) -> Provenance:
        """What made it."""
        ...

    @property
    def findings(self) -> Sequence[Finding]:
        """What is amiss with its channels."""
        ...


def as_json(transcript: SpokenTranscript, call: CallMetadata | None = None) -> str:
    """The transcript as indented JSON after docs/transcript.schema.json, with a newline at the end.

    Of the call's metadata it carries what says which call it is: not consent, pauses, nor fields that are not known.
    """
    return json.dumps(_tree(transcript, call), ensure_ascii=False, indent=2) + "\n"


def as_json_line(transcript: SpokenTranscript, call: CallMetadata | None = None) -> str:
    """The same JSON on one line, without spaces and without a newline."""
    return json.dumps(_tree(transcript, call), ensure_ascii=False, separators=(",", ":"))


def as_txt(transcript: SpokenTranscript) -> str:
    """One line a turn: "[00:01:05] agent: text"; empty for a transcript without turns."""
    return "".join(f"[{_clock(turn.start_s, '.')[:-4]}] {turn.speaker}: {turn.text}\n" for turn in transcript.turns)


def as_vtt(transcript: SpokenTranscript) -> str:
    """WebVTT (W3C), each cue with its speaker in a voice tag; `&`, `<` and `>` are escaped."""
    cues = [
        f"{_clock(words[0].start_s, '.')} --> {_clock(_end_s(words), '.')}\n"
        f"<v {html.escape(turn.speaker, quote=False)}>{html.escape(_text(words), quote=False)}\n"
        for turn in transcript.turns
        for words in _cues(turn)
    ]
    return "\n".join(["WEBVTT\n", *cues])


def as_srt(transcript: SpokenTranscript) -> str:
    """SubRip: numbered cues, each beginning with its speaker; empty for a transcript without turns."""
    cues = [(turn.speaker, words) for turn in transcript.turns for words in _cues(turn)]
    return "\n".join(
        f"{number}\n{_clock(words[0].start_s, ',')} --> {_clock(_end_s(words), ',')}\n{speaker}: {_text(words)}\n"
        for number, (speaker, words) in enumerate(cues, start=1)
    )


def documents(transcript: RedactedTranscript, call: CallMetadata | None = None) -> tuple[Document, ...]:
    """The renderings that are kept, UTF-8: compact JSON first, then WebVTT."""
    return (
        Document("json", "application/json", as_json_line(transcript, call).encode()),
        Document("vtt", "text/vtt", as_vtt(transcript).encode()),
    )


def _call(call: CallMetadata | None) -> dict[str, str]:
    if call is None:
        return {}
    told = {
        "call_id": call.call_id,
        "started_at": call.started_at.isoformat() if call.started_at else None,
        "agent": call.agent,
        "queue": call.queue,
        "direction": call.direction.value if call.direction else None,
        "language": call.language,
    }
    return {name: value for name, value in told.items() if value is not None}


def _tree(transcript: SpokenTranscript, call: CallMetadata | None) -> dict[str, object]:
    told = _call(call)
    return {
        "audio": transcript.audio,
        **({"call": told} if told else {}),
        "duration_s": _rounded(transcript.duration_s),
        "turns": [
            {
                "speaker": turn.speaker,
                "channel": turn.channel.value,
                "start_s": _rounded(turn.start_s),
                "end_s": _rounded(turn.end_s),
                "text": turn.text,
                "words": [
                    {
                        "text": word.text,
                        "start_s": _rounded(word.start_s),
                        "end_s": _rounded(word.end_s),
                        "confidence": _rounded(word.confidence),
                    }
                    for word in turn.words
                ],
            }
            for turn in transcript.turns
        ],
        "regions": [
            {
                "channel": region.channel.value,
                "kind": region.kind.value,
                "start_s": _rounded(region.start_s),
                "end_s": _rounded(region.end_s),
                **({"speaker": region.speaker} if region.speaker else {}),
            }
            for region in transcript.regions
        ],
        "findings": [
            {
                "kind": finding.kind.value,
                "channel": finding.channel and finding.channel.value,
                "value": _rounded(finding.value),
                "unit": finding.unit,
                "effect": finding.effect.value,
                "delay_ms": None if finding.delay_ms is None else _rounded(finding.delay_ms),
            }
            for finding in transcript.findings
        ],
        "provenance": asdict(transcript.provenance),
    }


def _rounded(value: float) -> float:
    """To three decimals, as a plain float whatever number came in."""
    return round(float(value), 3)


def _cues(turn: SpokenTurn) -> Iterator[Sequence[SpokenWord]]:
    """The turn's words in cues within both limits; a single word that exceeds one stays whole."""
    cue: list[SpokenWord] = []
    for word in turn.words:
        grown = [*cue, word]
        if cue and (word.end_s - cue[0].start_s > MAX_CUE_S or len(_text(grown)) > MAX_CUE_CHARACTERS):
            yield cue
            grown = [word]
        cue = grown
    if cue:
        yield cue


def _text(words: Sequence[SpokenWord]) -> str:
    return " ".join(word.text for word in words)


def _end_s(words: Sequence[SpokenWord]) -> float:
    """The cue's end in seconds: WebVTT wants it after the start, at the millisecond that is written."""
    return max(words[-1].end_s, words[0].start_s + 0.001)


def _clock(at_s: float, point: str) -> str:
    """Hours, minutes, seconds and milliseconds: "00:01:05.250" with a point, "00:01:05,250" with a comma."""
    total_ms = round(at_s * 1000)
    minutes, ms = divmod(total_ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{ms // 1000:02d}{point}{ms % 1000:03d}"
