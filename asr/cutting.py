"""The second of two passes over a recording: the samples of its chunks."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np

from asr.channel_checks import OffsetRemover
from asr.crosstalk import Leak
from asr.decode import open_recording
from asr.errors import RetryableError, SkippableError
from asr.options import DecodeOptions
from asr.resample import Resampler
from asr.suppression import LeakFilter
from asr.types import Chunk, Recording, Samples, Span


def cut_chunks(
    recording: Recording,
    channels: Sequence[Sequence[Chunk]],
    options: DecodeOptions,
    leaks: Sequence[Leak | None] = (),
) -> Iterator[tuple[int, int, Samples]]:
    """Every chunk, as soon as the file was read so far: (channel's index, index in it, (n_samples,) float32 at 16 kHz).

    `channels` are the chunks of each of the file's channels in time order, and `leaks` what is to be taken out of each,
    nothing if there are none; channels past the last one named are not wanted. In memory are a block of the file and
    the chunks that it touches. Raises what `decode.open_recording` raises, SkippableError if the file ends before its
    chunks, and RetryableError if memory runs out.
    """
    if not any(channels):
        return
    try:
        with open_recording(recording, options) as reader:
            cutters = [_Cutter(chunks) for chunks in channels]
            lines = _Lines(reader.sample_rate_hz, leaks or [None] * reader.n_channels)
            for block in reader.blocks:
                for at, (cutter, samples) in enumerate(zip(cutters, lines.hear(block), strict=False)):
                    yield from ((at, number, chunk) for number, chunk in cutter.hear(samples))
                if not any(cutter.waiting for cutter in cutters):
                    return
            for at, (cutter, samples) in enumerate(zip(cutters, lines.end(), strict=False)):
                yield from ((at, number, chunk) for number, chunk in cutter.hear(samples))
    except MemoryError as error:
        raise RetryableError(
            f"Memory ran out while {recording.name} was read", "Free memory, then try again"
        ) from error
    if any(cutter.waiting for cutter in cutters):
        raise SkippableError(
            f"{recording.name} changed while it was read: it ends before its speech does",
            "Let the recorder finish the file before it is taken",
        )


class _Lines:
    """A file's channels as they are to be transcribed: without offset, at 16 kHz, less what leaks into each."""

    def __init__(self, sample_rate_hz: int, leaks: Sequence[Leak | None]) -> None:
        self._offsets = [OffsetRemover() for _ in leaks]
        self._resamplers = [Resampler(sample_rate_hz) for _ in leaks]
        self._filters = [None if leak is None else LeakFilter(leak) for leak in leaks]

    def hear(self, block: Samples) -> list[Samples]:
        """What is certain of each channel after a block, (n_channels, n) float32 at the file's own rate."""
        parts = zip(self._offsets, self._resamplers, block, strict=True)
        return self._cleaned([resampler.hear(offset.hear(samples)) for offset, resampler, samples in parts])

    def end(self) -> list[Samples]:
        """What is left of each."""
        cleaned = self._cleaned([resampler.end() for resampler in self._resamplers])
        return [
            samples if leaky is None else np.concatenate([samples, leaky.end()])
            for samples, leaky in zip(cleaned, self._filters, strict=True)
        ]

    def _cleaned(self, heard: list[Samples]) -> list[Samples]:
        return [
            own if leaky is None else leaky.hear(own, heard[1 - at])
            for at, (own, leaky) in enumerate(zip(heard, self._filters, strict=True))
        ]


class _Cutter:
    """Fills one channel's chunks from samples that come in time order."""

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        self.waiting = deque(enumerate(chunks))
        self._filling: dict[int, Samples] = {}
        self._at = 0

    def hear(self, samples: Samples) -> Iterator[tuple[int, Samples]]:
        """The chunks that are complete after some more samples at 16 kHz."""
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
