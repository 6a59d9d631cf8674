"""Chunks of many recordings through one engine, in batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from asr.engines.base import Engine
from asr.timebase import to_seconds
from asr.types import Chunk, Hypothesis


def transcribe(
    chunks: Sequence[Chunk], engine: Engine, batch_size: int, on_batch: Callable[[float], None]
) -> list[Hypothesis]:
    """What was heard in each chunk, in the order given.

    Chunks are batched by length, whatever call and channel they come from: a batch takes as long as its
    longest text. `on_batch` is told the seconds of audio in each batch once it is done.
    """
    order = sorted(range(len(chunks)), key=lambda index: len(chunks[index].samples), reverse=True)
    heard: dict[int, Hypothesis] = {}
    for first in range(0, len(order), batch_size):
        batch = order[first : first + batch_size]
        heard.update(zip(batch, engine.transcribe([chunks[i].samples for i in batch]), strict=True))
        on_batch(to_seconds(sum(len(chunks[i].samples) for i in batch)))
    return [heard[index] for index in range(len(chunks))]
