from __future__ import annotations

import pytest

from asr.diarize.rttm import Talk, as_rttm, read_rttm, talk_of
from asr.errors import ConfigError
from asr.types import Channel, Region, RegionKind, Turn, Word


def test_what_is_written_reads_back() -> None:
    talk = [Talk("agent", 0.25, 1.5), Talk("customer", 1.25, 2.0)]
    assert read_rttm(as_rttm("call", talk)) == talk


def test_other_lines_are_passed_over_and_a_broken_one_is_named() -> None:
    assert read_rttm("SPKR-INFO call 1 <NA> <NA> <NA> unknown agent <NA>\n\n") == []
    with pytest.raises(ConfigError, match="line 2 of the RTTM"):
        read_rttm("\nSPEAKER call 1 zero 1.0 <NA> <NA> agent <NA> <NA>")


def test_a_transcript_tells_who_talks_by_voice_or_else_by_words() -> None:
    def turn(speaker: str, channel: Channel, *times: tuple[float, float]) -> Turn:
        return Turn(speaker, channel, tuple(Word("hm", start_s, end_s, 1.0) for start_s, end_s in times))

    turns = [
        turn("agent", Channel.AGENT, (0.0, 1.0), (1.2, 2.0), (2.5, 3.0)),
        turn("speaker-1", Channel.MIXED, (4.0, 5.0)),
    ]
    regions = [
        Region(3.5, 6.0, Channel.MIXED, RegionKind.SPEECH),
        Region(3.75, 5.0, Channel.MIXED, RegionKind.TALK, speaker="speaker-1"),
        Region(4.5, 5.5, Channel.MIXED, RegionKind.TALK, speaker="speaker-2"),
        Region(4.5, 5.0, Channel.MIXED, RegionKind.OVERLAP),
    ]
    assert talk_of(turns, regions) == [
        Talk("agent", 0.0, 2.0),
        Talk("agent", 2.5, 3.0),
        Talk("speaker-1", 3.75, 5.0),
        Talk("speaker-2", 4.5, 5.5),
    ]
