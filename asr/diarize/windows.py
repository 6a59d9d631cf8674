"""A channel cut into windows, and the frames into which segmentation divides them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from asr.types import Samples, Span

WINDOW = 160_000
"""Samples of a window, 10 s, as in the model's training."""
FRAME = 270
"""Samples from one frame to the next: SincNet's stride of 10, and three poolings by 3."""
FIELD = 991
"""Samples that one frame sees."""
FRAMES = 589
"""Frames in a window."""


def windows(sound: Iterable[Samples], step: int) -> Iterator[tuple[int, Samples]]:
    """Where each window begins, and its samples, (WINDOW,), the last one filled up with zeros.

    Only a window's worth of the sound and a block of it are held at a time. `step` is in samples.
    """
    held: Samples = np.zeros(0, np.float32)
    at = 0
    for block in sound:
        held = np.concatenate([held, block])
        used = 0
        while len(held) - used >= WINDOW:
            yield at, held[used : used + WINDOW]
            used += step
            at += step
        held = held[used:].copy()
    # What the window before has seen whole needs no window of its own.
    if len(held) > (WINDOW - step if at else 0):
        yield at, np.pad(held, (0, WINDOW - len(held)))


def frames_of(start: int, n_frames: int, spans: Sequence[Span]) -> NDArray[np.bool_]:
    """Which frames, counted from one that begins at sample `start`, have their middle in one of the spans."""
    marked = np.zeros(n_frames, bool)
    first = start + FIELD // 2
    for span in spans:
        low, high = ((at - first + FRAME - 1) // FRAME for at in (span.start, span.stop))
        marked[max(low, 0) : max(high, 0)] = True
    return marked
