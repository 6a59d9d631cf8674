"""The default diarizer: windows of 10 s, their voices clustered over the call, and the windows put together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from asr.diarize.clustering import Rule, cluster, is_one, without_brief
from asr.diarize.local import N_LOCAL, Embed, Local, Segment, Voice, hear, unit
from asr.diarize.options import DiarizeOptions
from asr.diarize.types import Speaking
from asr.diarize.windows import FIELD, FRAME, FRAMES, frames_of, windows
from asr.spans import join, runs
from asr.timebase import to_samples, to_seconds
from asr.types import Samples, Span

_CLOSED = to_samples(0.3) // FRAME
"""Frames of a pause: a shorter one within one speaker's talk is part of it."""


class WindowDiarizer:
    """Diarization by windows: segmentation tells who talks with whom, embeddings who is who."""

    def __init__(self, segment: Segment, embed: Embed, options: DiarizeOptions) -> None:
        self._segment = segment
        self._embed = embed
        self._options = options

    def diarize(self, sound: Iterable[Samples], speech: Sequence[Span], *, shared: bool = True) -> tuple[Speaking, ...]:
        """See Diarizer.diarize."""
        options = self._options if shared else self._options.of_one_side()
        return put_together(self.listen(sound, speech), speech, options)

    def listen(self, sound: Iterable[Samples], speech: Sequence[Span]) -> list[Local]:
        """What is heard in each window that holds some speech."""
        step = round(to_samples(self._options.step_s) / FRAME) * FRAME
        heard: list[Local] = []
        for start, samples in windows(sound, step):
            talked = frames_of(start, FRAMES, speech)
            if talked.any():
                before = heard[-1] if heard else None
                heard.append(hear(start, samples, talked, self._segment, self._embed, before))
        return heard


def put_together(heard: Sequence[Local], speech: Sequence[Span], options: DiarizeOptions) -> tuple[Speaking, ...]:
    """Windows to who talks when in a call."""
    speakers = speakers_of(heard, options)
    if not len(speakers):
        return ()
    activity = _activity(heard, speakers)
    talking = _without_strays(activity > options.active, options)
    found: list[Speaking] = []
    for who in range(talking.shape[1]):
        spans = [_samples(run) for run in join(runs(talking[:, who]), _CLOSED)]
        found.extend(Speaking(span, who) for span in within(spans, speech))
    return numbered(sorted(found, key=lambda one: (one.span.start, one.span.stop, one.speaker)))


def speakers_of(heard: Sequence[Local], options: DiarizeOptions) -> NDArray[np.int64]:
    """The speaker of each voice of all windows, in their order: (n_voices,)."""
    voices = [(at, voice) for at, window in enumerate(heard) for voice in window.voices]
    if not voices:
        return np.zeros(0, np.int64)
    embeddings = np.stack([voice.embedding for _, voice in voices])
    windows = np.array([(at, voice.local) for at, voice in voices])
    talk_s = np.array([voice.talk_s for _, voice in voices])
    sure = talk_s >= min(options.sure_s, talk_s.max())
    least, most = options.bounds
    rule = Rule(options.same_voice, options.one_voice, options.apart, options.together, least, most)
    labels = np.full(len(voices), -1)
    found = cluster(embeddings[sure], windows[sure], rule)
    labels[sure] = without_brief(embeddings[sure], found, talk_s[sure], options.third_voice_s, max(least, 2))
    if labels.max() == 1 and least < 2 and is_one(embeddings[sure], labels[sure], talk_s[sure], options.alone_voice):
        labels[sure] = 0
    members = np.eye(int(labels.max()) + 1)[labels[sure]] * talk_s[sure, None]
    likeness = embeddings @ unit(members.T @ embeddings[sure]).T
    for at in np.flatnonzero(~sure):
        own = likeness[at].copy()
        # What the segmentation holds for the same speaker, or for another, of those already known.
        beside = np.flatnonzero(sure & (windows[:, 0] == windows[at, 0]))
        for other in beside:
            own[labels[other]] += options.together if windows[other, 1] == windows[at, 1] else -options.apart
        labels[at] = int(own.argmax())
    return labels


def _activity(heard: Sequence[Local], speakers: NDArray[np.int64]) -> NDArray[np.float32]:
    """How likely each speaker talks in each frame of the call, the mean over its windows: (n_frames, n_speakers)."""
    n_frames = max(one.frame for one in heard) + FRAMES
    n_speakers = int(speakers.max()) + 1
    summed = np.zeros((n_frames, n_speakers), np.float32)
    weights = np.full((n_frames, 1), 1e-6, np.float32)
    # What lies at a window's ends has less around it by which to judge.
    weight = np.hamming(FRAMES).astype(np.float32)[:, None]
    at = 0
    for one in heard:
        whose = speakers[at : at + len(one.voices)]
        at += len(one.voices)
        span = slice(one.frame, one.frame + FRAMES)
        weights[span] += weight
        own = np.zeros((FRAMES, n_speakers), np.float32)
        for local in range(N_LOCAL):
            for frames, who in _shares(one.voices, whose, local):
                part = slice(frames.start, frames.stop)
                own[part, who] = np.maximum(own[part, who], one.active[part, local])
        summed[span] += own * weight
    return summed / weights


def _shares(voices: Sequence[Voice], whose: NDArray[np.int64], local: int) -> list[tuple[Span, int]]:
    """All of a window's frames divided among a local speaker's voices, half-way between each and the next."""
    own = [(voice.frames, int(who)) for voice, who in zip(voices, whose, strict=True) if voice.local == local]
    cuts = [0, *((a.stop + b.start) // 2 for (a, _), (b, _) in pairwise(own)), FRAMES]
    return [(Span(*ends), who) for ends, (_, who) in zip(pairwise(cuts), own, strict=False)]


def _without_strays(talking: NDArray[np.bool_], options: DiarizeOptions) -> NDArray[np.bool_]:
    """The same with the talk of those who say next to nothing in the call given to whoever talks nearest in time."""
    seconds = talking.sum(axis=0) * to_seconds(FRAME)
    rest = np.flatnonzero(seconds >= options.min_speaker_s)
    few = np.flatnonzero(seconds < options.min_speaker_s)
    if len(rest) < max(options.bounds[0], 1):
        return talking
    kept = talking.copy()
    lost = np.flatnonzero(talking[:, few].any(axis=1) & ~talking[:, rest].any(axis=1))
    if len(lost):
        kept[lost, rest[_nearest(talking[:, rest], lost)]] = True
    kept[:, few] = False
    return kept


def _nearest(talking: NDArray[np.bool_], lost: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each of some frames, who talks nearest in time."""
    distances = []
    for column in talking.T:
        at = np.flatnonzero(column)
        after = np.clip(np.searchsorted(at, lost), 0, len(at) - 1)
        before = np.maximum(after - 1, 0)
        distances.append(np.minimum(np.abs(at[after] - lost), np.abs(at[before] - lost)))
    return np.asarray(np.argmin(distances, axis=0), np.int64)


def _samples(frames: Span) -> Span:
    """Frames of the call as samples: each stands for what is around its middle."""
    shift = FIELD // 2 - FRAME // 2
    return Span(frames.start * FRAME + shift, frames.stop * FRAME + shift)


def within(spans: Sequence[Span], speech: Sequence[Span]) -> list[Span]:
    """What of the spans lies in speech; both in order."""
    found: list[Span] = []
    at = 0
    for span in spans:
        while at < len(speech) and speech[at].stop <= span.start:
            at += 1
        for one in speech[at:]:
            if one.start >= span.stop:
                break
            found.append(Span(max(span.start, one.start), min(span.stop, one.stop)))
    return found


def numbered(found: Sequence[Speaking]) -> tuple[Speaking, ...]:
    """Speakers numbered in the order in which they are first heard."""
    numbers: dict[int, int] = {}
    for one in found:
        numbers.setdefault(one.speaker, len(numbers))
    return tuple(Speaking(one.span, numbers[one.speaker]) for one in found)
