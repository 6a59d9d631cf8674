"""RTTM, the form in which speakers and their times are exchanged (NIST Rich Transcription, 2009)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from asr.conversation import talk_times
from asr.errors import ConfigError
from asr.types import Region, RegionKind, SpokenTurn


@dataclass(frozen=True, slots=True)
class Talk:
    """A stretch in which one speaker talks, in seconds."""

    speaker: str
    start_s: float
    end_s: float


def talk_of(turns: Sequence[SpokenTurn], regions: Sequence[Region]) -> list[Talk]:
    """Who talks when in a transcript, by start: by voice where the regions tell, and else by words, pauses of 0.3 s and
    more left out. Of several who talk at once in one channel each has a stretch."""
    found = [Talk(one.speaker or "", one.start_s, one.end_s) for one in regions if one.kind is RegionKind.TALK]
    by_voice = {one.channel for one in regions if one.kind is RegionKind.TALK}
    others = [turn for turn in turns if turn.channel not in by_voice]
    for who in {turn.speaker for turn in others}:
        found.extend(Talk(who, *times) for times in talk_times([turn for turn in others if turn.speaker == who]))
    return sorted(found, key=lambda one: (one.start_s, one.end_s, one.speaker))


def as_rttm(name: str, talk: Iterable[Talk]) -> str:
    """A line for each stretch; blanks in names, which RTTM parts fields by, become underscores.

    >>> as_rttm("call 1", [Talk("agent", 1.5, 2.0)])
    'SPEAKER call_1 1 1.500 0.500 <NA> <NA> agent <NA> <NA>\\n'
    """
    return "".join(
        f"SPEAKER {_field(name)} 1 {one.start_s:.3f} {one.end_s - one.start_s:.3f} <NA> <NA> {_field(one.speaker)} "
        "<NA> <NA>\n"
        for one in talk
    )


def read_rttm(text: str) -> list[Talk]:
    """The stretches of all SPEAKER lines. Raises ConfigError, naming the line, for one that has no times or speaker."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        fields = line.split()
        if not fields or fields[0] != "SPEAKER":
            continue
        try:
            start_s, length_s = float(fields[3]), float(fields[4])
            found.append(Talk(fields[7], start_s, start_s + length_s))
        except (IndexError, ValueError) as error:
            raise ConfigError(
                f"line {number} of the RTTM is no SPEAKER line", "Write SPEAKER name 1 start length <NA> <NA> speaker"
            ) from error
    return found


def _field(text: str) -> str:
    return "_".join(text.split()) or "<NA>"
