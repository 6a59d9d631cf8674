"""A channel as typed regions, and the speech in it that is worth a model's time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asr.options import ChunkOptions, VadOptions
from asr.timebase import ms_to_samples, to_seconds
from asr.types import Channel, Region, RegionKind, Span
from asr.vad import join, pad, speech_spans


@dataclass(frozen=True, slots=True)
class Speech:
    """The speech of one channel, in samples at 16 kHz.

    `regions` are padded and what engines hear; `bursts` are the unpadded spans inside them between which there
    is a pause, however short: where a cut is safe and what word times are held to.
    """

    regions: tuple[Span, ...]
    bursts: tuple[Span, ...]
    n_samples: int


def find_speech(probabilities: NDArray[np.float32], n_samples: int, vad: VadOptions, chunk: ChunkOptions) -> Speech:
    """Speech from a detector's window probabilities, (n_windows,) float32, of a channel of `n_samples`."""
    # A burst too short to be speech by itself may be a word's tail: it is dropped only when it stands alone.
    loose = vad.model_copy(update={"min_speech_ms": 0})
    bursts = speech_spans(probabilities, n_samples, chunk.cut_pause_ms, loose)
    min_speech = ms_to_samples(vad.min_speech_ms)
    regions = tuple(region for region in join(bursts, ms_to_samples(vad.min_silence_ms)) if len(region) >= min_speech)
    kept = tuple(burst for burst in bursts if any(r.start <= burst.start and burst.stop <= r.stop for r in regions))
    return Speech(pad(regions, ms_to_samples(vad.pad_ms), n_samples), kept, n_samples)


def without(speech: Speech, spans: Iterable[Span]) -> Speech:
    """The speech without every sample of the spans, which may come in any order, overlap and reach past the end.

    All its other samples stay, however few are left between two spans.
    """
    removed = sorted(spans, key=lambda span: span.start)
    return Speech(_minus(speech.regions, removed), _minus(speech.bursts, removed), speech.n_samples)


def _minus(kept: Sequence[Span], removed: Sequence[Span]) -> tuple[Span, ...]:
    for gap in removed:
        parts = [
            part
            for span in kept
            for part in (Span(span.start, min(span.stop, gap.start)), Span(max(span.start, gap.stop), span.stop))
        ]
        kept = [part for part in parts if part.start < part.stop]
    return tuple(kept)


def typed_regions(speech: Speech, channel: Channel) -> tuple[Region, ...]:
    """The whole channel as regions of speech and silence in time order, without a gap between them."""
    regions: list[Region] = []
    at = 0
    for span in speech.regions:
        if span.start > at:
            regions.append(_region(Span(at, span.start), channel, RegionKind.SILENCE))
        regions.append(_region(span, channel, RegionKind.SPEECH))
        at = span.stop
    if at < speech.n_samples:
        regions.append(_region(Span(at, speech.n_samples), channel, RegionKind.SILENCE))
    return tuple(regions)


def _region(span: Span, channel: Channel, kind: RegionKind) -> Region:
    return Region(to_seconds(span.start), to_seconds(span.stop), channel, kind)
