"""From paths that somebody named to recordings, and recordings to groups."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from asr.decode import EXTENSIONS
from asr.errors import ConfigError
from asr.files.formats import RECORDED
from asr.options import BatchOptions
from asr.types import CallMetadata, Recording
from flows.metadata import Told, is_metadata
from storage.options import MetadataOptions

BYTES_PER_S = 16_000
"""A two-channel mu-law call: what length is guessed by when a file does not tell its own."""


@dataclass(frozen=True, slots=True)
class Source:
    """A recording, how long its file says that it is, in seconds, and what is told of the call, or is wrong with it."""

    recording: Recording
    length_s: float
    call: Told = field(default_factory=CallMetadata)


def discover(
    paths: Sequence[Path], metadata: MetadataOptions | None = None, headerless: Collection[str] = ()
) -> list[Path]:
    """The recordings under the paths, each once, in a fixed order.

    A folder gives the files below it with the extension of a recording, but for hidden ones; of one that cannot be read
    too, so that it is not passed over in silence, and of those that are declared `headerless`. A file that is named
    itself is taken whatever its name, unless it holds metadata. Raises ConfigError for a path that does not exist.
    """
    options = metadata or MetadataOptions()
    known = {*EXTENSIONS, *RECORDED, *headerless}
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            files = sorted(file for file in path.rglob("*") if file.suffix.lower() in known)
            found.update((file, None) for file in files if _is_visible(file, path))
        elif path.exists():
            found.update({} if is_metadata(path, options) else {path: None})
        else:
            raise ConfigError(f"{path} does not exist", "Name a recording, or a folder that holds some")
    return list(found)


def _is_visible(file: Path, root: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.relative_to(root).parts)
    return not hidden and file.is_file()


def length_s(recording: Recording) -> float:
    """How long a recording is by its header; by its size where there is no header to read.

    Only for progress and for groups of even size: what is recorded with the call comes from decoding it.
    """
    import soundfile

    try:
        # Not by name, from which libsndfile would guess what has no header.
        with recording.path.open("rb") as file, soundfile.SoundFile(file.fileno(), closefd=False) as sound:
            return float(sound.frames / sound.samplerate)
    except (soundfile.SoundFileError, OSError, ZeroDivisionError):
        return recording.size_bytes / BYTES_PER_S


def group(sources: Iterable[Source], options: BatchOptions) -> list[tuple[Source, ...]]:
    """The recordings in order, cut into groups of bounded audio and number; one long call is its own group."""
    groups: list[list[Source]] = [[]]
    for source in sources:
        audio_s = sum(member.length_s for member in groups[-1]) + source.length_s
        full = audio_s > options.group_audio_s or len(groups[-1]) == options.group_recordings
        if groups[-1] and full:
            groups.append([])
        groups[-1].append(source)
    return [tuple(members) for members in groups if members]
