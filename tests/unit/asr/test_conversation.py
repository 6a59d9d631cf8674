from __future__ import annotations

import pytest

from asr.conversation import conversation
from asr.types import Channel, Region, RegionKind, Turn, Word


def turn(speaker: str, text: str, start_s: float, end_s: float, channel: Channel | None = None) -> Turn:
    said = text.split()
    step_s = (end_s - start_s) / len(said)
    words = tuple(Word(w, start_s + i * step_s, start_s + (i + 1) * step_s, 1.0) for i, w in enumerate(said))
    return Turn(speaker, channel or Channel(speaker), words)


def mixed(speaker: str, text: str, start_s: float, end_s: float) -> Turn:
    return turn(speaker, text, start_s, end_s, Channel.MIXED)


def test_shares_silence_hold_and_answers_add_up() -> None:
    turns = [turn("agent", "a b c d", 0, 2), turn("customer", "e f", 3, 4), turn("agent", "g h", 4.5, 5.5)]
    regions = [Region(6, 8, Channel.AGENT, RegionKind.MUSIC), Region(7, 9, Channel.CUSTOMER, RegionKind.MUSIC)]
    told = conversation(turns, regions, 10.0)
    agent, customer = told.speakers
    assert (agent.talk_s, agent.talk_share, agent.words) == (3.0, 0.75, 6)
    assert (customer.talk_s, customer.words_per_min, customer.response_s) == (1.0, 120.0, 1.0)
    assert (agent.longest_monologue_s, agent.response_s) == (2.0, 0.5)
    assert (agent.role, agent.role_confidence) == (Channel.AGENT, 1.0)
    assert (told.hold_s, told.silence_s, told.overlap_s) == (3.0, 3.0, 0.0)


def test_a_second_voice_on_a_side_is_of_that_side() -> None:
    turns = [turn("agent", "one moment", 0, 1), turn("agent-2", "supervisor speaking", 2, 3, Channel.AGENT)]
    told = conversation(turns, (), 3.0)
    assert [(one.speaker, one.role, one.role_confidence) for one in told.speakers] == [
        ("agent", Channel.AGENT, 1.0),
        ("agent-2", Channel.AGENT, 1.0),
    ]


def test_who_breaks_in_interrupts_and_who_says_yes_does_not() -> None:
    turns = [
        turn("agent", "one two three four five six", 0, 6),
        turn("customer", "uh huh", 2, 2.5),
        turn("customer", "wait a moment please", 4, 5),
    ]
    told = conversation(turns, (), 6.0)
    assert [(one.speaker, one.interruptions) for one in told.speakers] == [("agent", 0), ("customer", 1)]
    assert told.overlap_s == pytest.approx(1.5)


def test_in_a_shared_channel_overlap_tells_of_interruptions() -> None:
    turns = [mixed("speaker-1", "one two three four", 0, 4), mixed("speaker-2", "wait a moment", 4, 6)]
    overlap = [Region(3.9, 4.4, Channel.MIXED, RegionKind.OVERLAP)]
    assert [one.interruptions for one in conversation(turns, overlap, 6.0).speakers] == [0, 1]
    assert [one.interruptions for one in conversation(turns, (), 6.0).speakers] == [0, 0]


def test_roles_of_voices_come_from_a_greeting_or_not_at_all() -> None:
    plain = [mixed("speaker-1", "hello there", 0, 1), mixed("speaker-2", "hi", 1, 2)]
    assert [(one.role, one.role_confidence) for one in conversation(plain, (), 2.0).speakers] == [(None, 0.0)] * 2
    greeted = [plain[0], mixed("speaker-2", "thank you for calling", 1, 2)]
    assert [(one.role, one.role_confidence) for one in conversation(greeted, (), 2.0).speakers] == [
        (Channel.CUSTOMER, 0.8),
        (Channel.AGENT, 0.8),
    ]
    third = [*greeted, mixed("speaker-3", "me too", 2, 3)]
    assert [one.role for one in conversation(third, (), 3.0).speakers] == [None, Channel.AGENT, None]


def test_a_call_without_words_has_no_speakers() -> None:
    told = conversation([], (), 3.0)
    assert (told.speakers, told.silence_s) == ((), 3.0)
