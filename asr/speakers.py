"""Words to turns: on two-channel recordings the channel is the speaker."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import pairwise

from asr.options import TurnOptions
from asr.types import Channel, Turn, Word

_FLOOR_PAUSE_S = 0.3
"""A pause this long is one in which somebody else can take the floor (Heldner & Edlund 2010: gaps between
speakers are mostly 0.1 to 0.5 s)."""


def turns(words_of: Mapping[Channel, Sequence[Word]], options: TurnOptions) -> tuple[Turn, ...]:
    """All channels' words as turns, ordered by start.

    A turn ends at a pause longer than `max_pause_s`, and at a shorter one in which the other channel spoke. A
    word that is said into somebody's unbroken speech is a turn of its own and splits nothing.
    """
    everyone: list[Turn] = []
    for channel, words in words_of.items():
        others = sorted(w.start_s for other, said in words_of.items() if other != channel for w in said)
        everyone.extend(Turn(channel.value, channel, run) for run in _runs(words, others, options.max_pause_s))
    return tuple(sorted(everyone, key=lambda turn: (turn.start_s, turn.end_s, turn.channel)))


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
