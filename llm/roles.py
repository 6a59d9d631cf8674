"""Whose words a summary rests on: voices of a mixed channel by the roles that the conversation's facts give them."""

from __future__ import annotations

from dataclasses import replace

from asr.types import Channel, Conversation
from compliance.types import RedactedTranscript


def by_role(transcript: RedactedTranscript, facts: Conversation | None) -> RedactedTranscript:
    """The transcript with the speakers of mixed channels called agent and customer, as far as their roles are known."""
    roles = {one.speaker: one.role.value for one in facts.speakers if one.role is not None} if facts else {}
    turns = tuple(
        replace(turn, speaker=roles.get(turn.speaker, turn.speaker)) if turn.channel is Channel.MIXED else turn
        for turn in transcript.turns
    )
    return replace(transcript, turns=turns)
