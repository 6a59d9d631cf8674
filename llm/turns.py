"""How a call is written down for a model."""

from __future__ import annotations

from compliance.marks import is_mark
from compliance.types import RedactedTranscript

_SIGNS = str.maketrans({"<": "\u2039", ">": "\u203a"})


def numbered_turns(transcript: RedactedTranscript) -> list[str]:
    """A line a turn: its number from 0 in brackets, who spoke, and what was said, in which nothing is a sign."""
    return [f"[{index}] {turn.speaker}: {harmless(turn.text)}" for index, turn in enumerate(transcript.turns)]


def harmless(text: str) -> str:
    """A turn's text without the signs by which chats part their messages; marks stay as they are."""
    return " ".join(word if is_mark(word) else word.translate(_SIGNS) for word in text.split())
