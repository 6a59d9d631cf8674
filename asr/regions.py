"""A channel as typed regions, and the speech in it that is worth a model's time."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from asr.options import ChunkOptions, VadOptions
from asr.sounds.sound import Sound
from asr.spans import join, outside, pad
from asr.timebase import ms_to_samples, to_seconds
from asr.types import Channel, Region, RegionKind, Span
from asr.vad import WINDOW, speech_spans

_SURE = 0.9
"""Highest probability that a burst of speech inside music must reach. Of 24 telephone calls and six tunes, what the
detector took for speech in music stayed under 0.8, and words over music reach 1.0."""

_TAIL = ms_to_samples(500)

_SHORTEST_MUSIC = ms_to_samples(1_000)


@dataclass(frozen=True, slots=True)
class Speech:
    """The speech of one channel, in samples at 16 kHz.

    `regions` are padded and what engines hear; `bursts` are the unpadded spans inside them between which there
    is a pause, however short: where a cut is safe and what word times are held to.
    """

    regions: tuple[Span, ...]
    bursts: tuple[Span, ...]
    n_samples: int


def find_speech(
    probabilities: NDArray[np.float32],
    n_samples: int,
    vad: VadOptions,
    chunk: ChunkOptions,
    sounds: Sequence[Sound] = (),
) -> Speech:
    """Speech from a detector's window probabilities, (n_windows,) float32, of a channel of `n_samples`.

    Where `sounds` have a tone or keys nobody speaks, and no region of speech holds any of it. Inside music speech has
    to be sure.
    """
    tones = [sound.span for sound in sounds if sound.kind is not RegionKind.MUSIC]
    music = [sound.span for sound in sounds if sound.kind is RegionKind.MUSIC]
    # A burst too short to be speech by itself may be a word's tail: it is dropped only when it stands alone.
    loose = vad.model_copy(update={"min_speech_ms": 0})
    heard = _without(probabilities, tones)
    likely = speech_spans(heard, n_samples, chunk.cut_pause_ms, loose)
    sure = [burst for burst in likely if _is_sure(burst, heard)]
    bursts = tuple(piece for burst in likely if not _is_music(burst, music, sure) for piece in outside(burst, tones))
    min_speech = ms_to_samples(vad.min_speech_ms)
    joined = join(bursts, ms_to_samples(vad.min_silence_ms))
    pieces = [piece for region in joined for piece in outside(region, tones)]
    # A few windows here and there, as leaks and clicks leave them, are no speech.
    regions = tuple(piece for piece in pieces if sum(map(len, _within(piece, bursts))) >= min_speech)
    kept = tuple(burst for region in regions for burst in _within(region, bursts))
    padded = pad(regions, ms_to_samples(vad.pad_ms), n_samples)
    clear = tuple(_clear(wide, bare, tones) for wide, bare in zip(padded, regions, strict=True))
    return Speech(clear, kept, n_samples)


def without(speech: Speech, spans: Iterable[Span]) -> Speech:
    """The speech without every sample of the spans, which may come in any order, overlap and reach past the end.

    All its other samples stay, however few are left between two spans.
    """
    removed = list(spans)
    regions = tuple(piece for region in speech.regions for piece in outside(region, removed))
    bursts = tuple(piece for burst in speech.bursts for piece in outside(burst, removed))
    return Speech(regions, bursts, speech.n_samples)


def typed_regions(speech: Speech, channel: Channel, sounds: Sequence[Sound] = ()) -> tuple[Region, ...]:
    """The whole channel as regions in time order, without a gap between them: speech first, then tones and keys, then
    music, and silence where there is nothing."""
    typed = [_Typed(span, RegionKind.SPEECH) for span in speech.regions]
    for sound in sorted(sounds, key=lambda sound: sound.kind is RegionKind.MUSIC):
        span = Span(min(sound.span.start, speech.n_samples), min(sound.span.stop, speech.n_samples))
        pieces = outside(span, [known.span for known in typed])
        if sound.kind is RegionKind.MUSIC:
            # What is left of it between two words is not worth a region.
            pieces = [piece for piece in pieces if len(piece) >= _SHORTEST_MUSIC]
        typed += [_Typed(piece, sound.kind, sound.digits) for piece in pieces]
    silent = outside(Span(0, speech.n_samples), [known.span for known in typed])
    typed += [_Typed(piece, RegionKind.SILENCE) for piece in silent]
    return tuple(
        Region(to_seconds(one.span.start), to_seconds(one.span.stop), channel, one.kind, one.digits)
        for one in sorted(typed, key=lambda one: one.span.start)
    )


@dataclass(frozen=True, slots=True)
class _Typed:
    span: Span
    kind: RegionKind
    digits: str = field(default="", repr=False)


def _without(probabilities: NDArray[np.float32], tones: Sequence[Span]) -> NDArray[np.float32]:
    """The probabilities with none where a window lies wholly in a tone."""
    if not tones:
        return probabilities
    heard = probabilities.copy()
    for tone in tones:
        heard[-(-tone.start // WINDOW) : tone.stop // WINDOW] = 0.0
    return heard


def _within(region: Span, bursts: Sequence[Span]) -> Sequence[Span]:
    """The bursts, in order, that a region holds: none is in two."""
    first, stop = (bisect_left(bursts, at, key=lambda burst: burst.start) for at in (region.start, region.stop))
    return bursts[first:stop]


def _is_sure(burst: Span, probabilities: NDArray[np.float32]) -> bool:
    return bool(probabilities[burst.start // WINDOW : -(-burst.stop // WINDOW)].max(initial=0.0) >= _SURE)


def _is_music(burst: Span, music: Sequence[Span], sure: Sequence[Span]) -> bool:
    """Whether a burst lies in music, and no sure one is so near that it may be its word's tail."""
    if not any(span.start <= burst.start and burst.stop <= span.stop for span in music):
        return False
    return not any(one.start - _TAIL < burst.stop and burst.start < one.stop + _TAIL for one in sure)


def _clear(wide: Span, bare: Span, tones: Sequence[Span]) -> Span:
    """As much of a padded region as reaches no tone."""
    return next(piece for piece in outside(wide, tones) if piece.start <= bare.start < piece.stop)
