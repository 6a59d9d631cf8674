"""Words to speakers."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import accumulate, groupby, pairwise

from asr.diarize.types import Speaking
from asr.timebase import to_seconds
from asr.types import Channel, Region, RegionKind, Word

_SENTENCE_ENDS = (".", "?", "!")
_FEW = 2
"""Words at the edge of a sentence that may be another's by an error of where the turn ended, and not by what was
said."""
_PAUSE_S = 0.3
"""A pause in which somebody else can take the floor, as in asr.speakers: it ends a sentence, too."""


def name(speaker: int, channel: Channel) -> str:
    """What a speaker who is known by voice is called: the first of a side that has a channel of its own, as the side.

    >>> name(0, Channel.MIXED), name(0, Channel.AGENT), name(1, Channel.AGENT)
    ('speaker-1', 'agent', 'agent-2')
    """
    if channel is Channel.MIXED:
        return f"speaker-{speaker + 1}"
    return f"{channel}-{speaker + 1}" if speaker else channel.value


def attribute(words: Sequence[Word], speaking: Sequence[Speaking]) -> list[int]:
    """The one speaker of each word: who talks longest within it, or if nobody does, nearest to its middle.

    Of a sentence that one speaker has most of, a word or two of another at its beginning or end are that speaker's: a
    turn's border is known to a quarter of a second, and a sentence is seldom shared. `words` are in time order,
    `speaking` is not empty and ordered by start.
    """
    longest_s = max((to_seconds(len(one.span)) for one in speaking), default=0.0)
    starts = [to_seconds(one.span.start) for one in speaking]
    whose = [_speaker(word, speaking, starts, longest_s) for word in words]
    smoothed: list[int] = []
    for sentence in _sentences(words):
        smoothed.extend(_whole([whose[at] for at in sentence]))
    return smoothed


def talk(speaking: Sequence[Speaking], channel: Channel) -> tuple[Region, ...]:
    """Who talks when, as regions in the order of `speaking`."""
    return tuple(
        Region(
            to_seconds(one.span.start),
            to_seconds(one.span.stop),
            channel,
            RegionKind.TALK,
            speaker=name(one.speaker, channel),
        )
        for one in speaking
    )


def overlaps(speaking: Sequence[Speaking], channel: Channel) -> tuple[Region, ...]:
    """Where two speakers or more talk at once, in order, no two touching."""
    edges = sorted([(one.span.start, 1) for one in speaking] + [(one.span.stop, -1) for one in speaking])
    counts = list(accumulate(step for _, step in edges))
    found: list[Region] = []
    for many, group in groupby(range(len(edges) - 1), key=lambda at: counts[at] > 1):
        places = list(group)
        start, stop = edges[places[0]][0], edges[places[-1] + 1][0]
        if many and start < stop:
            found.append(Region(to_seconds(start), to_seconds(stop), channel, RegionKind.OVERLAP))
    return tuple(found)


def _speaker(word: Word, speaking: Sequence[Speaking], starts: Sequence[float], longest_s: float) -> int:
    shared: defaultdict[int, float] = defaultdict(float)
    first = bisect_left(starts, word.start_s - longest_s)
    for one in speaking[first : bisect_left(starts, word.end_s)]:
        start_s, end_s = to_seconds(one.span.start), to_seconds(one.span.stop)
        shared[one.speaker] += max(0.0, min(end_s, word.end_s) - max(start_s, word.start_s))
    if shared and max(shared.values()) > 0:
        return max(shared, key=lambda who: (shared[who], -who))
    middle_s = (word.start_s + word.end_s) / 2

    def away_s(one: Speaking) -> float:
        return max(to_seconds(one.span.start) - middle_s, middle_s - to_seconds(one.span.stop))

    return min(speaking, key=away_s).speaker


def _sentences(words: Sequence[Word]) -> list[range]:
    """The words' places, a range a sentence: to a full stop, or to a pause."""
    ends = [
        at + 1
        for at, (word, after) in enumerate(pairwise(words))
        if word.text.endswith(_SENTENCE_ENDS) or after.start_s - word.end_s >= _PAUSE_S
    ]
    return [range(*ends_of) for ends_of in pairwise([0, *ends, len(words)])]


def _whole(whose: list[int]) -> list[int]:
    """A sentence's speakers with few words at its edges given to the one who has most of it."""
    if not whose:
        return []
    (main, most), *_ = Counter(whose).most_common(1)
    if most * 2 <= len(whose):
        return whose
    first = whose.index(main)
    last = len(whose) - 1 - whose[::-1].index(main)
    own = list(whose)
    if first <= _FEW:
        own[:first] = [main] * first
    if len(whose) - 1 - last <= _FEW:
        own[last + 1 :] = [main] * (len(whose) - 1 - last)
    return own
