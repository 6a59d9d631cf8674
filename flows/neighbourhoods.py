"""Where a redacted copy is heard again: the speech beside what was removed, without what was removed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from asr.bleeping import merged
from asr.cutting import cut_chunks
from asr.files.options import DecodeOptions
from asr.timebase import covering, ms_to_samples, resampled_length, to_samples
from asr.types import MODEL_RATE_HZ, Channel, Chunk, Samples, Span
from compliance.bleep import KEYS, Removal
from compliance.types import RedactedTranscript
from flows.bleeping import Copy, as_recording

_BESIDE = ms_to_samples(300)
"""Sound on both sides of what the detector took for speech: a word's faint ends."""

_SHORTEST = ms_to_samples(150)
"""No word fits in less (the shortest digits of telephone calls last 0.2 s)."""

_WORD_S = 0.6
"""A word that takes longer may have been stretched over others, and is heard in part."""

LONGEST = to_samples(14.0)
"""Of a chunk, and of a window of several: with its second of silence it is the shortest that an engine hears. Twice as
many windows of half the length take as long to encode, and a decoder's steps are half as many for twice as many at a
time: a fifth less in all."""

_SHORT = frozenset({"PERSON", KEYS})
"""What is over within a word or two: what a tone has missed of it lies beside the tone. Of a number much more may."""

Times = Sequence[tuple[float, float]]
"""Starts and ends, in seconds."""


def kept_words(redacted: RedactedTranscript, side: Channel) -> Times:
    """When the words of one side were said that its transcript has kept, but for those that take suspiciously long."""
    return [
        (float(word.start_s), float(word.end_s))
        for turn in redacted.turns
        if turn.channel is side
        for word in turn.words
        if not word.entity and word.end_s - word.start_s <= _WORD_S
    ]


def near(removals: Iterable[Removal], words: Times, context_s: float) -> Times:
    """Up to `context_s` around each removal, half of that around those of _SHORT, without the kept words that this
    would cut: half a word is easily taken for a name.

    >>> near([Removal(Channel.AGENT, 5.0, 6.0, "US_SSN")], [(3.25, 3.75), (7.25, 8.0)], 1.5)
    [(3.75, 7.25)]
    """
    return [_around(one, words, context_s * (0.5 if one.cause in _SHORT else 1.0)) for one in removals]


def _around(removal: Removal, words: Times, context_s: float) -> tuple[float, float]:
    first_s, last_s = removal.start_s - context_s, removal.end_s + context_s
    return (
        max([first_s, *(end for begin, end in words if begin < first_s < end <= removal.start_s)]),
        min([last_s, *(begin for begin, end in words if removal.end_s <= begin < last_s < end)]),
    )


def pieces(side: Channel, wanted: Times | None, bursts: Sequence[Span], copy: Copy, at: int) -> list[Chunk]:
    """What of one channel is to be heard, as chunks of pieces laid end to end.

    That is the speech in the wanted stretches, all of the channel's if that is None, less what the copy has a tone or
    silence for in its channel `at`: that is compared sample by sample, and need not be heard.
    """
    speech = merged(Span(max(0, burst.start - _BESIDE), burst.stop + _BESIDE) for burst in bursts)
    if wanted is not None:
        stretches = merged(covering(max(0.0, start_s), end_s) for start_s, end_s in wanted)
        speech = merged(_shared(speech, stretches))
    length = resampled_length(copy.n_samples, copy.sample_rate_hz, MODEL_RATE_HZ)
    removed = [_at_model_rate(span, copy.sample_rate_hz) for span in copy.spans[at]]
    heard = [Span(span.start, min(span.stop, length)) for span in _without(speech, removed)]
    return list(_packed(side, [span for span in heard if len(span) >= _SHORTEST]))


def cut(copy: Copy, plan: Mapping[int, Sequence[Chunk]], options: DecodeOptions) -> Iterator[tuple[int, int, Samples]]:
    """The chunks of a copy's channels, by their place in the file: (place, number, (n_samples,) float32 at 16 kHz)."""
    channels = [plan.get(at, ()) for at in range(len(copy.spans))]
    return cut_chunks(as_recording(copy.path), channels, options)


def _at_model_rate(span: Span, sample_rate_hz: int) -> Span:
    """The same stretch at 16 kHz, to the inside: what is cut off by rounding is heard."""
    return Span(
        -(-span.start * MODEL_RATE_HZ // sample_rate_hz),
        span.stop * MODEL_RATE_HZ // sample_rate_hz,
    )


def _shared(some: Sequence[Span], others: Sequence[Span]) -> Iterator[Span]:
    for one in some:
        for other in others:
            start, stop = max(one.start, other.start), min(one.stop, other.stop)
            if start < stop:
                yield Span(start, stop)


def _without(spans: Iterable[Span], removed: Sequence[Span]) -> Iterator[Span]:
    for span in spans:
        start = span.start
        for gone in removed:
            if gone.stop <= start or gone.start >= span.stop:
                continue
            if gone.start > start:
                yield Span(start, gone.start)
            start = max(start, gone.stop)
        if start < span.stop:
            yield Span(start, span.stop)


def _packed(side: Channel, spans: Sequence[Span]) -> Iterator[Chunk]:
    held: list[Span] = []
    for span in spans:
        for start in range(span.start, span.stop, LONGEST):
            part = Span(start, min(start + LONGEST, span.stop))
            if held and sum(map(len, held)) + len(part) > LONGEST:
                yield Chunk(side, tuple(held))
                held = []
            held.append(part)
    if held:
        yield Chunk(side, tuple(held))
