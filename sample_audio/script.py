"""The written form of a sample call: one TOML file in scripts/ becomes one `Script`.

A turn's text marks entities in braces: `{PERSON|Maria Lopez}` is spoken within its sentence, while
`{US_SSN!|two one nine, zero nine}` is spoken as pieces of its own, one for each comma, so that the
times at which it is said are known exactly.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHANNELS = ("agent", "customer")
_ENTITY = re.compile(r"\{([A-Z_]+)(!?)\|([^}]+)\}")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a turn: plain words, or an entity whose name is set."""

    text: str
    entity: str | None = None
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Spoken:
    """One turn: what `channel` says, `gap_s` after the step before ended (negative: overlap)."""

    channel: int
    pieces: tuple[Piece, ...]
    gap_s: float | None

    @property
    def text(self) -> str:
        """The reference text: every word as it is spoken."""
        return "".join(piece.text for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Sound:
    """Something on the line that nobody says: ringback, key tones or hold music."""

    kind: str
    channel: int
    gap_s: float | None
    keys: str = ""
    bursts: int = 0
    duration_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Script:
    """A whole call; levels are of active speech in dB relative to full scale."""

    name: str
    voices: tuple[str, str]
    levels_dbfs: tuple[float, float]
    snr_db: float
    noise_tilt_db_per_octave: float
    reason: str
    outcome: str
    action: str
    steps: tuple[Spoken | Sound, ...]


def parse_pieces(text: str) -> tuple[Piece, ...]:
    """Split marked text into pieces.

    >>> [piece.entity for piece in parse_pieces("It's {PERSON|Ann}.")]
    [None, 'PERSON', None]
    """
    pieces: list[Piece] = []
    end = 0
    for match in _ENTITY.finditer(text):
        if match.start() > end:
            pieces.append(Piece(text[end : match.start()]))
        pieces.append(Piece(match[3], entity=match[1], exact=match[2] == "!"))
        end = match.end()
    if end < len(text):
        pieces.append(Piece(text[end:]))
    return tuple(pieces)


def _parse_step(table: dict[str, Any]) -> Spoken | Sound:
    gap_s = table.get("gap_s")
    for channel, speaker in enumerate(CHANNELS):
        if speaker in table:
            return Spoken(channel, parse_pieces(table[speaker]), gap_s)
    channel = CHANNELS.index(table["channel"])
    if "dtmf" in table:
        return Sound("dtmf", channel, gap_s, keys=table["dtmf"])
    if "ringback_bursts" in table:
        return Sound("ringback", channel, gap_s, bursts=table["ringback_bursts"])
    return Sound("music", channel, gap_s, duration_s=table["music_s"])


def load_script(path: Path) -> Script:
    """Read one call's script; the file's stem is the call's name."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return Script(
        name=path.stem,
        voices=(table["agent_voice"], table["customer_voice"]),
        levels_dbfs=(table["agent_dbfs"], table["customer_dbfs"]),
        snr_db=table["snr_db"],
        noise_tilt_db_per_octave=table["noise_tilt_db_per_octave"],
        reason=table["reason"],
        outcome=table["outcome"],
        action=table["action"],
        steps=tuple(_parse_step(step) for step in table["step"]),
    )
