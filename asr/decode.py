"""A file as received: who it is, whether it is a sound recording, and its samples."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from asr.errors import RetryableError, SkippableError
from asr.files.completeness import promised_bytes
from asr.files.options import DEFAULT_CHANNEL_MAPS, MOST_CHANNELS, DecodeOptions, check_roles
from asr.files.readers import Reader, open_reader
from asr.levels import Levels
from asr.types import Audio, Channel, Recording

EXTENSIONS = {
    ".wav": {"WAV", "WAVEX", "RF64", "W64"},
    ".flac": {"FLAC"},
    ".mp3": {"MP3"},
    ".ogg": {"OGG"},
    ".oga": {"OGG"},
    ".opus": {"OGG"},
    ".m4a": {"MOV"},
    ".mp4": {"MOV"},
    ".mov": {"MOV"},
    ".3gp": {"MOV"},
    ".webm": {"MATROSKA"},
    ".mkv": {"MATROSKA"},
    ".mka": {"MATROSKA"},
    ".aac": {"AAC"},
    ".amr": {"AMR"},
    ".awb": {"AMR"},
    ".wma": {"ASF"},
    ".asf": {"ASF"},
    ".avi": {"AVI"},
    ".aif": {"AIFF"},
    ".aiff": {"AIFF"},
    ".au": {"AU"},
    ".caf": {"CAF"},
    ".rf64": {"RF64"},
    ".w64": {"W64"},
    ".sph": {"NIST"},
    ".voc": {"VOC"},
}
"""File name extensions of recordings, and the containers that may stand behind each."""

_SILENT_PEAK = 1e-3
"""-60 dBFS: the idle patterns of mu-law and A-law reach 2.4e-4."""

_MOST_HZ = 192_000
"""A higher rate is a damaged header; blocks and filters would grow with it."""

ChannelMap = tuple[Channel | None, ...]
"""Whose side each channel of a file carries; None for one that is not listened to."""


def identify(path: Path) -> Recording:
    """The recording in a file, by the SHA-256 of its bytes. Raises SkippableError if it cannot be read."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return Recording(digest, path, path.stat().st_size)
    except OSError as error:
        raise _unreadable(path, error) from error


def check_unchanged(recording: Recording) -> None:
    """Raise SkippableError for a recording whose file is longer or shorter than when it was identified; one that was
    taken away has been read."""
    try:
        size_bytes = recording.path.stat().st_size
    except OSError:
        return
    if size_bytes != recording.size_bytes:
        raise SkippableError(
            f"{recording.name} changed while it was read: it had {recording.size_bytes} bytes, and now {size_bytes}",
            "Nothing has to be done where it is watched: what it is now is taken as another recording. "
            "Let the recorder finish a file before it is taken",
        )


@contextmanager
def open_recording(recording: Recording, options: DecodeOptions) -> Iterator[Reader]:
    """Open a recording, after every check that needs no sample of it.

    Raises SkippableError, naming the file, what is wrong and the remedy, for what is empty, cut short, not audio,
    under another format's name, or of a shape that the options do not cover.
    """
    if recording.size_bytes == 0:
        raise SkippableError(f"{recording.name} is empty: 0 bytes", "Copy the file again from the recorder")
    _check_complete(recording)
    with open_reader(recording, options.headerless.get(recording.path.suffix.lower())) as reader:
        _check_extension(recording.path, reader.container, options)
        _check_shape(recording.name, reader, options)
        yield reader


def check_sound(name: str, levels: Sequence[Levels], sample_rate_hz: int, options: DecodeOptions) -> None:
    """Raise SkippableError for a recording that is too short, silent, clipped beyond use or holds what is no number.

    `levels` are its channels', once all of their samples are counted.
    """
    _check_length(name, levels[0].n_samples, sample_rate_hz, options)
    _check_numbers(name, levels)
    _check_loudness(name, levels, options)


def channels_of(name: str, n_channels: int, options: DecodeOptions, given: ChannelMap | None = None) -> ChannelMap:
    """Whose side each channel carries, None for one that is not listened to: as `given`, or else as the options say.

    Raises SkippableError, naming the option, if there is no map for so many channels, or the given one does not fit.
    """
    if given is not None:
        return _fitting(name, n_channels, given)
    for roles in (*options.channel_maps, *DEFAULT_CHANNEL_MAPS):
        if len(roles) == n_channels:
            return tuple(None if role == "ignored" else Channel(role) for role in roles)
    example = ["agent", "customer", *["ignored"] * (n_channels - 2)]
    raise SkippableError(
        f"{name} has {n_channels} channels, and decode.channel_maps has no list of that length",
        f"Add one in the order in which your recorder writes them, such as {json.dumps(example)}"
        if n_channels <= MOST_CHANNELS
        else f"At most {MOST_CHANNELS} channels are read: copy out those of the agent and the customer",
    )


def _fitting(name: str, n_channels: int, given: ChannelMap) -> ChannelMap:
    try:
        check_roles([channel or "ignored" for channel in given])
    except ValueError as error:
        raise SkippableError(f"{name} cannot be read as asked: {error}", "Name each speaker once") from error
    if len(given) != n_channels:
        raise SkippableError(
            f"{name} has {n_channels} channels, and the channel map that comes with it has {len(given)}",
            "Give a role, or ignored, for each of its channels",
        )
    return given


def decode(recording: Recording, options: DecodeOptions) -> Audio:
    """All of a recording's samples in memory, (n_channels, n_samples) float32 in [-1, 1], at the file's own rate.

    Channels that are ignored are left out. Raises what `open_recording`, `channels_of` and `check_sound` raise, and
    RetryableError if memory runs out.
    """
    try:
        with open_recording(recording, options) as reader:
            named = channels_of(recording.name, reader.n_channels, options)
            heard = [at for at, channel in enumerate(named) if channel]
            blocks = [block[heard] for block in reader.blocks]
            levels = [Levels() for _ in heard]
            for block in blocks:
                for samples, level in zip(block, levels, strict=True):
                    level.add(samples)
            check_sound(recording.name, levels, reader.sample_rate_hz, options)
            channels = tuple(channel for channel in named if channel)
            samples = np.concatenate([np.zeros((len(heard), 0), np.float32), *blocks], axis=1)
            return Audio(samples, reader.sample_rate_hz, channels, reader.container, reader.codec)
    except MemoryError as error:
        raise RetryableError(
            f"Memory ran out while {recording.name} was decoded", "Free memory, then try again"
        ) from error


def _unreadable(path: Path, error: OSError) -> SkippableError:
    return SkippableError(f"{path.name} cannot be read: {error.strerror}", "Check the file's permissions and the disk")


def _check_complete(recording: Recording) -> None:
    """Refuse a file whose header promises more than the file holds."""
    try:
        promised = promised_bytes(recording.path)
    except OSError as error:
        raise _unreadable(recording.path, error) from error
    if promised is not None and promised > recording.size_bytes:
        raise SkippableError(
            f"{recording.name} is cut short: its header promises {promised} bytes, the file has {recording.size_bytes}",
            "Copy the file again once the recorder has finished it",
        )


def _check_extension(path: Path, container: str, options: DecodeOptions) -> None:
    allowed = EXTENSIONS.get(path.suffix.lower())
    if options.check_extension and allowed is not None and container not in allowed:
        raise SkippableError(
            f"{path.name} is named {path.suffix} but holds {container}",
            "Rename it if it is the right file, or set decode.check_extension to false",
        )


def _check_shape(name: str, reader: Reader, options: DecodeOptions) -> None:
    if reader.sample_rate_hz < options.min_sample_rate_hz:
        raise SkippableError(
            f"{name} is sampled at {reader.sample_rate_hz} Hz, below {options.min_sample_rate_hz} Hz",
            "Record at the telephone's 8000 Hz, or lower decode.min_sample_rate_hz",
        )
    if reader.sample_rate_hz > _MOST_HZ:
        raise SkippableError(
            f"{name} says that it is sampled at {reader.sample_rate_hz} Hz, above {_MOST_HZ} Hz",
            "Check the recorder: no microphone needs more",
        )


def _check_length(name: str, n_samples: int, rate_hz: int, options: DecodeOptions) -> None:
    if n_samples == 0:
        raise SkippableError(f"{name} has a header but no samples", "Copy the file again from the recorder")
    if n_samples < options.min_duration_s * rate_hz:
        raise SkippableError(
            f"{name} is too short: {n_samples} samples are {n_samples / rate_hz:.4f} s, "
            f"under {options.min_duration_s} s",
            "Nothing can be said in so short a time; lower decode.min_duration_s to keep it",
        )


def _check_numbers(name: str, levels: Sequence[Levels]) -> None:
    bad, all_samples = sum(level.not_numbers for level in levels), sum(level.n_samples for level in levels)
    if bad:
        raise SkippableError(
            f"{name} holds {bad} samples of {all_samples} that are not numbers (NaN or infinite)",
            "Export it again as 16-bit PCM",
        )


def _check_loudness(name: str, levels: Sequence[Levels], options: DecodeOptions) -> None:
    if max(level.peak for level in levels) < _SILENT_PEAK:
        raise SkippableError(
            f"{name} is silent: no channel exceeds {_SILENT_PEAK:g} of full scale",
            "Check the recorder's line; nothing was recorded",
        )
    clipped = max(level.clipped_share for level in levels)
    if clipped > options.max_clipped_share:
        raise SkippableError(
            f"{name} is clipped: {clipped:.0%} of a channel's samples sit at its peak, "
            f"over {options.max_clipped_share:.0%}",
            "Lower the recorder's gain; raise decode.max_clipped_share to transcribe it all the same",
        )
