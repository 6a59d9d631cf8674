"""Sample calls with summaries that are true but for what was planted, read from text files beside this one.

A call begins with "# name"; its turns with "A:" or "C:"; a summary with "= summary". A statement is its field, the
turns that it cites by commas, "!kind" if something was planted in it, and its text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from asr.types import Channel, Provenance
from compliance.types import RedactedTranscript, RedactedTurn, RedactedWord
from llm.types import Finding

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of a summary; `planted` is the kind of invention in it, "" if it is true."""

    field: str
    finding: Finding
    planted: str


@dataclass(frozen=True, slots=True)
class Sample:
    """A summary and its call."""

    call: str
    transcript: RedactedTranscript
    statements: tuple[Statement, ...]


def samples(half: str) -> list[Sample]:
    """The samples of a half: "tuned_on" or "held_out"."""
    found = []
    for block in (HERE / f"{half}.txt").read_text(encoding="utf-8").split("# ")[1:]:
        head, *summaries = block.split("= summary\n")
        name, *turns = head.strip().splitlines()
        call = transcript([(("agent", "customer")[line[0] == "C"], line[3:]) for line in turns])
        found += [Sample(name, call, tuple(map(_statement, told.strip().splitlines()))) for told in summaries]
    return found


def transcript(said: list[tuple[str, str]]) -> RedactedTranscript:
    """A redacted transcript of turns as speaker and text."""
    turns = tuple(
        RedactedTurn(speaker, Channel(speaker), tuple(RedactedWord(word, at, at + 0.5, 0.9) for word in text.split()))
        for at, (speaker, text) in enumerate(said)
    )
    made_by = Provenance("m", "0" * 64, "scripted", "none", "f" * 16, "0")
    return RedactedTranscript("call.wav", 60.0, (Channel.AGENT, Channel.CUSTOMER), turns, (), (), "all", made_by)


def _statement(line: str) -> Statement:
    match = re.fullmatch(r"(\w+) ([\d,]+)(?: !(\w+))?: (.*)", line)
    assert match, line
    field, cited, planted, text = match.groups()
    return Statement(field, Finding(text, tuple(map(int, cited.split(",")))), planted or "")
