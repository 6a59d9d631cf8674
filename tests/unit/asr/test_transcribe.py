"""Chunks of many recordings through one engine."""

from __future__ import annotations

import numpy as np
import pytest

from asr.engines.scripted import ScriptedEngine
from asr.timebase import to_samples
from asr.transcribe import transcribe
from asr.types import Channel, Chunk, Hypothesis, Samples, Span, Word


def _chunk(name: int, seconds: float) -> Chunk:
    """A chunk whose samples are its name."""
    span = Span(0, to_samples(seconds))
    return Chunk(Channel.AGENT, (span,), np.full(len(span), name, np.float32))


def _name(samples: Samples) -> Hypothesis:
    return Hypothesis((Word(str(int(samples[0])), 0.0, 0.1, 1.0),), "en", 0.0, 0.0, 1.0, 0.0)


def test_answers_come_in_the_order_of_the_chunks_whatever_their_lengths() -> None:
    engine = ScriptedEngine(_name)
    chunks = [_chunk(i, seconds) for i, seconds in enumerate((1, 5, 2, 9, 3))]
    heard = transcribe(chunks, engine, 2, lambda seconds: None)
    assert [h.words[0].text for h in heard] == ["0", "1", "2", "3", "4"]
    assert engine.batch_sizes == [2, 2, 1]


def test_batches_hold_chunks_of_like_length_and_progress_tells_their_seconds() -> None:
    told: list[float] = []
    chunks = [_chunk(i, seconds) for i, seconds in enumerate((1, 9, 2, 8))]
    transcribe(chunks, ScriptedEngine(_name), 2, told.append)
    assert told == [17.0, 3.0]


def test_no_chunks_make_no_batch() -> None:
    engine = ScriptedEngine(_name)
    assert transcribe([], engine, 8, lambda seconds: None) == []
    assert engine.batch_sizes == []


def test_an_engine_that_answers_too_little_is_found_out() -> None:
    class Deaf(ScriptedEngine):
        def transcribe(self, batch: object) -> list[Hypothesis]:
            return []

    with pytest.raises(ValueError, match="zip"):
        transcribe([_chunk(0, 1)], Deaf(_name), 8, lambda seconds: None)
