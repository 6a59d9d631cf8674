"""Sound taken out of a recording's channels, block by block: a tone or silence in its place, the rest untouched."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from typing import Literal

import numpy as np

from asr.timebase import ms_to_samples
from asr.types import Samples, Span

TONE_HZ = 1_000
"""What broadcasters bleep with."""

_AMPLITUDE = float(np.sqrt(2.0) * 10.0 ** (-26.0 / 20.0))
"""-26 dB: as loud as speech should be (ITU-T P.56), so that nobody reaches for the volume."""

_FADE_MS = 5.0
"""Of the tone alone, inside its span: what was there is gone from the first sample to the last."""

Cover = Literal["beep", "silence"]


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The spans in time order, those that overlap or touch made one.

    >>> merged([Span(5, 9), Span(0, 3), Span(3, 4)])
    (Span(start=0, stop=4), Span(start=5, stop=9))
    """
    ordered: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, span.stop)):
        if ordered and span.start <= ordered[-1].stop:
            ordered[-1] = Span(ordered[-1].start, max(ordered[-1].stop, span.stop))
        elif span.stop > span.start:
            ordered.append(span)
    return tuple(ordered)


class Bleeper:
    """Replaces spans of a recording's channels while its blocks come by; the tone of a span depends on nothing else, so
    that doing it twice changes nothing."""

    def __init__(
        self, spans: Sequence[Sequence[Span]], sample_rate_hz: int, cover: Cover, muted: Collection[int] = ()
    ) -> None:
        """`spans` are each channel's by its place in the file, in samples at the file's rate, in any order; those that
        are `muted` are silent from end to end."""
        self._spans = [merged(channel) for channel in spans]
        self._rate_hz = sample_rate_hz
        self._cover = cover
        self._muted = sorted(muted)
        self._at = 0

    def hear(self, block: Samples) -> Samples:
        """The next block of the file, (n_channels, n) float32, with what lies in the spans replaced."""
        heard = block.copy()
        heard[self._muted] = 0.0
        stop = self._at + block.shape[1]
        for channel, spans in zip(heard, self._spans, strict=True):
            for span, first, last in _touched(spans, self._at, stop):
                channel[first - self._at : last - self._at] = self._covered(span, first, last)
        self._at = stop
        return heard

    def left(self, block: Samples, tolerance: float) -> int:
        """In how many places the next block of a copy holds something else than what replaced a span: a residue of more
        than `tolerance` times the tone's power, in any tenth of a second. A muted channel is one place."""
        stop = self._at + block.shape[1]
        power = tolerance * _AMPLITUDE**2 / 2
        residues = [block[channel] for channel in self._muted]
        for channel, spans in zip(block, self._spans, strict=True):
            for span, first, last in _touched(spans, self._at, stop):
                residues.append(channel[first - self._at : last - self._at] - self._covered(span, first, last))
        self._at = stop
        return sum(_loudest(residue, self._rate_hz) > power for residue in residues)

    def _covered(self, span: Span, first: int, last: int) -> Samples:
        """Samples [first, last) of what stands in a span's place."""
        if self._cover == "silence":
            return np.zeros(last - first, np.float32)
        at = np.arange(first - span.start, last - span.start)
        fade = max(1, ms_to_samples(_FADE_MS, self._rate_hz))
        edge = np.minimum(at, len(span) - 1 - at) / fade
        tone = _AMPLITUDE * np.sin(2.0 * np.pi * TONE_HZ * at / self._rate_hz) * np.minimum(edge, 1.0)
        return tone.astype(np.float32)


def _touched(spans: Sequence[Span], start: int, stop: int) -> list[tuple[Span, int, int]]:
    """The spans that have samples in [start, stop), and which."""
    near = bisect_right(spans, start, key=lambda span: span.stop)
    found = []
    for span in spans[near:]:
        if span.start >= stop:
            break
        found.append((span, max(span.start, start), min(span.stop, stop)))
    return found


def _loudest(samples: Samples, sample_rate_hz: int) -> float:
    """The greatest mean square of any tenth of a second."""
    size = max(1, sample_rate_hz // 10)
    edges = [*range(0, max(1, len(samples) - size // 2), size), len(samples)]
    return max((float(np.mean(samples[a:b] ** 2)) for a, b in pairwise(edges) if b > a), default=0.0)
