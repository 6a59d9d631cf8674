"""Pauses taken out of speech: nothing of them is heard, and all else is."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from asr.chunking import chunk
from asr.options import ChunkOptions
from asr.regions import Speech, typed_regions, without
from asr.timebase import covering, to_seconds
from asr.types import Channel, RegionKind, Span

LENGTH = 160_000
OPTIONS = ChunkOptions(max_chunk_s=2.0, overlap_s=0.25)
SPAN = st.tuples(st.integers(0, LENGTH - 1), st.integers(1, LENGTH)).map(lambda ends: Span(ends[0], sum(ends)))


@st.composite
def speeches(draw: st.DrawFn) -> Speech:
    """Regions, each with bursts inside it, on a channel of 10 s."""
    ends = sorted(draw(st.sets(st.integers(0, LENGTH), min_size=0, max_size=12)))
    regions = tuple(Span(a, b) for a, b in zip(ends[::2], ends[1::2], strict=False))
    bursts = []
    for region in regions:
        cuts = sorted(draw(st.sets(st.integers(region.start, region.stop), max_size=8)))
        bursts += [Span(a, b) for a, b in zip(cuts[::2], cuts[1::2], strict=False)]
    return Speech(regions, tuple(bursts), LENGTH)


def samples_of(spans: object, length: int = 2 * LENGTH) -> np.ndarray:
    held = np.zeros(length, bool)
    for span in spans:  # type: ignore[attr-defined]
        held[span.start : span.stop] = True
    return held


@given(speeches(), st.lists(SPAN, max_size=6))
def test_no_sample_of_a_pause_is_in_a_chunk_or_speech_region_and_all_others_are(
    speech: Speech, pauses: list[Span]
) -> None:
    left = without(speech, pauses)
    wanted = samples_of(speech.regions) & ~samples_of(pauses)
    assert (samples_of(left.regions) == wanted).all()
    assert (samples_of(left.bursts) == (samples_of(speech.bursts) & ~samples_of(pauses))).all()
    chunks = chunk(left, Channel.AGENT, OPTIONS)
    assert (samples_of([span for one in chunks for span in one.spans]) == wanted).all()
    regions = [region for region in typed_regions(left, Channel.AGENT) if region.kind is RegionKind.SPEECH]
    for pause in pauses:
        start_s, end_s = to_seconds(pause.start), to_seconds(pause.stop)
        assert all(region.end_s <= start_s or region.start_s >= end_s for region in regions)


@given(speeches(), st.lists(SPAN, max_size=6))
def test_what_is_left_is_in_order_and_taking_it_out_twice_changes_nothing(speech: Speech, pauses: list[Span]) -> None:
    left = without(speech, pauses)
    bounds = [at for region in left.regions for at in (region.start, region.stop)]
    assert bounds == sorted(bounds)
    assert all(region.start < region.stop for region in left.regions)
    assert without(left, reversed(pauses)) == left
    assert without(speech, []) == speech


@given(st.integers(0, 10**9), st.integers(1, 10**7))
def test_a_pause_in_milliseconds_covers_just_its_samples(start_ms: int, length_ms: int) -> None:
    stop_ms = start_ms + length_ms
    span = covering(start_ms / 1000, stop_ms / 1000)
    start, stop = (Fraction(ms, 1000) * 16_000 for ms in (start_ms, stop_ms))
    assert (span.start, span.stop) == (start, stop)  # a millisecond is 16 samples


@given(st.floats(0, 1e5), st.floats(1e-3, 1e4))
def test_a_pause_of_any_length_leaves_no_sample_of_it_out(start_s: float, length_s: float) -> None:
    end_s = start_s + length_s
    span = covering(start_s, end_s)
    slack = Fraction(1, 10**5)
    assert span.start <= Fraction(start_s) * 16_000 + slack < span.start + 1 + 2 * slack
    assert span.stop - 1 - 2 * slack < Fraction(end_s) * 16_000 - slack <= span.stop
