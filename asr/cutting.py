"""The second of two passes over a recording: the samples of its chunks."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np

from asr.decode import open_recording
from asr.errors import RetryableError, SkippableError
from asr.options import DecodeOptions
from asr.resample import BlockResampler, open_resampler
from asr.types import Chunk, Recording, Samples, Span


def cut_chunks(
    recording: Recording, channels: Sequence[Sequence[Chunk]], options: DecodeOptions
) -> Iterator[tuple[int, int, Samples]]:
    """Every chunk, as soon as the file was read so far: (channel's index, index in it, (n_samples,) float32 at 16 kHz).

    `channels` are each channel's chunks in time order, by its place in the file; a channel without is not looked at.
    In memory are a block of the file and the chunks that it
    touches. Raises what `decode.open_recording` raises, SkippableError if the file ends before its chunks, and
    RetryableError if memory runs out.
    """
    if not any(channels):
        return
    try:
        with open_recording(recording, options) as reader:
            cutters = {
                at: _Cutter(chunks, open_resampler(options.resampler, reader.sample_rate_hz))
                for at, chunks in enumerate(channels)
                if chunks
            }
            for block in reader.blocks:
                for at, cutter in cutters.items():
                    yield from ((at, number, chunk) for number, chunk in cutter.hear(block[at]))
                if not any(cutter.waiting for cutter in cutters.values()):
                    return
            for at, cutter in cutters.items():
                yield from ((at, number, chunk) for number, chunk in cutter.end())
    except MemoryError as error:
        raise RetryableError(
            f"Memory ran out while {recording.name} was read", "Free memory, then try again"
        ) from error
    if any(cutter.waiting for cutter in cutters.values()):
        raise SkippableError(
            f"{recording.name} changed while it was read: it ends before its speech does",
            "Let the recorder finish the file before it is taken",
        )


class _Cutter:
    """Fills one channel's chunks from blocks that come in time order."""

    def __init__(self, chunks: Sequence[Chunk], resampler: BlockResampler) -> None:
        self.waiting = deque(enumerate(chunks))
        self._filling: dict[int, Samples] = {}
        self._resampler = resampler
        self._at = 0

    def hear(self, native: Samples) -> Iterator[tuple[int, Samples]]:
        """The chunks that are complete after one more block at the file's own rate."""
        yield from self._fill(self._resampler.hear(native))

    def end(self) -> Iterator[tuple[int, Samples]]:
        """Those that end where the channel ends."""
        yield from self._fill(self._resampler.end())

    def _fill(self, samples: Samples) -> Iterator[tuple[int, Samples]]:
        heard = Span(self._at, self._at + len(samples))
        self._at = heard.stop
        for number, chunk in self.waiting:
            if chunk.spans[0].start >= heard.stop:
                break
            if number not in self._filling:
                self._filling[number] = np.zeros(len(chunk), np.float32)
            _copy(samples, heard, chunk, self._filling[number])
        while self.waiting and self.waiting[0][1].spans[-1].stop <= heard.stop:
            number, _ = self.waiting.popleft()
            yield number, self._filling.pop(number)


def _copy(samples: Samples, heard: Span, chunk: Chunk, filled: Samples) -> None:
    """What of the chunk lies in the samples just heard, to where it belongs."""
    laid = 0
    for span in chunk.spans:
        start, stop = max(span.start, heard.start), min(span.stop, heard.stop)
        if start < stop:
            filled[laid + start - span.start : laid + stop - span.start] = samples[
                start - heard.start : stop - heard.start
            ]
        laid += len(span)
