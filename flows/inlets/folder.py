"""A folder into which a recorder writes, be it of another machine's disk."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from asr.errors import ConfigError, MetadataError, RetryableError
from configs.settings import Settings
from flows.inlets.base import Fetched, GoneError, Names
from flows.metadata import Told, sidecars_of, told_of
from storage.places import file_path
from storage.types import Arrival


@dataclass(slots=True)
class FolderInlet:
    """A folder with all below it. `clock` gives seconds that only grow, `now` seconds since 1970."""

    root: Path
    settings: Settings
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    _unchanged: dict[Path, tuple[str, float]] = field(default_factory=dict)
    """The version in which each file was seen last, and since when."""
    _told: dict[Path, tuple[str, str]] = field(default_factory=dict)
    """What the files that tell of each recording looked like last, and a digest of what they told."""

    def __post_init__(self) -> None:
        if not self.root.is_dir():
            raise ConfigError(f"{self.root} is no folder", "Name a folder that is there, or s3://bucket/prefix")
        self.root = self.root.absolute()

    @property
    def prefix(self) -> str:
        """How the URIs of its files begin."""
        return f"{self.root.as_uri().rstrip('/')}/"

    def look(self) -> list[Arrival]:
        """The files that are complete. Raises RetryableError if the folder is away, as one that is mounted may be."""
        if not self.root.is_dir():
            raise RetryableError(f"{self.root} is not there", "Mount it again")
        found = {path: version for path in self._files() if (version := _version(path))}
        seen_s = self.clock()
        since = {path: self._since(path, version, seen_s) for path, version in found.items()}
        self._unchanged = {path: (found[path], since[path]) for path in found}
        complete = [path for path in found if self._is_complete(path, seen_s - since[path])]
        told = self._digests(complete)
        sizes = {path: int(found[path].partition("-")[0]) for path in complete}
        return [Arrival(path.as_uri(), found[path], told[path], sizes[path]) for path in complete]

    def fetch(self, arrival: Arrival, _scratch: Path) -> Fetched:
        """The file where it lies. Raises GoneError if it is not there in that version."""
        path = file_path(arrival.uri)
        if not self.is_there(arrival):
            raise GoneError(f"{path.name} changed or went before it was read")
        return Fetched(path, self.root)

    def told(self, arrival: Arrival, _scratch: Path) -> Fetched:
        """The file where it lay: what tells of it is beside it."""
        return Fetched(file_path(arrival.uri), self.root)

    def is_there(self, arrival: Arrival) -> bool:
        """Whether the file has not changed since it was seen: a recorder may have gone on writing."""
        return _version(file_path(arrival.uri)) == arrival.version

    def settled(self, arrival: Arrival) -> None:
        """Remove the marker of a file that is no longer there."""
        path = file_path(arrival.uri)
        if not path.exists():
            for marker in self._markers(path):
                marker.unlink(missing_ok=True)

    def beat(self) -> None:
        """Nobody else has to be told."""

    def _files(self) -> Iterator[Path]:
        names = Names(self.settings)
        for folder, folders, files in os.walk(self.root):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(files):
                path = Path(folder) / name
                if names.want(path.relative_to(self.root).as_posix()):
                    yield path

    def _since(self, path: Path, version: str, seen_s: float) -> float:
        before = self._unchanged.get(path)
        return before[1] if before and before[0] == version else seen_s

    def _is_complete(self, path: Path, unchanged_s: float) -> bool:
        options = self.settings.ingest
        marked = any(marker.exists() for marker in self._markers(path))
        whole = {
            "stable": marked or unchanged_s >= options.stable_s,
            "marker": marked,
            "rename": True,
        }
        if not whole[options.complete]:
            return False
        if options.sidecar_wait_s <= 0 or any(one.exists() for one in sidecars_of(path, self.settings.metadata)):
            return True
        try:
            return self.now() - path.stat().st_mtime >= options.sidecar_wait_s
        except OSError:
            return False

    def _markers(self, path: Path) -> tuple[Path, Path]:
        ending = self.settings.ingest.marker
        return path.with_name(path.name + ending), path.with_name(path.stem + ending)

    def _digests(self, paths: list[Path]) -> dict[Path, str]:
        """A digest of what is told of each file; read again only where a sidecar or manifest looks otherwise."""
        manifests: dict[Path, str] = {}
        looks = {path: self._look_of_tellers(path, manifests) for path in paths}
        changed = [path for path in paths if path not in self._told or self._told[path][0] != looks[path]]
        told = told_of(changed, [self.root], self.settings.metadata) if changed else {}
        fresh = {path: _digest(told[path]) for path in changed}
        self._told = {path: (looks[path], fresh.get(path) or self._told[path][1]) for path in paths}
        return {path: digest for path, (_, digest) in self._told.items()}

    def _look_of_tellers(self, path: Path, manifests: dict[Path, str]) -> str:
        versions = [_version(sidecar) for sidecar in sidecars_of(path, self.settings.metadata)]
        name = self.settings.metadata.manifest
        for folder in path.parents if name else ():
            if folder not in manifests:
                manifests[folder] = _version(folder / name)
            versions.append(manifests[folder])
            if folder == self.root:
                break
        return "|".join(versions)


def _digest(told: Told) -> str:
    """What is another one when something else is told: no value of it can be read from that."""
    text = str(told) if isinstance(told, MetadataError) else repr(sorted(asdict(told).items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _version(path: Path) -> str:
    """What is another one when a file's bytes may be; empty if there is none."""
    try:
        stat = path.stat()
    except OSError:
        return ""
    return f"{stat.st_size}-{stat.st_mtime_ns}-{stat.st_ino}"
