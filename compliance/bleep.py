"""Which stretches of sound go with what was removed from the text, in plain times; asr and flows do the rest."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from asr.types import Channel, RegionKind, SpokenWord, Transcript
from compliance.policies import PCI
from compliance.spoken_numbers import is_filler
from compliance.types import RedactedTranscript, RedactedWord, Redaction

PAD_S = 0.25
"""On both sides of a span."""

_LEAST_PAD_S = 0.1
_REACH_S = 0.2
"""An edge that would cut a word moves to a pause: back to one that begins this much of the pad earlier at least, or on
to one this near. Word times of Whisper base are 0.03 s off in the median and 0.16 s at 95 %."""

_NO_TIME_S = 0.02
"""One position of Whisper's encoder: a word that short has no length."""

_LONGEST_WORD_S = 1.5
_LONGEST_DIGIT_S = 0.7
"""A word takes at most so long, and each figure of a number so much more: "5200" is one word of four, said slowly."""

_SHORTEST_DIGIT_S = 0.08
_SHORTEST_LETTER_S = 0.015
"""Twice as fast as the fastest talkers, who say seven syllables a second."""

_BESIDE_S = 0.3
"""Speech this near to a turn is of it, where its words' times cannot be relied on."""

_PAYMENT_S = 30.0
"""Around what belongs to a card, on the side that said it: whoever reads one out goes on with its date and code."""

_WORD_S, _LETTER_S = 0.25, 0.08
"""A kept word accounts for so much speech, and so much more for each letter: "was" that lasts 2 s is another thing that
was said, and not heard. Twelve letters in a second are an unhurried talker's rate."""

_UNTOLD_S, SHORTEST_SOUND_S = 0.5, 0.2
"""So much speech beside a word that accounts for less than half of it is a figure or more; so much without a word."""

LONGEST_PAUSE_S = 1.0
"""Longer than anybody pauses between two groups of a number: what one side is silent for while the other asks for the
rest is left."""

KEYS = "DTMF"
"""The cause of what goes since keys were pressed in it."""

UNTOLD = "UNTOLD"
"""The cause of what goes since it was said beside a card's number, and no word tells what it was."""

Speech = Mapping[Channel, Sequence[tuple[float, float]]]
"""Where somebody speaks in each channel, (start_s, end_s) in time order; between two of them is a pause."""


class Doubt(StrEnum):
    """Why the times of a span's words are not relied on: its whole turn is removed instead."""

    NO_LENGTH = "no_length"
    """Its first or its last word has none. One between them lies between them all the same."""
    OUTSIDE_SPEECH = "outside_speech"
    TOO_LONG = "too_long"
    TOO_SHORT = "too_short"


@dataclass(frozen=True, slots=True, order=True)
class Removal:
    """A stretch of one side's sound that is to go, and for what: an entity, KEYS or UNTOLD."""

    channel: Channel
    start_s: float
    end_s: float
    cause: str
    doubt: Doubt | None = None


def removals(transcript: Transcript, redacted: RedactedTranscript, speech: Speech) -> tuple[Removal, ...]:
    """What goes from the sound of a call: a stretch for each redaction, padded, and all keys, whatever the policy; and
    what was said near a card's number without a word for it: what was not heard is not known to be harmless.

    `transcript` is what `redacted` was made from. Where words have no reliable time, the turn that holds them goes.
    """
    found = [
        removal
        for redaction, words in _removed(transcript, redacted)
        for removal in _removals(redaction, words, redacted, speech.get(redaction.channel, ()))
    ]
    keys = (region for region in redacted.regions if region.kind is RegionKind.DTMF)
    found += [Removal(region.channel, max(0.0, region.start_s - PAD_S), region.end_s + PAD_S, KEYS) for region in keys]
    found += [removal for channel, bursts in speech.items() for removal in _untold(channel, redacted, bursts)]
    return tuple(sorted(found))


def padded(start_s: float, end_s: float, speech: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """A stretch with PAD_S on both sides, its edges moved to pauses where one is near.

    >>> padded(5.0, 6.0, [(4.0, 7.0)])
    (4.75, 6.25)
    >>> padded(5.0, 6.0, [(4.875, 6.375)])
    (4.75, 6.375)
    """
    edges = [float("-inf"), *(edge for burst in speech for edge in burst), float("inf")]
    pauses = list(zip(edges[::2], edges[1::2], strict=True))
    before = [(-end, -begin) for begin, end in reversed(pauses)]
    return max(0.0, -_edge(-start_s, before)), _edge(end_s, pauses)


def whole_turns(
    channel: Channel, start_s: float, end_s: float, redacted: RedactedTranscript, speech: Sequence[tuple[float, float]]
) -> tuple[float, float]:
    """The turns of a channel that touch a stretch, and the speech beside them, padded."""
    touched = [
        turn
        for turn in redacted.turns
        if turn.channel is channel and turn.start_s <= end_s + PAD_S and turn.end_s >= start_s - PAD_S
    ]
    first_s = min([start_s, *(turn.start_s for turn in touched)]) - _BESIDE_S
    last_s = max([end_s, *(turn.end_s for turn in touched)]) + _BESIDE_S
    near = [burst for burst in speech if burst[0] <= last_s and burst[1] >= first_s]
    first_s = min([first_s + _BESIDE_S, *(burst[0] for burst in near)])
    last_s = max([last_s - _BESIDE_S, *(burst[1] for burst in near)])
    return max(0.0, first_s - PAD_S), last_s + PAD_S


def doubt_of(words: Sequence[SpokenWord], speech: Sequence[tuple[float, float]]) -> Doubt | None:
    """Why these words' times are not to be relied on, or None if they are."""
    start_s, end_s = words[0].start_s, words[-1].end_s
    edges = (words[0], words[-1])
    if any(word.end_s - word.start_s <= _NO_TIME_S for word in edges):
        return Doubt.NO_LENGTH
    if any(not _touches(word.start_s, word.end_s, speech) for word in edges):
        return Doubt.OUTSIDE_SPEECH
    if any(word.end_s - word.start_s > _LONGEST_WORD_S + _LONGEST_DIGIT_S * _figures(word) for word in edges):
        return Doubt.TOO_LONG
    figures = sum(map(_figures, words))
    letters = sum(character.isalpha() for word in words for character in word.text)
    if end_s - start_s < figures * _SHORTEST_DIGIT_S + letters * _SHORTEST_LETTER_S:
        return Doubt.TOO_SHORT
    return None


def unsaid(start_s: float, end_s: float, speech: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The pauses over LONGEST_PAUSE_S inside a stretch.

    >>> unsaid(1.0, 9.0, [(0.5, 2.0), (3.5, 4.0), (4.5, 9.5)])
    [(2.0, 3.5)]
    """
    inside = [burst for burst in speech if burst[1] > start_s and burst[0] < end_s]
    return [(one[1], two[0]) for one, two in pairwise(inside) if two[0] - one[1] > LONGEST_PAUSE_S]


def bare_s(
    start_s: float, end_s: float, spans: Sequence[tuple[float, float]], speech: Sequence[tuple[float, float]]
) -> float:
    """How many seconds of speech of a stretch no span covers; infinitely many, if none covers one of its edges.

    >>> bare_s(1.0, 9.0, [(0.5, 2.5), (7.0, 9.5)], [(1.0, 2.0), (6.5, 8.0)])
    0.5
    """
    if not all(any(one[0] <= edge <= one[1] for one in spans) for edge in (start_s, end_s)):
        return float("inf")
    left, at_s = [], start_s
    for one in sorted(spans):
        if one[0] > at_s:
            left.append((at_s, min(one[0], end_s)))
        at_s = max(at_s, one[1])
    return sum(max(0.0, min(gap[1], burst[1]) - max(gap[0], burst[0])) for gap in left for burst in speech)


def _removals(
    redaction: Redaction,
    words: Sequence[SpokenWord],
    redacted: RedactedTranscript,
    speech: Sequence[tuple[float, float]],
) -> Iterator[Removal]:
    doubt = doubt_of(words, speech)
    start_s, end_s = float(redaction.start_s), float(redaction.end_s)
    if doubt:
        place = whole_turns(redaction.channel, start_s, end_s, redacted, speech)
        yield Removal(redaction.channel, *place, redaction.entity, doubt)
        return
    for pause_s, resumed_s in unsaid(start_s, end_s, speech):
        if not any(_fills(word, pause_s, resumed_s) for word in words):
            yield Removal(redaction.channel, *padded(start_s, pause_s, speech), redaction.entity)
            start_s = resumed_s
    yield Removal(redaction.channel, *padded(start_s, end_s, speech), redaction.entity)


def _fills(word: SpokenWord, pause_s: float, resumed_s: float) -> bool:
    """Whether a word was heard where the detector hears nobody: all of it, or on both sides. Then that is no pause."""
    inside = pause_s <= word.start_s and word.end_s <= resumed_s
    across = word.start_s <= pause_s and resumed_s <= word.end_s
    return (inside or across) and not is_filler(word.text)


def _untold(channel: Channel, redacted: RedactedTranscript, speech: Sequence[tuple[float, float]]) -> Iterator[Removal]:
    """What one side said near a card's number, and no word accounts for."""
    cards = [one for one in redacted.redactions if one.channel is channel and one.entity in PCI]
    if not cards:
        return
    words = [word for turn in redacted.turns if turn.channel is channel for word in turn.words]
    for start_s, end_s in speech:
        if not any(start_s < card.end_s + _PAYMENT_S and end_s > card.start_s - _PAYMENT_S for card in cards):
            continue
        told_s = sum(_told_s(word, start_s, end_s) for word in words if word.start_s < end_s and word.end_s > start_s)
        untold_s = end_s - start_s - told_s
        if (told_s <= 0.0 and untold_s >= SHORTEST_SOUND_S) or (untold_s >= _UNTOLD_S and untold_s > told_s):
            yield Removal(channel, *padded(start_s, end_s, speech), UNTOLD)


def _told_s(word: RedactedWord, start_s: float, end_s: float) -> float:
    """How much of a stretch a word accounts for, from its own start on; a mark stands for all that it spans."""
    longest_s = float("inf") if word.entity else _WORD_S + _LETTER_S * len(word.text)
    return max(0.0, min(word.end_s, word.start_s + longest_s, end_s) - max(word.start_s, start_s))


def _removed(
    transcript: Transcript, redacted: RedactedTranscript
) -> Iterator[tuple[Redaction, tuple[SpokenWord, ...]]]:
    """Each redaction with the words that it took out."""
    marks = {(redaction.turn, redaction.word): redaction for redaction in redacted.redactions}
    for index, turn in enumerate(transcript.turns):
        at = 0
        for place in range(len(redacted.turns[index].words)):
            mark = marks.get((index, place))
            if mark:
                yield mark, turn.words[at : at + mark.n_words]
            at += mark.n_words if mark else 1


def _edge(at_s: float, pauses: Sequence[tuple[float, float]]) -> float:
    """Where a stretch that was heard to end at `at_s` is to end."""
    wanted_s = at_s + PAD_S
    near = bisect_left(pauses, wanted_s, key=lambda pause: pause[1])
    begin_s = pauses[near][0] if near < len(pauses) else wanted_s
    if begin_s <= wanted_s:
        return wanted_s
    back_s = pauses[near - 1][1] if near else float("-inf")
    choices = [edge for edge in (back_s, begin_s) if at_s + _LEAST_PAD_S <= edge <= wanted_s + _REACH_S]
    return min(choices, key=lambda edge: abs(edge - wanted_s), default=wanted_s)


def _touches(start_s: float, end_s: float, speech: Sequence[tuple[float, float]]) -> bool:
    near = bisect_left(speech, start_s, key=lambda burst: burst[1])
    return near < len(speech) and speech[near][0] < end_s


def _figures(word: SpokenWord) -> int:
    return sum(character.isdigit() for character in word.text)
