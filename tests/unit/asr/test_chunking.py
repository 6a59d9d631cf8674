"""Speech cut into chunks: the cases worth seeing."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from asr.chunking import chunk, cut
from asr.options import ChunkOptions
from asr.regions import Speech
from asr.types import Channel, Span

SECOND = 16_000


def test_a_long_region_is_cut_in_the_longest_pause_of_the_second_half() -> None:
    bursts = (
        Span(0, 10 * SECOND),
        Span(12 * SECOND, 20 * SECOND),
        Span(int(20.5 * SECOND), 25 * SECOND),
        Span(26 * SECOND, 40 * SECOND),
    )
    pieces = cut(Span(0, 40 * SECOND), bursts, ChunkOptions())
    assert [(piece.span.stop / SECOND, piece.overlap) for piece in pieces] == [(25.5, 0), (40, 0)]


def test_unbroken_speech_is_cut_with_an_overlap() -> None:
    whole = Span(0, 70 * SECOND)
    speech = Speech((whole,), (whole,), len(whole))
    chunks = chunk(speech, Channel.AGENT, ChunkOptions())
    assert [(c.spans[0].start / SECOND, c.spans[0].stop / SECOND, c.overlap / SECOND) for c in chunks] == [
        (0, 30, 0),
        (27, 57, 3),
        (54, 70, 3),
    ]


def test_no_speech_gives_no_chunks() -> None:
    assert chunk(Speech((), (), 100), Channel.AGENT, ChunkOptions()) == ()


def test_an_overlap_that_would_never_get_on_is_refused() -> None:
    with pytest.raises(ValidationError, match="overlap_s 3 is over half of max_chunk_s 5"):
        ChunkOptions(max_chunk_s=5.0, overlap_s=3.0)
    ChunkOptions(max_chunk_s=6.0, overlap_s=3.0)
