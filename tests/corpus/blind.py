"""Calls that another hand wrote out in full, their secrets tagged: see the head of each file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.corpus.calls import Call, Secret

FOLDER = Path(__file__).parent
FILES = {
    "a, b": ("blind_a.txt", "blind_b.txt"),
    "c": ("blind_c.txt",),
    "d": ("blind_d.txt",),
    "e": ("blind_e.txt",),
    "f": ("blind_f.txt",),
}
"""By column of the benchmark. Rules were tuned on the first two files, later on what had been missed in the third and
the fourth, and on the fifth, which was released for it when its first figures had been taken; the sixth is blind."""

_TAG = re.compile(r"<(?P<entity>[A-Z_]+):(?P<said>[^>]*)>")
_TURN = re.compile(r"(?P<side>[A-Z]): (?P<text>.*)")


def blind(path: Path) -> Iterator[Call]:
    """The calls of a file; a line without sides is one turn of a harmless call."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            yield _call(line.strip())


def _call(line: str) -> Call:
    if not _TURN.match(line):
        return Call("HARMLESS", (("agent", tuple(line.split())),), ())
    turns: list[tuple[str, tuple[str, ...]]] = []
    secrets: list[Secret] = []
    for number, part in enumerate(line.split(" | ")):
        match = _TURN.fullmatch(part.strip())
        if not match:
            raise ValueError("a turn has no side")
        words, found = _turn(number, match["text"])
        turns.append(("agent" if match["side"] == "A" else "customer", words))
        secrets += found
    return Call("MIXED", tuple(turns), tuple(secrets))


def _turn(number: int, tagged: str) -> tuple[tuple[str, ...], list[Secret]]:
    """The words of a turn, and its secrets as words: those that a tag touches."""
    text, spans = "", []
    last = 0
    for tag in _TAG.finditer(tagged):
        text += tagged[last : tag.start()]
        spans.append((len(text), len(text) + len(tag["said"]), tag["entity"]))
        text += tag["said"]
        last = tag.end()
    text += tagged[last:]
    words = list(re.finditer(r"\S+", text))
    secrets = []
    for start, end, entity in spans:
        touched = tuple(at for at, word in enumerate(words) if word.start() < end and word.end() > start)
        secrets.append(Secret(number, touched, entity))
    return tuple(word[0] for word in words), secrets
