"""Seconds and samples at 4 to 48 kHz, and places in a chunk carried over to its channel."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from asr.resample import resample
from asr.timebase import (
    ms_to_samples,
    place_in_channel,
    resampled_length,
    to_samples,
    to_seconds,
)
from asr.types import Span

RATES_HZ = st.integers(4_000, 48_000)
DAY_S = 86_400


@st.composite
def spans(draw: st.DrawFn, min_size: int = 1) -> tuple[Span, ...]:
    """Spans in order, with a gap between each two."""
    lengths = draw(st.lists(st.tuples(st.integers(0, 50_000), st.integers(1, 200_000)), min_size=min_size, max_size=8))
    found, at = [], 0
    for gap, length in lengths:
        at += gap + bool(found)
        found.append(Span(at, at + length))
        at += length
    return tuple(found)


@given(st.data(), RATES_HZ)
def test_a_sample_survives_the_way_to_seconds_and_back(data: st.DataObject, rate_hz: int) -> None:
    sample = data.draw(st.integers(0, DAY_S * rate_hz))
    assert to_samples(to_seconds(sample, rate_hz), rate_hz) == sample


@given(st.floats(0, DAY_S), RATES_HZ)
def test_a_time_is_at_most_half_a_sample_from_its_sample(time_s: float, rate_hz: int) -> None:
    off = Fraction(to_samples(time_s, rate_hz)) - Fraction(time_s) * rate_hz
    assert abs(off) <= Fraction(1, 2) + Fraction(1, 10**6)


@given(st.floats(0, DAY_S), st.floats(0, DAY_S), RATES_HZ)
def test_later_times_never_give_earlier_samples(one_s: float, other_s: float, rate_hz: int) -> None:
    early_s, late_s = sorted((one_s, other_s))
    assert to_samples(early_s, rate_hz) <= to_samples(late_s, rate_hz)


@given(st.integers(0, 10_000_000))
def test_whole_milliseconds_are_exact(milliseconds: int) -> None:
    assert ms_to_samples(milliseconds) == 16 * milliseconds


@given(st.integers(0, DAY_S * 48_000), RATES_HZ, RATES_HZ)
def test_a_resampled_length_is_the_exact_quotient_rounded_half_up(n_samples: int, from_hz: int, to_hz: int) -> None:
    exact = Fraction(n_samples * to_hz, from_hz)
    assert resampled_length(n_samples, from_hz, to_hz) == (exact + Fraction(1, 2)).__floor__()


@given(st.integers(0, DAY_S * 8_000), RATES_HZ)
def test_resampling_there_and_back_keeps_a_length_when_the_rate_rises(n_samples: int, from_hz: int) -> None:
    there = resampled_length(n_samples, from_hz, 48_000)
    assert resampled_length(there, 48_000, from_hz) == n_samples


@given(st.integers(0, 3_000), RATES_HZ)
def test_resampled_audio_has_exactly_that_length(n_samples: int, from_hz: int) -> None:
    ramp = np.linspace(-0.5, 0.5, n_samples, dtype=np.float32)
    resampled = resample(ramp, from_hz)
    assert len(resampled) == resampled_length(n_samples, from_hz, 16_000)
    assert resampled.dtype == np.float32
    assert np.all(np.isfinite(resampled))


@given(spans(), st.data())
def test_a_stretch_is_placed_in_one_span_in_order_and_never_longer(
    found: tuple[Span, ...], data: st.DataObject
) -> None:
    duration_s = to_seconds(sum(map(len, found)))
    bounds = data.draw(st.lists(st.floats(0, duration_s * 1.1), min_size=2, max_size=2))
    start_s, end_s = sorted(bounds)
    placed_s, until_s = place_in_channel(start_s, end_s, found)
    start, stop = to_samples(placed_s), to_samples(until_s)
    assert start <= stop
    assert any(span.start <= start and stop <= span.stop for span in found)
    assert stop - start <= to_samples(end_s) - to_samples(start_s)


@given(spans(), st.data())
def test_a_stretch_inside_a_span_keeps_its_samples(found: tuple[Span, ...], data: st.DataObject) -> None:
    span = data.draw(st.sampled_from(found))
    first = data.draw(st.integers(0, len(span) - 1))
    last = data.draw(st.integers(first + 1, len(span)))
    before = sum(len(other) for other in found if other.start < span.start)
    placed = place_in_channel(to_seconds(before + first), to_seconds(before + last), found)
    assert placed == (to_seconds(span.start + first), to_seconds(span.start + last))
