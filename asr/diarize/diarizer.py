"""The default diarizer: windows of 10 s, their voices clustered over the call, and the windows put together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from asr.diarize.clustering import cluster
from asr.diarize.local import N_LOCAL, Embed, Local, Segment, hear
from asr.diarize.options import DiarizeOptions
from asr.diarize.types import Speaking
from asr.diarize.windows import FIELD, FRAME, FRAMES, frames_of, windows
from asr.timebase import to_samples, to_seconds
from asr.types import Samples, Span

_SURE_S = 1.0
"""Voices that are heard alone for less are not clustered: they go to the speaker whose voice is nearest."""
_CLOSED = to_samples(0.3)
"""A shorter pause within one speaker's talk is part of it; the detector of speech cuts out what is silent."""


class WindowDiarizer:
    """Diarization by windows: segmentation tells who talks with whom, embeddings who is who."""

    def __init__(self, segment: Segment, embed: Embed, options: DiarizeOptions) -> None:
        self._segment = segment
        self._embed = embed
        self._options = options

    def diarize(self, sound: Iterable[Samples], speech: Sequence[Span]) -> tuple[Speaking, ...]:
        """See Diarizer.diarize."""
        found = self.listen(sound, speech)
        return put_together(found, speech, self._options)

    def listen(self, sound: Iterable[Samples], speech: Sequence[Span]) -> list[Local]:
        """What is heard in each window that holds some speech."""
        step = round(to_samples(self._options.step_s) / FRAME) * FRAME
        heard = []
        for start, samples in windows(sound, step):
            talked = frames_of(start, FRAMES, speech)
            if talked.any():
                heard.append(hear(start, samples, talked, self._segment, self._embed))
        return heard


def put_together(heard: Sequence[Local], speech: Sequence[Span], options: DiarizeOptions) -> tuple[Speaking, ...]:
    """Windows to who talks when in a call."""
    if not heard:
        return ()
    speakers = speakers_of(heard, options)
    activity = _activity(heard, speakers)
    talking = _heard_enough(activity > options.active, options.min_speaker_s, activity)
    found: list[Speaking] = []
    for who in range(talking.shape[1]):
        spans = _within(_closed(_runs(talking[:, who])), speech)
        found.extend(Speaking(span, who) for span in spans)
    return _numbered(sorted(found, key=lambda one: (one.span.start, one.span.stop, one.speaker)))


def speakers_of(heard: Sequence[Local], options: DiarizeOptions) -> NDArray[np.int64]:
    """The speaker of each window's voices, (n_windows, N_LOCAL), -1 where none is heard."""
    voices = np.concatenate([one.voices for one in heard if one.voices.shape[1] > 1] or [np.zeros((0, 1), np.float32)])
    places = np.repeat(np.array([at for at, one in enumerate(heard) if one.voices.shape[1] > 1], np.int64), N_LOCAL)
    clean = np.concatenate([one.clean for one in heard if one.voices.shape[1] > 1] or [np.zeros(0)])
    known = voices.any(axis=1)
    sure = known & (clean >= _SURE_S)
    sure = sure if sure.any() else known
    result = np.full((len(heard), N_LOCAL), -1, np.int64)
    if not sure.any():
        return result
    labels = np.full(len(voices), -1, np.int64)
    labels[sure] = cluster(voices[sure], places[sure], options.same_voice, options.apart, options.bounds)
    n_speakers = int(labels.max()) + 1
    means = np.stack([voices[labels == who].mean(axis=0) for who in range(n_speakers)])
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-6)
    likeness = voices @ means.T
    for at in np.flatnonzero(known & ~sure):
        taken = labels[(places == places[at]) & (labels >= 0)]
        own = likeness[at].copy()
        own[taken] -= options.apart
        labels[at] = int(own.argmax())
    rows = np.flatnonzero([one.voices.shape[1] > 1 for one in heard])
    result[rows] = labels.reshape(-1, N_LOCAL)
    return result


def _activity(heard: Sequence[Local], speakers: NDArray[np.int64]) -> NDArray[np.float32]:
    """How likely each speaker talks in each frame of the call, the mean over its windows: (n_frames, n_speakers)."""
    n_frames = max(one.frame for one in heard) + FRAMES
    n_speakers = max(int(speakers.max()) + 1, 1)
    summed = np.zeros((n_frames, n_speakers), np.float32)
    weights = np.zeros((n_frames, 1), np.float32)
    # What lies at a window's ends has less around it by which to judge.
    weight = np.hamming(FRAMES).astype(np.float32)[:, None]
    for one, whose in zip(heard, speakers, strict=True):
        span = slice(one.frame, one.frame + FRAMES)
        weights[span] += weight
        own = np.zeros((FRAMES, n_speakers), np.float32)
        for local, who in enumerate(whose):
            # Of a voice that is not known there is one speaker at least, whoever it is.
            if who >= 0:
                own[:, who] = np.maximum(own[:, who], one.active[:, local])
        summed[span] += own * weight
    return summed / np.maximum(weights, 1e-6)


def _heard_enough(
    talking: NDArray[np.bool_], least_s: float, activity: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """The same with the talk of those who say next to nothing given to whoever else is likeliest there."""
    seconds = talking.sum(axis=0) * to_seconds(FRAME)
    few = np.flatnonzero(seconds < least_s)
    rest = np.flatnonzero(seconds >= least_s)
    if not len(rest):
        return talking
    kept = talking.copy()
    for who in few:
        lost = np.flatnonzero(talking[:, who] & ~talking[:, rest].any(axis=1))
        if len(lost):
            kept[lost, rest[_nearest(talking[:, rest], activity[:, rest], lost)]] = True
        kept[:, who] = False
    return kept


def _nearest(talking: NDArray[np.bool_], activity: NDArray[np.float32], lost: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each lost frame, who of the others talks nearest in time."""
    distance = np.full((len(lost), talking.shape[1]), np.inf)
    for who in range(talking.shape[1]):
        at = np.flatnonzero(talking[:, who])
        if len(at):
            after = np.clip(np.searchsorted(at, lost), 0, len(at) - 1)
            before = np.clip(after - 1, 0, len(at) - 1)
            distance[:, who] = np.minimum(np.abs(at[after] - lost), np.abs(at[before] - lost))
    return np.asarray((distance - activity[lost]).argmin(axis=1), np.int64)


def _runs(talking: NDArray[np.bool_]) -> list[Span]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], talking, [False]]).astype(np.int8)))
    shift = FIELD // 2 - FRAME // 2
    return [Span(int(a) * FRAME + shift, int(b) * FRAME + shift) for a, b in edges.reshape(-1, 2)]


def _closed(spans: Sequence[Span]) -> list[Span]:
    closed: list[Span] = []
    for span in spans:
        if closed and span.start - closed[-1].stop < _CLOSED:
            closed[-1] = Span(closed[-1].start, span.stop)
        else:
            closed.append(span)
    return closed


def _within(spans: Sequence[Span], speech: Sequence[Span]) -> list[Span]:
    """What of the spans lies in speech."""
    cut = [Span(max(a.start, b.start), min(a.stop, b.stop)) for a in spans for b in speech]
    return [span for span in cut if span.start < span.stop]


def _numbered(found: Sequence[Speaking]) -> tuple[Speaking, ...]:
    """Speakers numbered in the order in which they are first heard."""
    numbers: dict[int, int] = {}
    for one in found:
        numbers.setdefault(one.speaker, len(numbers))
    return tuple(Speaking(one.span, numbers[one.speaker]) for one in found)
