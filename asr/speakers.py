"""Words to turns: where a side has a channel of its own the channel is the speaker, else the voice tells."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from operator import itemgetter

from asr.diarize.attribution import attribute, name
from asr.diarize.types import Speaking
from asr.options import TurnOptions
from asr.types import Channel, Turn, Word

_FLOOR_PAUSE_S = 0.3
"""A pause this long is one in which somebody else can take the floor (Heldner & Edlund 2010: gaps between
speakers are mostly 0.1 to 0.5 s)."""


def turns(
    words_of: Mapping[Channel, Sequence[Word]],
    options: TurnOptions,
    speaking_of: Mapping[Channel, Sequence[Speaking]] | None = None,
) -> tuple[Turn, ...]:
    """All channels' words as turns, ordered by start.

    A turn ends at a pause longer than `max_pause_s`, and at a shorter one in which the other channel spoke. A
    word that is said into somebody's unbroken speech is a turn of its own and splits nothing. In a channel of which
    `speaking_of` tells who talks when, a turn ends where another speaker's words begin, too.
    """
    everyone: list[Turn] = []
    for channel, words in words_of.items():
        others = sorted(w.start_s for other, said in words_of.items() if other != channel for w in said)
        for speaker, own in _by_speaker(channel, words, (speaking_of or {}).get(channel, ())):
            everyone.extend(Turn(speaker, channel, run) for run in _runs(own, others, options.max_pause_s))
    return tuple(sorted(everyone, key=lambda turn: (turn.start_s, turn.end_s, turn.channel)))


def _by_speaker(
    channel: Channel, words: Sequence[Word], speaking: Sequence[Speaking]
) -> Iterator[tuple[str, Sequence[Word]]]:
    """A channel's words, parted where another speaker's begin."""
    if not speaking:
        yield channel.value, words
        return
    for who, same in groupby(zip(attribute(words, speaking), words, strict=True), key=itemgetter(0)):
        yield name(who, channel), [word for _, word in same]


def _runs(words: Sequence[Word], others: list[float], max_pause_s: float) -> list[tuple[Word, ...]]:
    if not words:
        return []
    runs = [[words[0]]]
    for before, word in pairwise(words):
        pause_s = word.start_s - before.end_s
        if pause_s > max_pause_s or (pause_s >= _FLOOR_PAUSE_S and _any_between(others, before.end_s, word.start_s)):
            runs.append([])
        runs[-1].append(word)
    return [tuple(run) for run in runs]


def _any_between(times_s: list[float], start_s: float, end_s: float) -> bool:
    at = bisect_left(times_s, start_s)
    return at < len(times_s) and times_s[at] < end_s
