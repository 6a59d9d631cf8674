"""A file as received to samples: soundfile first, PyAV for what it cannot read."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import numpy as np

from asr.errors import RetryableError, SkippableError
from asr.options import DecodeOptions
from asr.types import Audio, Channel, Recording, Samples

EXTENSIONS = {
    ".wav": {"WAV", "WAVEX", "RF64", "W64"},
    ".flac": {"FLAC"},
    ".mp3": {"MP3", "MPEG"},
    ".ogg": {"OGG"},
    ".opus": {"OGG"},
    ".m4a": {"MOV", "MP4"},
    ".mp4": {"MOV", "MP4"},
    ".webm": {"MATROSKA", "WEBM"},
    ".aiff": {"AIFF"},
    ".au": {"AU"},
}
"""File name extensions of recordings, and the containers that may stand behind each."""

_SILENT_PEAK = 1e-3
"""-60 dBFS: the idle patterns of mu-law and A-law reach 2.4e-4."""

_CLIP_PEAK = 0.05
"""-26 dBFS. Below it many samples at the peak are an idle line in few steps: one step of 8-bit PCM is 0.0078."""

_CLIP_MARGIN = 0.985
"""Samples above this share of the peak are taken to sit on it; one mu-law step at full scale is 3 %."""

_UNKNOWN_SIZES = (0, 0x7FFFF000)
"""A recorder that streams leaves the size of the data zero or near its maximum."""


def identify(path: Path) -> Recording:
    """The recording in a file, by the SHA-256 of its bytes. Raises SkippableError if it cannot be read."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Recording(digest, path, path.stat().st_size)
    except OSError as error:
        raise _unreadable(path, error) from error


def decode(recording: Recording, options: DecodeOptions) -> Audio:
    """All of a recording's samples, (n_channels, n_samples) float32 in [-1, 1], at the file's own rate.

    Raises SkippableError, naming the file, what is wrong and the remedy, for what is empty, cut short, not
    audio, under another format's name, without sound, clipped beyond use, or of a shape that the options do
    not cover. Raises RetryableError if memory runs out.
    """
    name = recording.name
    if recording.size_bytes == 0:
        raise SkippableError(f"{name} is empty: 0 bytes", "Copy the file again from the recorder")
    _check_complete(recording)
    try:
        samples, rate_hz, container, codec = _read(recording)
    except MemoryError as error:
        raise RetryableError(f"Memory ran out while {name} was decoded", "Set batch.group_audio_s lower") from error
    _check_extension(recording.path, container, options)
    _check_shape(name, samples, rate_hz, options)
    _check_sound(name, samples, options)
    return Audio(samples, rate_hz, _channels(name, len(samples), options), container, codec)


def _read(recording: Recording) -> tuple[Samples, int, str, str]:
    import soundfile

    try:
        with soundfile.SoundFile(recording.path) as file:
            samples = np.ascontiguousarray(file.read(dtype="float32", always_2d=True).T)
            return samples, file.samplerate, file.format, file.subtype
    except (soundfile.LibsndfileError, OSError, ValueError) as error:
        return _read_with_av(recording, error)


def _read_with_av(recording: Recording, first: Exception) -> tuple[Samples, int, str, str]:
    import av

    try:
        return _av_samples(recording.path)
    except (av.FFmpegError, ValueError) as error:
        raise SkippableError(
            f"{recording.name} is not audio that can be read: {_sentence(first)}; {_sentence(error)}",
            "Check that the file is a recording, and copy it again if it was cut short",
        ) from error


def _av_samples(path: Path) -> tuple[Samples, int, str, str]:
    """What PyAV makes of a file. Raises ValueError if there is no sound in it, and PyAV's own errors."""
    import av

    # Absolute, since "9:30.m4a" would be a URL.
    with av.open(str(path.absolute())) as file:
        if not file.streams.audio:
            raise ValueError("it has no audio track")
        stream = file.streams.audio[0]
        resampler = av.AudioResampler(format="fltp")
        blocks = [block.to_ndarray() for frame in file.decode(stream) for block in resampler.resample(frame)]
        if not blocks:
            raise ValueError("its audio track is empty")
        samples = np.concatenate(blocks, axis=1).astype(np.float32, copy=False)
        container = file.format.name.split(",")[0].upper()
        return samples, int(stream.rate), container, stream.codec_context.name.upper()


def _unreadable(path: Path, error: OSError) -> SkippableError:
    return SkippableError(f"{path.name} cannot be read: {error.strerror}", "Check the file's permissions and the disk")


def _sentence(error: Exception) -> str:
    """The message of a library's error without the path that it may hold."""
    text = getattr(error, "error_string", None) or getattr(error, "strerror", None) or str(error)
    return str(text).strip().rstrip(".")


def _check_complete(recording: Recording) -> None:
    """Refuse a WAV file whose header promises more samples than the file holds."""
    try:
        promised = _promised_bytes(recording.path)
    except OSError as error:
        raise _unreadable(recording.path, error) from error
    if promised is not None and promised > recording.size_bytes:
        raise SkippableError(
            f"{recording.name} is cut short: its header promises {promised} bytes, the file has {recording.size_bytes}",
            "Copy the file again once the recorder has finished it",
        )


def _promised_bytes(path: Path) -> int | None:
    """Where the data of a RIFF WAVE file should end, or None if the header does not say."""
    with path.open("rb") as file:
        head = file.read(12)
        if len(head) < 12 or head[:4] != b"RIFF" or head[8:] != b"WAVE":
            return None
        while len(chunk := file.read(8)) == 8:
            tag, size = struct.unpack("<4sI", chunk)
            if tag == b"data":
                low, high = _UNKNOWN_SIZES
                return file.tell() + size if low < size < high else None
            file.seek(size + size % 2, 1)
    return None


def _check_extension(path: Path, container: str, options: DecodeOptions) -> None:
    allowed = EXTENSIONS.get(path.suffix.lower())
    if options.check_extension and allowed is not None and container not in allowed:
        raise SkippableError(
            f"{path.name} is named {path.suffix} but holds {container}",
            "Rename it if it is the right file, or set decode.check_extension to false",
        )


def _check_shape(name: str, samples: Samples, rate_hz: int, options: DecodeOptions) -> None:
    n_channels, n_samples = samples.shape
    if n_samples == 0:
        raise SkippableError(f"{name} has a header but no samples", "Copy the file again from the recorder")
    if rate_hz < options.min_sample_rate_hz:
        raise SkippableError(
            f"{name} is sampled at {rate_hz} Hz, below {options.min_sample_rate_hz} Hz",
            "Record at the telephone's 8000 Hz or more, or lower decode.min_sample_rate_hz",
        )
    if n_samples < options.min_duration_s * rate_hz:
        raise SkippableError(
            f"{name} is too short: {n_samples} samples are {n_samples / rate_hz:.4f} s, "
            f"under {options.min_duration_s} s",
            "Nothing can be said in so short a time; lower decode.min_duration_s to keep it",
        )
    if n_channels > 2:
        raise SkippableError(
            f"{name} has {n_channels} channels; one or two are known",
            "Mix it down to the agent's and the customer's channel",
        )


def _check_sound(name: str, samples: Samples, options: DecodeOptions) -> None:
    bad = int(np.count_nonzero(~np.isfinite(samples)))
    if bad:
        raise SkippableError(
            f"{name} holds {bad} samples of {samples.size} that are not numbers (NaN or infinite)",
            "Export it again as 16-bit PCM",
        )
    peaks = np.abs(samples).max(axis=1)
    if peaks.max() < _SILENT_PEAK:
        raise SkippableError(
            f"{name} is silent: no channel exceeds {_SILENT_PEAK:g} of full scale",
            "Check the recorder's line; nothing was recorded",
        )
    shares = [
        float(np.mean(np.abs(channel) > _CLIP_MARGIN * peak))
        for channel, peak in zip(samples, peaks, strict=True)
        if peak >= _CLIP_PEAK
    ]
    clipped = max(shares, default=0.0)
    if clipped > options.max_clipped_share:
        raise SkippableError(
            f"{name} is clipped: {clipped:.0%} of a channel's samples sit at its peak, "
            f"over {options.max_clipped_share:.0%}",
            "Lower the recorder's gain; raise decode.max_clipped_share to transcribe it all the same",
        )


def _channels(name: str, n_channels: int, options: DecodeOptions) -> tuple[Channel, ...]:
    if n_channels == 1:
        return (Channel.MIXED,)
    first, second = options.two_channel_map
    if first == second:
        raise SkippableError(
            f"{name} has two channels, and decode.two_channel_map names both {first}",
            "Set it to agent and customer in the order in which your recorder writes them",
        )
    return first, second
