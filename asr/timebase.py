"""Seconds and samples: the only place that converts one into the other.

Inside audio code time is an integer count of samples; seconds appear where a value leaves it. Rounding is to
the nearest sample with halves up, so that the same second gives the same sample at every call site.
"""

from __future__ import annotations

from math import ceil, floor

from asr.types import MODEL_RATE_HZ, Span


def to_samples(seconds: float, sample_rate_hz: int = MODEL_RATE_HZ) -> int:
    """The sample nearest to a time in seconds.

    >>> to_samples(0.25)
    4000
    """
    return int(seconds * sample_rate_hz + 0.5)


def to_seconds(samples: int, sample_rate_hz: int = MODEL_RATE_HZ) -> float:
    """The time in seconds of a sample.

    >>> to_seconds(4000)
    0.25
    """
    return samples / sample_rate_hz


def ms_to_samples(milliseconds: float, sample_rate_hz: int = MODEL_RATE_HZ) -> int:
    """The sample nearest to a time in milliseconds.

    >>> ms_to_samples(250)
    4000
    """
    return to_samples(milliseconds / 1000, sample_rate_hz)


def covering(start_s: float, end_s: float, sample_rate_hz: int = MODEL_RATE_HZ) -> Span:
    """Every sample that a stretch of time touches, be it by a part of the sample's own.

    A millionth of a sample is a float's rounding, not time.

    >>> covering(0.1, 0.25)
    Span(start=1600, stop=4000)
    >>> covering(0.10001, 0.25001)
    Span(start=1600, stop=4001)
    """
    return Span(floor(round(start_s * sample_rate_hz, 6)), ceil(round(end_s * sample_rate_hz, 6)))


def resampled_length(n_samples: int, from_rate_hz: int, to_rate_hz: int) -> int:
    """How many samples the same stretch of time has at another rate, to the nearest sample.

    >>> resampled_length(8000, 8000, 16000)
    16000
    """
    return (2 * n_samples * to_rate_hz + from_rate_hz) // (2 * from_rate_hz)


def place_in_channel(start_s: float, end_s: float, spans: tuple[Span, ...]) -> tuple[float, float]:
    """Where in its channel a stretch of a chunk lies, in seconds.

    A chunk is spans laid end to end. A stretch that reaches over a seam was not spoken over the silence that was
    cut out there: it belongs to the span that holds most of it, and is cut to it. One past the end is held at
    the end.

    >>> place_in_channel(0.9, 1.5, (Span(16000, 32000), Span(80000, 96000)))
    (5.0, 5.5)
    """
    start, stop = to_samples(max(start_s, 0.0)), to_samples(max(end_s, start_s, 0.0))
    best, best_shared = (spans[-1].stop, spans[-1].stop), -1
    seam = 0
    for span in spans:
        first, last = max(start, seam), min(stop, seam + len(span))
        if last - first > best_shared:
            best, best_shared = (span.start + first - seam, span.start + last - seam), last - first
        seam += len(span)
    return to_seconds(best[0]), to_seconds(best[1])
