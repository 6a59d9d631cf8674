"""Calls that come as text, a line each: read, redacted and written back with where in the text something was."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from asr.errors import FatalError
from asr.types import Channel, Provenance, Transcript, Turn, Word
from compliance.types import RedactedTranscript

_WORD = re.compile(r"\S+")
_CLOSING = ".,?!"
_NOWHERE = Provenance("", "", "", "", "", "")


class LineError(FatalError):
    """A line of the input is not what was said it would be; `number` counts from 1, and no text is quoted."""

    def __init__(self, number: int, reason: str) -> None:
        self.number = number
        super().__init__(f"line {number} of the input {reason}", _FORM)


_FORM = 'With --json each line is an object like {"turns": [{"speaker": "agent", "text": "Hello"}]}, in UTF-8'


@dataclass(frozen=True, slots=True)
class WrittenCall:
    """Speakers and texts of a call's turns, and what the call is known by."""

    turns: tuple[tuple[str, str], ...] = field(repr=False)
    id: str | int | None = None

    def transcript(self) -> Transcript:
        """Its words, parted at white space, with no times; turns without a word are left out."""
        turns = (
            Turn(speaker, Channel.MIXED, tuple(Word(word, 0.0, 0.0, 1.0) for word in text.split()))
            for speaker, text in self.turns
            if text.split()
        )
        return Transcript("", 0.0, (Channel.MIXED,), tuple(turns), (), _NOWHERE)


@dataclass(frozen=True, slots=True)
class TextSpan:
    """Characters [start, end) of a turn's text that were an entity."""

    turn: int
    start: int
    end: int
    entity: str


@dataclass(frozen=True, slots=True)
class RedactedCall:
    """The texts with marks, white space as it was, and what was removed, as it lay in the input."""

    call: WrittenCall
    texts: tuple[str, ...]
    spans: tuple[TextSpan, ...]


def decode(line: bytes, number: int) -> str:
    """A line of the input as text without its end. Raises LineError if it is not UTF-8."""
    try:
        return line.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise LineError(number, "is not UTF-8") from None


def parse(line: str, number: int) -> WrittenCall:
    """A call from a line of JSON. Raises LineError, which never quotes the line, if it is none."""
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        raise LineError(number, "is not JSON") from None
    if not isinstance(said, dict) or not isinstance(said.get("turns"), list):
        raise LineError(number, 'is not an object with a list "turns"')
    turns = []
    for turn in said["turns"]:
        if not isinstance(turn, dict) or not isinstance(turn.get("text"), str):
            raise LineError(number, 'has a turn that is not an object with a string "text"')
        speaker = turn.get("speaker")
        if speaker is not None and not isinstance(speaker, str | int):
            raise LineError(number, 'has a turn with a "speaker" that is no string')
        turns.append(("" if speaker is None else str(speaker), turn["text"]))
    known_as = said.get("id")
    return WrittenCall(tuple(turns), known_as if isinstance(known_as, str | int) else None)


def rewrite(call: WrittenCall, redacted: RedactedTranscript) -> RedactedCall:
    """The call with the marks of its redacted transcript."""
    sizes = {(redaction.turn, redaction.word): redaction.n_words for redaction in redacted.redactions}
    texts: list[str] = []
    spans: list[TextSpan] = []
    spoken = 0
    for index, (_, text) in enumerate(call.turns):
        words = [match.span() for match in _WORD.finditer(text)]
        if not words:
            texts.append(text)
            continue
        pieces, at, end = [], 0, 0
        for place, word in enumerate(redacted.turns[spoken].words):
            last = at + sizes.get((spoken, place), 1)
            start, stop = words[at][0], words[last - 1][1]
            pieces += [text[end:start], word.text]
            if word.entity:
                closed = stop - (text[stop - 1] in _CLOSING)
                spans.append(TextSpan(index, start, closed, word.entity))
            at, end = last, stop
        texts.append("".join([*pieces, text[end:]]))
        spoken += 1
    return RedactedCall(call, tuple(texts), tuple(spans))


def as_json_line(redacted: RedactedCall) -> str:
    """The call as it came, with `text` redacted and `spans`; of other fields only `id` is kept, as they may tell."""
    turns = [
        {"speaker": speaker, "text": text}
        for (speaker, _), text in zip(redacted.call.turns, redacted.texts, strict=True)
    ]
    spans = [
        {"turn": span.turn, "start": span.start, "end": span.end, "entity": span.entity} for span in redacted.spans
    ]
    known_as = {} if redacted.call.id is None else {"id": redacted.call.id}
    return json.dumps({**known_as, "turns": turns, "spans": spans}, ensure_ascii=False)


def numbered(lines: Sequence[bytes], first_number: int) -> Iterator[tuple[int, bytes]]:
    """Lines with their numbers, without those of white space alone."""
    return ((number, line) for number, line in enumerate(lines, first_number) if line.strip())
