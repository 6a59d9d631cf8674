from __future__ import annotations

from asr.conversation import conversation
from asr.types import Channel, Provenance
from compliance.types import RedactedTranscript, RedactedTurn, RedactedWord
from llm.extractive import quote
from llm.roles import by_role


def call(*turns: tuple[str, Channel, str]) -> RedactedTranscript:
    said = tuple(
        RedactedTurn(
            speaker,
            channel,
            tuple(
                RedactedWord(word, at * 10 + n / 2, at * 10 + (n + 1) / 2, 0.9) for n, word in enumerate(text.split())
            ),
        )
        for at, (speaker, channel, text) in enumerate(turns)
    )
    made_by = Provenance("m", "h", "scripted", "int8", "f", "0")
    return RedactedTranscript("a.wav", 60.0, (Channel.MIXED,), said, (), (), "all", made_by)


def test_in_a_mixed_channel_whoever_greets_is_quoted_as_the_agent() -> None:
    told = call(
        ("speaker-1", Channel.MIXED, "Thank you for calling, I would like to help you today."),
        ("speaker-2", Channel.MIXED, "I want my money back."),
        ("speaker-2", Channel.MIXED, "I will send you the receipt."),
    )
    named = by_role(told, conversation(told.turns, (), told.duration_s))
    assert [turn.speaker for turn in named.turns] == ["agent", "customer", "customer"]
    summary = quote(named)
    assert summary.reason is not None
    assert summary.reason.text == "I want my money back."
    assert summary.actions == ()
    assert by_role(told, None) == told


def test_a_second_voice_of_a_side_is_quoted_as_that_side() -> None:
    told = call(
        ("customer", Channel.CUSTOMER, "I want my money back."),
        ("agent-2", Channel.AGENT, "I will send you the form."),
    )
    named = by_role(told, conversation(told.turns, (), told.duration_s))
    assert named == told
    assert [action.turns for action in quote(named).actions] == [(1,)]
