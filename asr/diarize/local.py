"""What segmentation and embedding make of one window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from asr.diarize.fbank import FRAME_STEP, FRAME_WINDOW, fbank
from asr.diarize.windows import FIELD, FRAME, FRAMES
from asr.types import Samples

N_LOCAL = 3
"""Speakers that the model tells apart in a window."""
_SETS = ((), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2))
"""Who talks in each class of the powerset."""
MEMBERS = np.array([[who in them for who in range(N_LOCAL)] for them in _SETS], np.float32)

LENGTHS = (200, 400)
"""Frames of 10 ms that an embedding is made of; a voice with fewer is heard more than once."""
_FEWEST = 25
"""0.25 s: of less speech no voice is known."""
_CLEAN = 50
"""0.5 s of one voice alone are better than more of it under another."""

Segment = Callable[[Samples], NDArray[np.float32]]
"""A window, (WINDOW,), to logits (FRAMES, 7)."""
Embed = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Features (one of LENGTHS, 80) to an embedding (192,)."""


@dataclass(frozen=True, slots=True, eq=False)
class Local:
    """A window's speakers: where it begins in frames of the call, how likely each talks, (FRAMES, N_LOCAL), and the
    voices, of unit length or all zeros where too little is heard of one, (N_LOCAL, width); `clean` are each one's
    seconds alone."""

    frame: int
    active: NDArray[np.float16] = field(repr=False)
    voices: NDArray[np.float32] = field(repr=False)
    clean: NDArray[np.float64] = field(repr=False)


def probabilities(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """How likely each speaker talks in each frame, (n, 3), of logits of the powerset's classes, (n, 7)."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True) @ MEMBERS, np.float32)


def hear(start: int, samples: Samples, speech: NDArray[np.bool_], segment: Segment, embed: Embed) -> Local:
    """A window that begins at sample `start`; `speech` are its frames, (FRAMES,), in which somebody talks."""
    logits = segment(samples)
    active = probabilities(logits)
    talking = MEMBERS[logits.argmax(axis=1)].astype(bool) & speech[:, None]
    features = fbank(samples)
    middle = np.arange(len(features)) * FRAME_STEP + FRAME_WINDOW // 2
    frame = np.clip((middle - FIELD // 2 + FRAME // 2) // FRAME, 0, FRAMES - 1)
    alone = (talking & (talking.sum(axis=1, keepdims=True) == 1))[frame]
    voices: list[NDArray[np.float32] | None] = []
    for who in range(N_LOCAL):
        own = features[alone[:, who]] if alone[:, who].sum() >= _CLEAN else features[talking[frame, who]]
        voices.append(_voice(own, embed) if len(own) >= _FEWEST else None)
    width = next((len(voice) for voice in voices if voice is not None), 1)
    known = np.stack([np.zeros(width, np.float32) if voice is None else voice for voice in voices])
    clean = alone.sum(axis=0) * (FRAME_STEP / 16_000)
    return Local(start // FRAME, (active * speech[:, None]).astype(np.float16), known, clean)


def _voice(features: NDArray[np.float32], embed: Embed) -> NDArray[np.float32]:
    """The voice in some frames, (n, 80): a length that fits, from their middle, repeated if they are fewer."""
    length = next((one for one in LENGTHS if len(features) <= one), LENGTHS[-1])
    skipped = max(0, len(features) - length) // 2
    taken = np.resize(features[skipped : skipped + length], (length, features.shape[1]))
    found = embed(np.ascontiguousarray(taken - taken.mean(axis=0)))
    return found / max(float(np.linalg.norm(found)), 1e-6)
