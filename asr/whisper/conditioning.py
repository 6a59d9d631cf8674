"""Chunks that are told what was said in the chunk before: in which rounds they are heard, and what each is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from asr.types import Hypothesis

_MAX_TEMPERATURE = 0.5
"""What was sampled hotter is not passed on: one invented text leads to another (openai/whisper, transcribe.py)."""


def in_rounds(
    n_chunks: int, after: Sequence[int | None], hear: Callable[[list[int], list[str]], list[Hypothesis]]
) -> list[Hypothesis]:
    """What is heard in each of so many chunks, in order; all that can be heard at once is.

    `after` holds for each chunk the index of the one before it, or None; empty, no chunk follows another. `hear` is
    given indices of chunks, and the text before each, empty where there is none. Raises ValueError for an `after` of
    another length, of a chunk that is not there, or that goes round in a circle.
    """
    linked = list(after) or [None] * n_chunks
    if len(linked) != n_chunks:
        raise ValueError(f"after is of {len(linked)} chunks, the batch of {n_chunks}: give one entry a chunk")
    heard: dict[int, Hypothesis] = {}
    for ready in _rounds(linked):
        before = ["" if (at := linked[index]) is None else _passed_on(heard[at]) for index in ready]
        heard.update(zip(ready, hear(ready, before), strict=True))
    return [heard[index] for index in range(n_chunks)]


def _rounds(after: Sequence[int | None]) -> Iterator[list[int]]:
    """Indices of chunks, a round at a time: first those that follow none, then those that follow them, and so on."""
    done: set[int | None] = {None}
    left = list(range(len(after)))
    while left:
        ready = [index for index in left if after[index] in done]
        if not ready:
            raise ValueError(f"chunks {left} follow each other in a circle, or one that is not there")
        yield ready
        done.update(ready)
        left = [index for index in left if index not in done]


def _passed_on(heard: Hypothesis) -> str:
    """What the next chunk is told: the text, or nothing after silence and after a hot sample."""
    return "" if heard.temperature > _MAX_TEMPERATURE else " ".join(word.text for word in heard.words)
