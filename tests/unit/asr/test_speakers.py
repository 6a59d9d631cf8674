"""Words into turns."""

from __future__ import annotations

from asr.diarize.types import Speaking
from asr.options import TurnOptions
from asr.speakers import turns
from asr.types import Channel, Span, Word


def _words(*spoken: tuple[str, float, float]) -> list[Word]:
    return [Word(text, start_s, end_s, 0.9) for text, start_s, end_s in spoken]


def _said(agent: list[Word], customer: list[Word]) -> list[tuple[str, str]]:
    found = turns({Channel.AGENT: agent, Channel.CUSTOMER: customer}, TurnOptions())
    return [(turn.speaker, turn.text) for turn in found]


def test_question_and_answer_alternate() -> None:
    agent = _words(("Your", 0.0, 0.4), ("name?", 0.4, 0.8), ("Thanks.", 2.5, 3.0))
    customer = _words(("Jane", 1.2, 1.6), ("Doe.", 1.6, 2.0))
    assert _said(agent, customer) == [("agent", "Your name?"), ("customer", "Jane Doe."), ("agent", "Thanks.")]


def test_a_backchannel_in_unbroken_speech_splits_nothing() -> None:
    agent = _words(("So", 0.0, 0.4), ("I", 0.45, 0.6), ("checked", 0.65, 1.2))
    customer = _words(("mm-hm", 0.42, 0.7))
    assert _said(agent, customer) == [("agent", "So I checked"), ("customer", "mm-hm")]


def test_a_short_pause_ends_a_turn_only_if_the_other_took_the_floor() -> None:
    agent = _words(("One", 0.0, 0.4), ("two", 1.4, 1.8))
    assert _said(agent, []) == [("agent", "One two")]
    assert _said(agent, _words(("yes", 0.6, 0.9)))[0] == ("agent", "One")


def test_a_long_pause_ends_a_turn_by_itself() -> None:
    agent = _words(("One", 0.0, 0.4), ("two", 2.5, 2.8))
    assert _said(agent, []) == [("agent", "One"), ("agent", "two")]


def test_nobody_said_anything() -> None:
    assert _said([], []) == []


def test_a_second_voice_on_a_side_has_turns_of_its_own() -> None:
    agent = _words(("Please", 0.0, 0.4), ("hold.", 0.4, 0.8), ("Supervisor", 1.0, 1.6), ("speaking.", 1.6, 2.0))
    customer = _words(("Thanks.", 2.2, 2.6))
    speaking = [Speaking(Span(0, 14_000), 0), Speaking(Span(15_000, 32_000), 1)]
    found = turns({Channel.AGENT: agent, Channel.CUSTOMER: customer}, TurnOptions(), {Channel.AGENT: speaking})
    assert [(turn.speaker, turn.channel, turn.text) for turn in found] == [
        ("agent", "agent", "Please hold."),
        ("agent-2", "agent", "Supervisor speaking."),
        ("customer", "customer", "Thanks."),
    ]
