"""Audio files as blocks of samples: soundfile first, PyAV for what it cannot open.

Both are held to the containers and codecs that tests decode and compare with what was encoded: what else the libraries
know is refused by name rather than read unproven.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asr.errors import SkippableError
from asr.files.formats import Foreign, by_name, coded_as, foreign, has_header, head_of, soundless, unread_wave
from asr.files.options import G722_RATE_HZ, Headerless
from asr.types import Recording, Samples

_BLOCK_S = 30.0
"""Seconds of audio in one block: bounds the memory, whatever the file's length."""

_BLOCK_SAMPLES = 4_000_000
"""Samples of all channels in one block, 16 MB: bounds it for many channels at a high rate."""

_SHORTFALL_S = 1.0
"""A file may hold this much less than its header promises: coders pad, and headers round."""

_SOUNDFILE_CONTAINERS = {"WAV", "WAVEX", "RF64", "W64", "FLAC", "MP3", "OGG", "AIFF", "AU", "CAF", "NIST", "VOC"}

_AV_CONTAINERS = "wav,w64,mov,matroska,asf,amr,ogg,aac,mp3,flac,aiff,au,caf,avi"

_AV_CODECS = {
    *("aac", "mp3", "mp2", "opus", "vorbis", "flac", "alac", "ac3", "wmav1", "wmav2", "amr_nb", "amr_wb"),
    *("adpcm_g722", "g723_1", "adpcm_g726", "adpcm_g726le", "adpcm_ima_wav", "adpcm_ms", "gsm", "gsm_ms"),
    *("pcm_mulaw", "pcm_alaw", "pcm_u8", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le"),
}
"""By FFmpeg's names of what is coded, whichever decoder it takes."""

_TELLS_DURATION = {"MOV"}
"""Containers whose header says how long the track is; of others FFmpeg may have estimated it."""

_RAW = {
    "pcm_s16le": ("PCM_16", "LITTLE"),
    "pcm_s16be": ("PCM_16", "BIG"),
    "pcm_u8": ("PCM_U8", "FILE"),
    "mulaw": ("ULAW", "FILE"),
    "alaw": ("ALAW", "FILE"),
    "gsm": ("GSM610", "FILE"),
    "vox": ("VOX_ADPCM", "FILE"),
}
"""What soundfile calls the codecs of headerless files, and their order of bytes."""

_RAW_AV: dict[str, tuple[str, dict[str, str]]] = {"g722": ("g722", {}), "g726": ("g726le", {"code_size": "4"})}
"""What FFmpeg calls the others: G.726 at 32 kbit/s in RFC 3551's order of bits."""


_MP3_COUNTS = (b"Xing", b"Info", b"VBRI")
"""What the header with the number of frames begins with, in the first frame of most MP3 files."""

_UNKNOWN_FRAMES = 2**40
"""libsndfile gives a huge number where a header leaves the length open."""


@dataclass(frozen=True, slots=True)
class Reader:
    """An open file. `blocks` gives its samples once, (n_channels, n) float32 in [-1, 1] at the file's own rate."""

    sample_rate_hz: int
    n_channels: int
    container: str
    codec: str
    blocks: Iterator[Samples]


@contextmanager
def open_reader(recording: Recording, headerless: Headerless | None = None) -> Iterator[Reader]:
    """Open a recording; one without a header as `headerless` says.

    Raises SkippableError, here or while its blocks are read, for what is not sound audio, naming what it is instead.
    """
    with ExitStack() as stack:
        yield _opened(recording, headerless, stack)


def _opened(recording: Recording, headerless: Headerless | None, stack: ExitStack) -> Reader:
    import av
    import soundfile

    head = b""
    try:
        head = head_of(recording.path)
        raw = None if has_header(head) else headerless
        if raw is None and (found := foreign(head)):
            raise _refused(recording, found)
        file = _soundfile(recording, raw, head, stack)
        if file is not None:
            return _soundfile_reader(recording, file)
        return _av_reader(recording, _av_container(recording, raw, stack), head)
    except (soundfile.SoundFileError, av.FFmpegError, OSError, ValueError) as error:
        if found := unread_wave(head) or by_name(recording.path):
            raise _refused(recording, found) from error
        raise _not_audio(recording, _sentence(error)) from error


def _soundfile(recording: Recording, raw: Headerless | None, head: bytes, stack: ExitStack) -> Any:
    """soundfile's open file, or None where it cannot read it, or PyAV does better."""
    import soundfile

    if raw and raw.codec not in _RAW:
        return None
    # Not by name: libsndfile would take bytes without a header for what the extension says.
    number = stack.enter_context(recording.path.open("rb")).fileno()
    shape = (raw.sample_rate_hz, raw.channels, *_RAW[raw.codec], "RAW") if raw else ()
    try:
        file = stack.enter_context(soundfile.SoundFile(number, "r", *shape, closefd=False))
    except soundfile.SoundFileError:
        return None
    # Where a header leaves the length open, libsndfile sees nothing or fails; and where an MP3 file does not count its
    # frames, it guesses where the end is, and stops there.
    guessed = file.format == "MP3" and not any(name in head for name in _MP3_COUNTS)
    proven = file.format in _SOUNDFILE_CONTAINERS or raw is not None
    return file if proven and 0 < file.frames < _UNKNOWN_FRAMES and not guessed else None


def _soundfile_reader(recording: Recording, file: Any) -> Reader:
    import soundfile

    unreadable = (soundfile.SoundFileError, OSError, ValueError)
    blocks = _complete(recording, _soundfile_blocks(file), file.samplerate, file.frames)
    return Reader(
        file.samplerate, file.channels, file.format, file.subtype, _failing_as_ours(recording, blocks, unreadable)
    )


def _soundfile_blocks(file: Any) -> Iterator[Samples]:
    size = _block_size(file.samplerate, file.channels)
    while len(block := file.read(size, dtype="float32", always_2d=True)):
        yield np.ascontiguousarray(block.T)


def _block_size(sample_rate_hz: int, n_channels: int) -> int:
    return max(1, min(int(_BLOCK_S * sample_rate_hz), _BLOCK_SAMPLES // n_channels))


def _av_container(recording: Recording, raw: Headerless | None, stack: ExitStack) -> Any:
    """PyAV's container with one audio track."""
    import av

    name, options = _RAW_AV[raw.codec] if raw else (None, {"format_whitelist": _AV_CONTAINERS})
    # Absolute, since "9:30.m4a" would be a URL; and tags of a file may be in any encoding.
    container = stack.enter_context(
        av.open(
            str(recording.path.absolute()),
            format=name,
            options={**options, "protocol_whitelist": "file"},
            metadata_errors="replace",
        )
    )
    tracks = len(container.streams.audio)
    if tracks > 1:
        raise SkippableError(
            f"{recording.name} has {tracks} audio tracks, and one cannot be chosen without losing a side of the call",
            "Join them: ffmpeg -i IN -filter_complex amerge=inputs=2 OUT.wav, or copy one out: -map 0:a:0",
        )
    if not tracks:
        raise _refused(recording, soundless(_container_name(container)))
    return container


def _av_reader(recording: Recording, container: Any, head: bytes) -> Reader:
    import av

    stream, name = container.streams.audio[0], _container_name(container)
    coded = stream.codec_context.codec.canonical_name if stream.codec_context else "an unknown codec"
    if coded not in _AV_CODECS:
        raise _refused(recording, coded_as(coded, name, head))
    frames = container.decode(stream)
    first = next(frames, None)
    if first is None:
        return Reader(stream.rate or 8_000, stream.channels or 1, name, coded.upper(), iter(()))
    rate_hz, n_channels = (G722_RATE_HZ if coded == "adpcm_g722" else first.sample_rate), first.layout.nb_channels
    promised = float(stream.duration * stream.time_base) if stream.duration and name in _TELLS_DURATION else 0.0
    blocks = _in_blocks(_av_parts(recording, chain([first], frames)), _block_size(rate_hz, n_channels))
    whole = _complete(recording, blocks, rate_hz, int(promised * rate_hz))
    return Reader(
        rate_hz,
        n_channels,
        name,
        coded.upper(),
        _failing_as_ours(recording, whole, (av.FFmpegError, OSError, ValueError)),
    )


def _container_name(container: Any) -> str:
    return str(container.format.name).split(",")[0].upper()


def _av_parts(recording: Recording, frames: Iterator[Any]) -> Iterator[Samples]:
    """Each frame's samples, (n_channels, n). Raises SkippableError for one of another shape than the first."""
    shape: tuple[int, int] | None = None
    n_samples = 0
    for frame in frames:
        shape = shape or (frame.sample_rate, frame.layout.nb_channels)
        if (frame.sample_rate, frame.layout.nb_channels) != shape:
            raise SkippableError(
                f"{recording.name} changes from {shape[1]} channels at {shape[0]} Hz "
                f"to {frame.layout.nb_channels} at {frame.sample_rate} Hz after {n_samples / shape[0]:.1f} s",
                "Convert it to WAV: ffmpeg -i IN -ac 1 -ar 8000 OUT.wav",
            )
        n_samples += frame.samples
        yield _floats(frame)


def _floats(frame: Any) -> Samples:
    """A frame's samples, (n_channels, n) float32 in [-1, 1], whichever way they lie in it."""
    samples: NDArray[np.generic] = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    floats = samples.astype(np.float32, copy=False)
    full_scale = np.float32(2.0 ** (8 * samples.dtype.itemsize - 1))
    if samples.dtype.kind == "u":
        floats = floats - full_scale
    return floats if samples.dtype.kind == "f" else floats / full_scale


def _in_blocks(parts: Iterator[Samples], size: int) -> Iterator[Samples]:
    """The parts joined to blocks of at least `size` samples in each channel."""
    held: list[Samples] = []
    n_samples = 0
    for part in parts:
        held.append(part)
        n_samples += part.shape[1]
        if n_samples >= size:
            yield np.concatenate(held, axis=1)
            held, n_samples = [], 0
    if n_samples:
        yield np.concatenate(held, axis=1)


def _complete(recording: Recording, blocks: Iterator[Samples], rate_hz: int, promised: int) -> Iterator[Samples]:
    """The blocks, and SkippableError after the last if they are fewer samples than the header promised."""
    n_samples = 0
    for block in blocks:
        n_samples += block.shape[1]
        yield block
    if n_samples + _SHORTFALL_S * rate_hz < promised:
        raise SkippableError(
            f"{recording.name} is cut short: its header promises {promised / rate_hz:.1f} s, "
            f"it holds {n_samples / rate_hz:.1f} s",
            "Copy the file again once the recorder has finished it",
        )


def _failing_as_ours(
    recording: Recording, blocks: Iterator[Samples], unreadable: tuple[type[Exception], ...]
) -> Iterator[Samples]:
    try:
        yield from blocks
    except unreadable as error:
        raise _not_audio(recording, _sentence(error)) from error


def _refused(recording: Recording, found: Foreign) -> SkippableError:
    return SkippableError(f"{recording.name} cannot be read: it is {found.what}", found.remedy)


def _not_audio(recording: Recording, why: str) -> SkippableError:
    return SkippableError(
        f"{recording.name} is not audio that can be read: {why}",
        "Check that the file is a recording, and copy it again if it was cut short",
    )


def _sentence(error: Exception) -> str:
    """The message of a library's error without the path that it may hold."""
    text = getattr(error, "error_string", None) or getattr(error, "strerror", None) or str(error)
    return str(text).strip().rstrip(".")
