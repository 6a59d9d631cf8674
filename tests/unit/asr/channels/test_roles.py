"""Who answers a call."""

from __future__ import annotations

from dataclasses import replace

import pytest

from asr.channels.roles import exchanged, swapped
from asr.types import (
    Channel,
    Finding,
    FindingEffect,
    FindingKind,
    Provenance,
    Region,
    RegionKind,
    Transcript,
    Turn,
    Word,
)


def turn(channel: Channel, start_s: float, text: str) -> Turn:
    words = text.split()
    return Turn(
        channel.value, channel, tuple(Word(w, start_s + i, start_s + i + 0.5, 0.9) for i, w in enumerate(words))
    )


def agent(start_s: float, text: str) -> Turn:
    return turn(Channel.AGENT, start_s, text)


def customer(start_s: float, text: str) -> Turn:
    return turn(Channel.CUSTOMER, start_s, text)


@pytest.mark.parametrize(
    "greeting",
    [
        "Thank you for calling Acme, this is Joe.",
        "Good morning. How may I help you?",
        "Acme, what can I do for you?",
        "Hi, this call may be recorded.",
    ],
)
def test_a_customer_who_answers_as_an_agent_does(greeting: str) -> None:
    found = swapped([customer(0, greeting), agent(20, "Hi, my bill is wrong.")])
    assert found == Finding(FindingKind.SWAPPED_CHANNELS, None, 1.0, "greetings", FindingEffect.REPORTED)
    # Somebody who says hello first.
    assert swapped([customer(0, "Hello?"), customer(5, greeting), agent(20, "Hi.")]) is not None


@pytest.mark.parametrize(
    "turns",
    [
        [],
        [agent(0, "Thank you for calling. How can I help?"), customer(20, "My bill is wrong.")],
        [agent(0, "How can I help?"), customer(20, "Thank you for calling me back. How can I help?")],
        [agent(0, "Hello?"), customer(20, "Hello, my bill is wrong.")],
        [
            customer(0, "Hi."),
            agent(1, "Hi."),
            customer(9, "So."),
            agent(12, "Yes."),
            customer(30, "How can I help you"),
        ],
        [turn(Channel.MIXED, 0, "Thank you for calling.")],
    ],
    ids=["nothing", "sound", "both", "none", "late", "mixed"],
)
def test_who_is_where_the_map_says(turns: list[Turn]) -> None:
    assert swapped(turns) is None


def test_exchanged_all_stand_in_each_others_place() -> None:
    call = Transcript(
        "a.wav",
        30.0,
        (Channel.AGENT, Channel.CUSTOMER),
        (customer(0, "How can I help?"), replace(agent(20, "Hi."), speaker="agent-2")),
        (
            Region(0.0, 4.0, Channel.CUSTOMER, RegionKind.SPEECH),
            Region(20.0, 21.0, Channel.AGENT, RegionKind.TALK, speaker="agent-2"),
        ),
        Provenance("m", "h", "scripted", "int8", "f", "0"),
        (Finding(FindingKind.CLIPPING, Channel.AGENT, 0.01, "share", FindingEffect.REPORTED),),
    )
    other = exchanged(call)
    assert [(turn.speaker, turn.channel) for turn in other.turns] == [("agent", "agent"), ("customer-2", "customer")]
    assert other.channels == (Channel.CUSTOMER, Channel.AGENT)
    assert [(region.channel, region.speaker) for region in other.regions] == [
        (Channel.AGENT, None),
        (Channel.CUSTOMER, "customer-2"),
    ]
    assert other.findings[0].channel is Channel.CUSTOMER
    assert exchanged(other) == call
