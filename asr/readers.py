"""Audio files as blocks of samples: soundfile first, PyAV for what it cannot open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from asr.errors import SkippableError
from asr.types import Recording, Samples

_BLOCK_S = 30.0
"""Seconds of audio in one block: bounds the memory, whatever the file's length."""


@dataclass(frozen=True, slots=True)
class Reader:
    """An open file. `blocks` gives its samples once, (n_channels, n) float32 in [-1, 1] at the file's own rate."""

    sample_rate_hz: int
    n_channels: int
    container: str
    codec: str
    blocks: Iterator[Samples]


@contextmanager
def open_reader(recording: Recording) -> Iterator[Reader]:
    """Open a recording. Raises SkippableError, here or while its blocks are read, for what is not sound audio."""
    import av
    import soundfile

    unreadable = (soundfile.LibsndfileError, av.FFmpegError, OSError, ValueError)
    try:
        file: Any = soundfile.SoundFile(recording.path)
    except unreadable as error:
        with _opened_with_av(recording, error) as container:
            yield _av_reader(recording, container)
        return
    with file:
        blocks = _failing_as_ours(recording, _soundfile_blocks(file), unreadable)
        yield Reader(file.samplerate, file.channels, file.format, file.subtype, blocks)


def _soundfile_blocks(file: Any) -> Iterator[Samples]:
    size = max(1, int(_BLOCK_S * file.samplerate))
    while len(block := file.read(size, dtype="float32", always_2d=True)):
        yield np.ascontiguousarray(block.T)


@contextmanager
def _opened_with_av(recording: Recording, first: Exception) -> Iterator[Any]:
    """PyAV's container. Raises SkippableError, with soundfile's objection too, if there is no sound in the file."""
    import av

    try:
        # Absolute, since "9:30.m4a" would be a URL.
        container = av.open(str(recording.path.absolute()))
    except (av.FFmpegError, OSError, ValueError) as error:
        raise _not_audio(recording, f"{_sentence(first)}; {_sentence(error)}") from error
    with container:
        if not container.streams.audio:
            raise _not_audio(recording, f"{_sentence(first)}; it has no audio track")
        yield container


def _av_reader(recording: Recording, container: Any) -> Reader:
    import av

    stream = container.streams.audio[0]
    format_name = container.format.name.split(",")[0].upper()
    blocks = _failing_as_ours(recording, _av_blocks(container, stream), (av.FFmpegError, OSError, ValueError))
    return Reader(int(stream.rate), int(stream.channels), format_name, stream.codec_context.name.upper(), blocks)


def _av_blocks(container: Any, stream: Any) -> Iterator[Samples]:
    import av

    resampler = av.AudioResampler(format="fltp")
    frames: list[Samples] = []
    for frame in container.decode(stream):
        frames += [part.to_ndarray().astype(np.float32, copy=False) for part in resampler.resample(frame)]
        if sum(part.shape[1] for part in frames) >= _BLOCK_S * stream.rate:
            yield np.concatenate(frames, axis=1)
            frames = []
    if frames:
        yield np.concatenate(frames, axis=1)


def _failing_as_ours(
    recording: Recording, blocks: Iterator[Samples], unreadable: tuple[type[Exception], ...]
) -> Iterator[Samples]:
    try:
        yield from blocks
    except unreadable as error:
        raise _not_audio(recording, _sentence(error)) from error


def _not_audio(recording: Recording, why: str) -> SkippableError:
    return SkippableError(
        f"{recording.name} is not audio that can be read: {why}",
        "Check that the file is a recording, and copy it again if it was cut short",
    )


def _sentence(error: Exception) -> str:
    """The message of a library's error without the path that it may hold."""
    text = getattr(error, "error_string", None) or getattr(error, "strerror", None) or str(error)
    return str(text).strip().rstrip(".")
