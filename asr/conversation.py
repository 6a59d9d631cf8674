"""What can be told of a conversation from who spoke when: a pure function of a transcript's turns and regions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from statistics import median

from asr.channels.roles import greetings
from asr.types import Channel, Conversation, Region, RegionKind, SpeakerFacts, SpokenTurn

_BACKCHANNEL_WORDS = 2
"""A turn of so few words into somebody else's is a sign of listening and no interruption (Heldner & Edlund 2010)."""

_HELD_FLOOR_S = 1.0
"""An interruption is of one who has talked for as long, and goes on when the other begins."""

_AGENT_BY_GREETING = {1: 0.8, 2: 0.95}
"""How sure it is that a speaker is the agent, by the greetings in his first turns when nobody else has one: set by
judgement, since no set of ours has enough greetings to measure it."""

_PAUSE_S = 0.3
"""As in asr.speakers: a shorter pause is part of talk."""

_NEAR_S = 0.25
"""How far a word's time may be from where an overlap begins."""

_LEAST_S = 1e-3

Times = tuple[float, float]


def conversation(turns: Sequence[SpokenTurn], regions: Sequence[Region], duration_s: float) -> Conversation:
    """Facts of a call of so many seconds; `turns` are ordered by start.

    Talk is the time that turns cover, less pauses inside them of 0.3 s and more. Silence is what no turn covers, but
    for hold: music in any channel while nobody talks. An interruption is a turn of more than two words that begins
    while another speaker, who has talked for a second, goes on; a response time is from the end of one speaker's turn
    to the beginning of the next one's, if that is another's and begins later.

    Gaps of less than 0.3 s are closed, so that overlap may count a few of them.
    """
    whose = {who: [turn for turn in turns if turn.speaker == who] for who in dict.fromkeys(t.speaker for t in turns)}
    talk = {who: talk_times(own) for who, own in whose.items()}
    anyone = _union(span for spans in talk.values() for span in spans)
    total_s = sum(map(_length, talk.values()))
    music = _union((one.start_s, one.end_s) for one in regions if one.kind is RegionKind.MUSIC)
    hold_s = _length(music) - _length(_both(music, anyone))
    overlaps = _union((one.start_s, one.end_s) for one in regions if one.kind is RegionKind.OVERLAP)
    made, replies, roles = Counter(_interruptions(turns, overlaps)), _responses(turns), _roles(whose)
    speakers = tuple(
        SpeakerFacts(
            speaker=who,
            role=roles.get(who, (None, 0.0))[0],
            role_confidence=roles.get(who, (None, 0.0))[1],
            talk_s=_length(talk[who]),
            talk_share=_length(talk[who]) / total_s if total_s > 0 else 0.0,
            words=(words := sum(len(turn.words) for turn in own)),
            words_per_min=words * 60 / max(_length(talk[who]), _LEAST_S),
            longest_monologue_s=max(turn.end_s - turn.start_s for turn in own),
            interruptions=made[who],
            response_s=median(replies[who]) if who in replies else None,
        )
        for who, own in whose.items()
    )
    return Conversation(
        speakers=speakers,
        silence_s=max(0.0, duration_s - _length(anyone) - hold_s),
        hold_s=hold_s,
        overlap_s=max(0.0, total_s - _length(anyone), _length(overlaps)),
    )


def talk_times(turns: Sequence[SpokenTurn]) -> list[Times]:
    """When one speaker talks, in seconds and in order: the turns without their pauses of 0.3 s and more."""
    return _union((word.start_s, word.end_s) for turn in turns for word in turn.words)


def _union(spans: Iterable[Times]) -> list[Times]:
    """The spans in order, with gaps of less than _PAUSE_S closed."""
    found: list[Times] = []
    for start_s, end_s in sorted(spans):
        if found and start_s - found[-1][1] < _PAUSE_S:
            found[-1] = (found[-1][0], max(found[-1][1], end_s))
        else:
            found.append((start_s, end_s))
    return found


def _both(left: Sequence[Times], right: Sequence[Times]) -> list[Times]:
    """Where both have something; each in order and free of overlap."""
    shared = [(max(a[0], b[0]), min(a[1], b[1])) for a in left for b in right]
    return [span for span in shared if span[0] < span[1]]


def _length(spans: Iterable[Times]) -> float:
    return sum(end_s - start_s for start_s, end_s in spans)


def _interruptions(turns: Sequence[SpokenTurn], overlaps: Sequence[Times]) -> list[str]:
    """Who interrupted, once for each interruption. Words of a shared channel never overlap: there `overlaps` tell."""
    found = []
    talking: list[SpokenTurn] = []
    for turn in turns:
        long_since = [one for one in talking if one.speaker != turn.speaker and _held_the_floor(one, turn)]
        shared = turn.channel is Channel.MIXED and any(a - _NEAR_S <= turn.start_s < b for a, b in overlaps)
        if len(turn.words) > _BACKCHANNEL_WORDS and any(one.end_s > turn.start_s or shared for one in long_since):
            found.append(turn.speaker)
        talking = [one for one in talking if one.end_s > turn.start_s] + [turn]
    return found


def _held_the_floor(before: SpokenTurn, turn: SpokenTurn) -> bool:
    return before.start_s + _HELD_FLOOR_S <= turn.start_s


def _responses(turns: Sequence[SpokenTurn]) -> dict[str, list[float]]:
    """How long each speaker took to answer, each time."""
    found: dict[str, list[float]] = {}
    for before, turn in pairwise(turns):
        if turn.speaker != before.speaker and turn.start_s >= before.end_s:
            found.setdefault(turn.speaker, []).append(turn.start_s - before.end_s)
    return found


def _roles(whose: Mapping[str, Sequence[SpokenTurn]]) -> dict[str, tuple[Channel, float]]:
    """Who is agent and who customer, and how sure that is: by the channel, or else by who greets as an agent does."""
    found: dict[str, tuple[Channel, float]] = {}
    found |= {who: (own[0].channel, 1.0) for who, own in whose.items() if own[0].channel is not Channel.MIXED}
    counts = {who: greetings([turn.text for turn in own]) for who, own in whose.items() if who not in found}
    greeting = [who for who, count in counts.items() if count]
    if len(greeting) != 1:
        return found
    sure = _AGENT_BY_GREETING[min(counts[greeting[0]], max(_AGENT_BY_GREETING))]
    found[greeting[0]] = (Channel.AGENT, sure)
    if len(counts) == 2:
        (other,) = set(counts) - set(greeting)
        found[other] = (Channel.CUSTOMER, sure)
    return found
