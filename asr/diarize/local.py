"""What segmentation and embedding make of one window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from asr.diarize.fbank import FRAME_STEP, FRAME_WINDOW, fbank
from asr.diarize.windows import FIELD, FRAME, FRAMES
from asr.spans import join, runs
from asr.timebase import to_samples, to_seconds
from asr.types import Samples, Span

N_LOCAL = 3
"""Speakers that the model tells apart in a window."""
_SETS = ((), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2))
"""Who talks in each class of the powerset."""
MEMBERS = np.array([[who in them for who in range(N_LOCAL)] for them in _SETS], np.float32)

LENGTH = 200
"""Frames of 10 ms that an embedding is made of; what has fewer is heard more than once."""
_PARTS = 2
"""Embeddings of one voice at most, whose mean stands for it: most voices last less than 2 s."""
_FEWEST = 25
"""0.25 s: of less speech no voice is known."""
_ALONE = 50
"""0.5 s of one voice alone are better than more of it under another."""
_SAME = 0.8
"""What two windows hold for a voice is one if so much of both together is in each: then one embedding serves both."""
_PAUSE = to_samples(0.3) // FRAME
"""Frames of the shortest pause in which the floor may pass to somebody else (asr.speakers). What segmentation holds for
one speaker on both sides of it is embedded apart: on telephone calls it was two for 5 % of the time."""

Segment = Callable[[Samples], NDArray[np.float32]]
"""A window, (WINDOW,), to logits (FRAMES, 7)."""
Embed = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Features (LENGTH, 80) to an embedding (192,)."""


@dataclass(frozen=True, slots=True, eq=False)
class Voice:
    """A run of frames of a window in which its speaker `local` talks: its embedding, of unit length, and for how many
    seconds."""

    local: int
    frames: Span
    embedding: NDArray[np.float32] = field(repr=False)
    talk_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Local:
    """A window: where it begins in frames of the call, how likely each of its speakers talks, (FRAMES, N_LOCAL), and
    their voices in the order in which they begin."""

    frame: int
    active: NDArray[np.float16] = field(repr=False)
    voices: tuple[Voice, ...]


def probabilities(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """How likely each speaker talks in each frame, (n, 3), of logits of the powerset's classes, (n, 7)."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True) @ MEMBERS, np.float32)


def hear(
    start: int, samples: Samples, speech: NDArray[np.bool_], segment: Segment, embed: Embed, before: Local | None
) -> Local:
    """A window that begins at sample `start`; `speech` are its frames, (FRAMES,), in which somebody talks.

    What `before`, the window before, has heard already is not embedded again: half of all that is said.
    """
    logits = segment(samples)
    talking = MEMBERS[logits.argmax(axis=1)].astype(bool) & speech[:, None]
    alone = talking & (talking.sum(axis=1, keepdims=True) == 1)
    features = fbank(samples)
    middle = np.arange(len(features)) * FRAME_STEP + FRAME_WINDOW // 2
    frame = np.clip((middle - FIELD // 2 + FRAME // 2) // FRAME, 0, FRAMES - 1)
    voices = []
    for local in range(N_LOCAL):
        for run in join(runs(talking[:, local]), _PAUSE):
            inside = (frame >= run.start) & (frame < run.stop)
            own, all_of_it = (inside & those[frame, local] for those in (alone, talking))
            taken = features[own if own.sum() >= _ALONE else all_of_it]
            if len(taken) >= _FEWEST:
                known = _known(before, start // FRAME, run)
                embedding = _embedded(taken, embed) if known is None else known
                voices.append(Voice(local, run, embedding, to_seconds(int(all_of_it.sum()) * FRAME_STEP)))
    active = (probabilities(logits) * speech[:, None]).astype(np.float16)
    return Local(start // FRAME, active, tuple(sorted(voices, key=lambda voice: voice.frames.start)))


def _known(before: Local | None, frame: int, run: Span) -> NDArray[np.float32] | None:
    """The embedding that the window before has of a run of the window that begins at `frame`, if it has one."""
    if before is None:
        return None
    shift = before.frame - frame
    for voice in before.voices:
        start, stop = voice.frames.start + shift, voice.frames.stop + shift
        if min(stop, run.stop) - max(start, run.start) > _SAME * (max(stop, run.stop) - min(start, run.start)):
            return voice.embedding
    return None


def _embedded(features: NDArray[np.float32], embed: Embed) -> NDArray[np.float32]:
    """The voice in some frames, (n, 80): in up to _PARTS times LENGTH of them from their middle, in equal parts, each
    filled up to LENGTH by being repeated."""
    most = _PARTS * LENGTH
    skipped = max(0, len(features) - most) // 2
    taken = features[skipped : skipped + most]
    parts = np.array_split(taken, -(-len(taken) // LENGTH))
    found = np.sum([unit(embed(_filled(part))) for part in parts], axis=0)
    return np.asarray(unit(found), np.float32)


def _filled(features: NDArray[np.float32]) -> NDArray[np.float32]:
    repeated = np.resize(features, (LENGTH, features.shape[1]))
    return np.ascontiguousarray(repeated - repeated.mean(axis=0))


def unit(vectors: NDArray[np.floating]) -> NDArray[np.floating]:
    """A vector, or each row of several, at length 1."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-6))
