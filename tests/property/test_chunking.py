"""Speech spans, padding, regions and chunks of random channels."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from asr.chunking import chunk, cut
from asr.options import ChunkOptions, VadOptions
from asr.regions import Speech, find_speech, typed_regions
from asr.spans import join, pad
from asr.timebase import ms_to_samples, to_samples, to_seconds
from asr.types import Channel, RegionKind, Span
from asr.vad import WINDOW, speech_spans

VAD_OPTIONS = st.builds(
    VadOptions,
    threshold=st.sampled_from((0.1, 0.5, 0.9)),
    hysteresis=st.sampled_from((0.0, 0.15, 0.5)),
    min_speech_ms=st.sampled_from((0, 250, 1_000)),
    min_silence_ms=st.sampled_from((0, 100, 2_000)),
    pad_ms=st.sampled_from((0, 30, 250, 1_000)),
)


@st.composite
def chunk_options(draw: st.DrawFn) -> ChunkOptions:
    max_chunk_s = draw(st.sampled_from((1.5, 2.0, 5.0, 30.0)))
    overlap_s = draw(st.sampled_from((0.0, 0.1, 0.5))) * max_chunk_s
    pause_ms = draw(st.sampled_from((32, 100, 500)))
    return ChunkOptions(max_chunk_s=max_chunk_s, overlap_s=min(overlap_s, 14.9), cut_pause_ms=pause_ms)


@st.composite
def channels(draw: st.DrawFn) -> tuple[NDArray[np.float32], int]:
    """Window probabilities in runs, as speech and pauses are, and the number of samples that they cover."""
    runs = draw(st.lists(st.tuples(st.sampled_from((0.0, 0.2, 0.4, 0.6, 1.0)), st.integers(1, 120)), max_size=25))
    probabilities = np.array([level for level, length in runs for _ in range(length)], np.float32)
    missing = draw(st.integers(0, WINDOW - 1)) if len(probabilities) else 0
    return probabilities, len(probabilities) * WINDOW - missing


def _ordered_and_apart(spans: tuple[Span, ...], n_samples: int) -> bool:
    apart = all(before.stop <= after.start for before, after in pairwise(spans))
    return apart and all(0 <= span.start < span.stop <= n_samples for span in spans)


@given(channels(), VAD_OPTIONS, st.sampled_from((0, 100, 2_000)))
def test_speech_is_ordered_disjoint_and_inside_the_channel(
    channel: tuple[NDArray[np.float32], int], options: VadOptions, min_silence_ms: int
) -> None:
    probabilities, n_samples = channel
    spans = speech_spans(probabilities, n_samples, min_silence_ms, options)
    assert _ordered_and_apart(spans, n_samples)
    assert all(len(span) >= ms_to_samples(options.min_speech_ms) for span in spans)
    assert all(probabilities[span.start // WINDOW] >= np.float32(options.threshold) for span in spans)


@given(channels(), VAD_OPTIONS)
def test_without_a_least_length_every_window_over_the_threshold_is_speech(
    channel: tuple[NDArray[np.float32], int], options: VadOptions
) -> None:
    probabilities, n_samples = channel
    every = options.model_copy(update={"min_speech_ms": 0})
    spans = speech_spans(probabilities, n_samples, 100, every)
    for index in np.flatnonzero(probabilities >= options.threshold):
        assert any(span.start <= index * WINDOW < span.stop for span in spans)


@given(channels(), st.integers(0, 40_000), st.integers(0, 20_000))
def test_joining_closes_short_gaps_alone_and_padding_never_overlaps(
    channel: tuple[NDArray[np.float32], int], max_gap: int, pad_samples: int
) -> None:
    probabilities, n_samples = channel
    spans = speech_spans(probabilities, n_samples, 100, VadOptions(min_speech_ms=0))
    joined = join(spans, max_gap)
    assert all(after.start - before.stop >= max_gap for before, after in pairwise(joined))
    assert all(any(j.start <= s.start and s.stop <= j.stop for j in joined) for s in spans)
    padded = pad(joined, pad_samples, n_samples)
    assert _ordered_and_apart(padded, n_samples)
    for bare, wide in zip(joined, padded, strict=True):
        assert 0 <= bare.start - wide.start <= pad_samples
        assert 0 <= wide.stop - bare.stop <= pad_samples


@given(channels(), VAD_OPTIONS, chunk_options())
def test_typed_regions_tile_the_channel(
    channel: tuple[NDArray[np.float32], int], vad: VadOptions, options: ChunkOptions
) -> None:
    probabilities, n_samples = channel
    regions = typed_regions(find_speech(probabilities, n_samples, vad, options), Channel.AGENT)
    bounds = [region.start_s for region in regions] + [to_seconds(n_samples)]
    assert bounds[0] == 0.0
    assert [region.end_s for region in regions] == bounds[1:]
    assert all(region.start_s < region.end_s for region in regions)
    # Two speech regions touch when padding fills the pause between them; silences never do.
    kinds = [region.kind for region in regions]
    assert not any(one == other == RegionKind.SILENCE for one, other in pairwise(kinds))


@given(channels(), VAD_OPTIONS, chunk_options())
def test_bursts_lie_in_regions_and_regions_hold_bursts(
    channel: tuple[NDArray[np.float32], int], vad: VadOptions, options: ChunkOptions
) -> None:
    probabilities, n_samples = channel
    speech = find_speech(probabilities, n_samples, vad, options)
    assert _ordered_and_apart(speech.regions, n_samples)
    assert _ordered_and_apart(speech.bursts, n_samples)
    assert all(any(r.start <= b.start and b.stop <= r.stop for r in speech.regions) for b in speech.bursts)
    assert all(any(r.start <= b.start and b.stop <= r.stop for b in speech.bursts) for r in speech.regions)


@settings(deadline=None)
@given(channels(), VAD_OPTIONS, chunk_options())
def test_chunks_hold_every_sample_of_speech_in_order_and_within_the_limit(
    channel: tuple[NDArray[np.float32], int], vad: VadOptions, options: ChunkOptions
) -> None:
    probabilities, n_samples = channel
    speech = find_speech(probabilities, n_samples, vad, options)
    chunks = chunk(speech, Channel.CUSTOMER, options)
    heard: list[int] = []
    for found in chunks:
        indices = [i for span in found.spans for i in range(span.start, span.stop)]
        assert len(found) == len(indices) <= to_samples(options.max_chunk_s)
        assert all(before < after for before, after in pairwise(indices))
        assert heard[len(heard) - found.overlap :] == indices[: found.overlap] or not found.overlap
        heard += indices[found.overlap :]
    speech_indices = [i for region in speech.regions for i in range(region.start, region.stop)]
    assert heard == speech_indices


@given(channels(), chunk_options())
def test_pieces_overlap_only_where_there_is_no_pause(
    channel: tuple[NDArray[np.float32], int], options: ChunkOptions
) -> None:
    probabilities, n_samples = channel
    if n_samples == 0:
        return
    region = Span(0, n_samples)
    speech = find_speech(probabilities, n_samples, VadOptions(min_speech_ms=0), options)
    limit, least = to_samples(options.max_chunk_s), ms_to_samples(options.cut_pause_ms)
    pieces = cut(region, speech.bursts, options)
    pauses = [(a.stop, b.start) for a, b in pairwise(speech.bursts) if b.start - a.stop >= least]
    for before, after in pairwise(pieces):
        assert after.span.start == before.span.stop - after.overlap
        reach = (before.span.start + limit // 2, before.span.start + limit)
        inside = [pause for pause in pauses if reach[0] <= sum(pause) // 2 < reach[1]]
        if inside:
            assert after.overlap == 0
            assert any(start < before.span.stop <= stop for start, stop in inside)
        else:
            assert after.overlap == to_samples(options.overlap_s)
            assert len(before.span) == limit


def test_speech_that_fits_is_one_chunk_whatever_pauses_it_has() -> None:
    speech = Speech((Span(0, 16_000), Span(64_000, 80_000)), (Span(0, 16_000), Span(64_000, 80_000)), 80_000)
    chunks = chunk(speech, Channel.AGENT, ChunkOptions())
    assert [found.spans for found in chunks] == [speech.regions]
