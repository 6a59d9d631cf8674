"""Whether agent and customer are mixed up, by who answers the call."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from asr.types import Channel, Finding, FindingEffect, FindingKind, Transcript, Turn

_GREETING = re.compile(
    r"\b(thank(s| you) for (calling|your call|holding)"
    r"|(how|what) (can|may|could) (i|we) (help|assist|do for)"
    r"|how (may|can) i direct your call"
    r"|this call (is|may be|will be) (being )?recorded"
    r"|customer (service|care|support)( department)? (speaking|this is|my name))\b"
)
"""What contact centres have their agents say first, and callers do not."""

_FIRST_TURNS = 2
"""Turns of each side that may hold the greeting: "Hello?" may come before it."""

_OTHER = {Channel.AGENT: Channel.CUSTOMER, Channel.CUSTOMER: Channel.AGENT, Channel.MIXED: Channel.MIXED}


def swapped(turns: Sequence[Turn]) -> Finding | None:
    """A finding if the customer's first turns hold an agent's greeting and the agent's hold none.

    `turns` are in time order. The finding's value counts the greetings.
    """
    found = {
        channel: greetings([turn.text for turn in turns if turn.channel == channel])
        for channel in (Channel.AGENT, Channel.CUSTOMER)
    }
    if found[Channel.AGENT] or not found[Channel.CUSTOMER]:
        return None
    count = float(found[Channel.CUSTOMER])
    return Finding(FindingKind.SWAPPED_CHANNELS, None, count, "greetings", FindingEffect.REPORTED)


def exchanged(transcript: Transcript) -> Transcript:
    """The transcript with agent and customer in each other's place, in channels, turns, regions and findings."""
    return replace(
        transcript,
        channels=tuple(_OTHER[channel] for channel in transcript.channels),
        turns=tuple(
            sorted(
                (
                    replace(turn, speaker=_speaker(turn.speaker, turn.channel), channel=_OTHER[turn.channel])
                    for turn in transcript.turns
                ),
                key=lambda turn: (turn.start_s, turn.end_s, turn.channel),
            )
        ),
        regions=tuple(
            sorted(
                replace(
                    region,
                    speaker=region.speaker and _speaker(region.speaker, region.channel),
                    channel=_OTHER[region.channel],
                )
                for region in transcript.regions
            )
        ),
        findings=tuple(
            replace(finding, channel=finding.channel and _OTHER[finding.channel]) for finding in transcript.findings
        ),
    )


def greetings(texts: Sequence[str]) -> int:
    """How many of an agent's greetings one side's first turns hold; `texts` are its turns in time order.

    >>> greetings(["Thank you for calling. How can I help?", "Bye"])
    2
    """
    text = " ".join(texts[:_FIRST_TURNS]).lower()
    return len(_GREETING.findall(" ".join(re.sub(r"[^a-z' ]", " ", text).split())))


def _speaker(name: str, channel: Channel) -> str:
    """Who speaks once the channels have changed places: agent-2 is customer-2."""
    return name.replace(channel.value, _OTHER[channel].value, 1) if name.startswith(channel.value) else name
