"""The second of two passes over a recording: the samples of its chunks."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from asr.channels.checks import OffsetRemover
from asr.channels.crosstalk import Leak
from asr.channels.suppression import LeakFilter
from asr.decode import open_recording
from asr.errors import RetryableError, SkippableError
from asr.files.options import DecodeOptions
from asr.resample import open_resampler
from asr.types import Chunk, Recording, Samples, Span


@dataclass(frozen=True, slots=True, eq=False)
class LeakFrom:
    """What leaks into a channel, and from which: `source` is that one's place in the file."""

    leak: Leak
    source: int


def cut_chunks(
    recording: Recording,
    channels: Sequence[Sequence[Chunk]],
    options: DecodeOptions,
    leaks: Mapping[int, LeakFrom] | None = None,
) -> Iterator[tuple[int, int, Samples]]:
    """Every chunk, as soon as the file was read so far: (channel's index, index in it, (n_samples,) float32 at 16 kHz).

    `channels` are each channel's chunks in time order, by its place in the file; one without is not looked at unless it
    leaks. `leaks` tell what is to be taken out of a channel, by its place too. In memory are a block of the file and
    the chunks that it touches. Raises what `decode.open_recording` raises, SkippableError if the file ends before its
    chunks, and RetryableError if memory runs out.
    """
    cutters = {at: _Cutter(chunks) for at, chunks in enumerate(channels) if chunks}
    if not cutters:
        return
    try:
        with open_recording(recording, options) as reader:
            lines = _Lines(reader.sample_rate_hz, options.resampler, cutters.keys(), leaks or {})
            for block in reader.blocks:
                for at, samples in lines.hear(block).items():
                    yield from ((at, number, chunk) for number, chunk in cutters[at].hear(samples))
                if not any(cutter.waiting for cutter in cutters.values()):
                    return
            for at, samples in lines.end().items():
                yield from ((at, number, chunk) for number, chunk in cutters[at].hear(samples))
    except MemoryError as error:
        raise RetryableError(
            f"Memory ran out while {recording.name} was read", "Free memory, then try again"
        ) from error
    if any(cutter.waiting for cutter in cutters.values()):
        raise SkippableError(
            f"{recording.name} changed while it was read: it ends before its speech does",
            "Let the recorder finish the file before it is taken",
        )


def channel_blocks(recording: Recording, index: int, options: DecodeOptions) -> Iterator[Samples]:
    """One channel, by its place in the file, without its offset, block by block: each (n,) float32 at 16 kHz.

    Raises what `decode.open_recording` raises.
    """
    with open_recording(recording, options) as reader:
        line = _Lines(reader.sample_rate_hz, options.resampler, {index}, {})
        for block in reader.blocks:
            yield line.hear(block)[index]
        yield line.end()[index]


class _Lines:
    """The wanted ones of a file's channels as they are to be transcribed: without offset, at 16 kHz, less what leaks
    into each."""

    def __init__(
        self, sample_rate_hz: int, resampler: str, wanted: Collection[int], leaks: Mapping[int, LeakFrom]
    ) -> None:
        self._sources = {at: leak.source for at, leak in leaks.items() if at in wanted}
        self._filters = {at: LeakFilter(leaks[at].leak) for at in self._sources}
        self._wanted = wanted
        read = sorted({*wanted, *self._sources.values()})
        self._offsets = {at: OffsetRemover() for at in read}
        self._resamplers = {at: open_resampler(resampler, sample_rate_hz) for at in read}

    def hear(self, block: Samples) -> dict[int, Samples]:
        """What is certain of each channel after a block, (n_channels, n) float32 at the file's own rate."""
        offsets, resamplers = self._offsets, self._resamplers
        return self._cleaned({at: resamplers[at].hear(offsets[at].hear(block[at])) for at in offsets})

    def end(self) -> dict[int, Samples]:
        """What is left of each."""
        cleaned = self._cleaned({at: resampler.end() for at, resampler in self._resamplers.items()})
        return cleaned | {at: np.concatenate([cleaned[at], leaky.end()]) for at, leaky in self._filters.items()}

    def _cleaned(self, heard: dict[int, Samples]) -> dict[int, Samples]:
        return {
            at: self._filters[at].hear(heard[at], heard[self._sources[at]]) if at in self._filters else heard[at]
            for at in self._wanted
        }


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
