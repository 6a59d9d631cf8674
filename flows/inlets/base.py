"""What all places where recordings come in have in common."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Protocol

from asr.decode import EXTENSIONS
from asr.errors import SkippableError
from asr.files.formats import RECORDED
from configs.settings import Settings
from flows.metadata import is_metadata
from storage.types import Arrival


class GoneError(SkippableError):
    """What had arrived was taken away, or became another version, before it was read."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A recording's file on this machine, what tells of it beside it, and the outermost folder that may tell of it."""

    path: Path
    root: Path


class Inlet(Protocol):
    """A place where recordings come in."""

    @property
    def prefix(self) -> str:
        """How the URIs of all that comes in here begin; empty if that cannot be said."""
        ...

    def look(self) -> list[Arrival]:
        """What is complete there now, settled or not. Raises RetryableError or FatalError if one cannot look."""
        ...

    def fetch(self, arrival: Arrival, scratch: Path, /) -> Fetched:
        """A recording's file, where it lies or in the scratch folder, and its sidecars with it.

        Raises GoneError if that version is no longer there, SkippableError if it cannot be read, RetryableError or
        FatalError as for `look`.
        """
        ...

    def told(self, arrival: Arrival, scratch: Path, /) -> Fetched:
        """As `fetch`, without the recording itself."""
        ...

    def is_there(self, arrival: Arrival) -> bool:
        """Whether that version is still there."""
        ...

    def settled(self, arrival: Arrival) -> None:
        """All of it is kept: whoever told of it need not again."""
        ...

    def beat(self) -> None:
        """What is in hand here stays so for another while. Raises nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Names:
    """Which names are those of recordings that are wanted."""

    settings: Settings

    def want(self, below: str) -> bool:
        """Whether a path, from the source on and with slashes, is a recording's by its name and the patterns."""
        path, options = PurePosixPath(below), self.settings.ingest
        if any(part.startswith(".") for part in path.parts) or is_metadata(Path(path.name), self.settings.metadata):
            return False
        known = {*EXTENSIONS, *RECORDED, *self.settings.decode.headerless}
        included = _matches(below, options.include) if options.include else path.suffix.lower() in known
        return included and not _matches(below, options.exclude)


def _matches(below: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch(below, pattern) for pattern in patterns)
