"""Speech cut and packed into chunks of what one engine call sees."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from asr.options import ChunkOptions
from asr.regions import Speech
from asr.timebase import ms_to_samples, to_samples
from asr.types import Channel, Chunk, Span


@dataclass(frozen=True, slots=True)
class Piece:
    """A span that fits in a chunk; its first `overlap` samples are also the end of the piece before."""

    span: Span
    overlap: int = 0


def chunk(speech: Speech, channel: Channel, options: ChunkOptions) -> tuple[Chunk, ...]:
    """Chunks of one channel, in time order, which hold every sample of its speech regions.

    A region longer than `max_chunk_s` is cut in its longest pause; where it has none, two chunks share `overlap_s`.
    Pieces are then packed, in order, into as few chunks as hold them: the fewer there are, the better each is used.
    """
    limit = to_samples(options.max_chunk_s)
    pieces = [piece for region in speech.regions for piece in cut(region, speech.bursts, options)]
    chunks: list[Chunk] = []
    pending: list[Piece] = []
    for piece in pieces:
        # A piece that repeats the end of the one before begins a chunk: merging compares whole chunks.
        full = sum(len(p.span) for p in pending) + len(piece.span) > limit
        if pending and (full or piece.overlap):
            chunks.append(_chunk(pending, channel))
            pending = []
        pending.append(piece)
    if pending:
        chunks.append(_chunk(pending, channel))
    return tuple(chunks)


def cut(region: Span, bursts: tuple[Span, ...], options: ChunkOptions) -> list[Piece]:
    """A region as pieces of at most `max_chunk_s`, cut in pauses where it has any.

    Of the pauses in the second half of what fits, the longest is taken, so that pieces stay long and words
    whole. Without a pause of `cut_pause_ms` the cut falls inside speech and the next piece begins `overlap_s`
    earlier.
    """
    limit = to_samples(options.max_chunk_s)
    if len(region) <= limit:
        return [Piece(region)]
    overlap = to_samples(options.overlap_s)
    pauses = [Span(a.stop, b.start) for a, b in pairwise(bursts)]
    pauses = [pause for pause in pauses if len(pause) >= ms_to_samples(options.cut_pause_ms)]
    pieces: list[Piece] = []
    start, shared = region.start, 0
    while region.stop - start > limit:
        window = Span(start + limit // 2, start + limit)
        inside = [pause for pause in pauses if window.start <= _middle(pause) < window.stop]
        if inside:
            at = _middle(max(inside, key=len))
            pieces.append(Piece(Span(start, at), shared))
            start, shared = at, 0
        else:
            pieces.append(Piece(Span(start, window.stop), shared))
            start, shared = window.stop - overlap, overlap
    pieces.append(Piece(Span(start, region.stop), shared))
    return pieces


def _middle(pause: Span) -> int:
    return (pause.start + pause.stop) // 2


def _chunk(pieces: list[Piece], channel: Channel) -> Chunk:
    return Chunk(channel, tuple(piece.span for piece in pieces), pieces[0].overlap)
