"""The second pass over a recording: every chunk holds the samples of its spans."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from asr.cutting import cut_chunks
from asr.decode import identify
from asr.errors import SkippableError
from asr.files.options import DecodeOptions
from asr.resample import resample
from asr.types import Channel, Chunk, Recording, Span

RATE_HZ = 8_000
LENGTH_S = 20


@pytest.fixture(scope="module")
def noise() -> NDArray[np.float32]:
    """Both channels of a recording, (2, n)."""
    samples = 0.1 * np.random.default_rng(5).standard_normal((2, LENGTH_S * RATE_HZ))
    return samples.astype(np.float32)


@pytest.fixture(scope="module")
def recording(noise: NDArray[np.float32], tmp_path_factory: pytest.TempPathFactory) -> Recording:
    path = tmp_path_factory.mktemp("cutting") / "noise.wav"
    soundfile.write(path, noise.T, RATE_HZ, subtype="FLOAT")
    return identify(path)


@st.composite
def plans(draw: st.DrawFn) -> list[Chunk]:
    """A channel's chunks in time order, some of which share samples."""
    points = sorted(draw(st.sets(st.integers(0, LENGTH_S * 16_000), min_size=0, max_size=14)))
    spans = [Span(a, b) for a, b in zip(points[::2], points[1::2], strict=False)]
    chunks, at = [], 0
    while at < len(spans):
        size = draw(st.integers(1, 3))
        chunks.append(Chunk(Channel.AGENT, tuple(spans[at : at + size])))
        at += size
        overlap = min(draw(st.integers(0, 8_000)), len(chunks[-1].spans[-1]))
        if at < len(spans) and overlap:
            first = Span(chunks[-1].spans[-1].stop - overlap, spans[at].stop)
            spans[at] = first
    return chunks


@settings(max_examples=60)
@given(both=st.tuples(plans(), plans()))
def test_every_chunk_is_its_spans_end_to_end(
    noise: NDArray[np.float32], recording: Recording, both: tuple[list[Chunk], list[Chunk]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("asr.files.readers._BLOCK_S", 1.3)
        found = {
            (channel, number): samples for channel, number, samples in cut_chunks(recording, both, DecodeOptions())
        }
    assert set(found) == {(channel, number) for channel in (0, 1) for number in range(len(both[channel]))}
    for (channel, number), samples in found.items():
        whole = resample(noise[channel], RATE_HZ)
        spans = both[channel][number].spans
        assert np.array_equal(samples, np.concatenate([whole[span.start : span.stop] for span in spans]))


def test_the_file_is_not_opened_for_nothing() -> None:
    missing = Recording("0" * 64, Path("missing.wav"), 1)
    assert list(cut_chunks(missing, [[], []], DecodeOptions())) == []


def test_a_file_that_became_shorter_is_refused(recording: Recording) -> None:
    beyond = Chunk(Channel.AGENT, (Span(0, LENGTH_S * 16_000 + 16_000),))
    with pytest.raises(SkippableError, match=r"noise\.wav changed while it was read"):
        list(cut_chunks(recording, [[beyond], []], DecodeOptions()))
