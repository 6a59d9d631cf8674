"""Objects in S3: fetched into a scratch folder, with what tells of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from asr.errors import ConfigError
from configs.settings import Settings
from flows.inlets.base import Fetched, GoneError, Names
from flows.metadata import sidecars_of
from storage.buckets import ObjectVersion, fetch_version, find_version, list_versions
from storage.types import Arrival

_LONGEST_NAME_BYTES = 200
"""File systems take 255; a sidecar's ending and .part have to fit."""


def fetch_object(uri: str, version_id: str, path: Path, within_s: float) -> None:
    """Fetch a version of an object to a path. Raises GoneError if it is no longer there, else as fetch_version does."""
    if fetch_version(uri, version_id, path, within_s) is None:
        raise GoneError(f"{path.name} went before it was read")


def fetch_tellers(uri: str, below: str, tellers: Iterable[str], scratch: Path, within_s: float) -> Fetched:
    """Fetch the objects that tell of one, and say where the object itself is to lie beside them.

    `below` is the end of its URI from its source's folder on. Raises what storage.buckets.fetch_version raises.
    """
    root, base = scratch / "in", uri.removesuffix(below)
    for teller in tellers:
        fetch_version(teller, "", _path(root, teller.removeprefix(base)), within_s)
    return Fetched(_path(root, below), root)


def _path(root: Path, key: str) -> Path:
    """Where an object's file may lie below a folder, whatever its key: keys may hold `..`, and be longer than names."""
    parts = [_name(part) for part in key.split("/") if part not in ("", ".", "..")]
    path = root.joinpath(*parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _name(part: str) -> str:
    if len(part.encode()) <= _LONGEST_NAME_BYTES:
        return part
    return hashlib.sha256(part.encode()).hexdigest() + PurePosixPath(part).suffix[:16]


@dataclass(slots=True)
class BucketInlet:
    """All objects below an s3://bucket/prefix, as they are listed; each version is one arrival."""

    uri: str
    settings: Settings
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _latest: dict[str, ObjectVersion] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.uri.removeprefix("s3://").partition("/")[0]:
            raise ConfigError(f"{self.uri} names no bucket", "Name s3://bucket/prefix")

    @property
    def prefix(self) -> str:
        """How the URIs of its objects begin."""
        bucket, _, prefix = self.uri.removeprefix("s3://").partition("/")
        return f"s3://{bucket}/{prefix}"

    def look(self) -> list[Arrival]:
        """Every version that lies there. Raises what storage.buckets.list_versions raises."""
        versions = list_versions(self.prefix)
        self._latest = {version.uri: version for version in versions if version.is_latest}
        names = Names(self.settings)
        wanted = [version for version in versions if names.want(self._below(version.uri))]
        return [
            Arrival(version.uri, version.version, self._told_by(version.uri), version.size_bytes)
            for version in wanted
            if self._is_awaited_no_more(version)
        ]

    def fetch(self, arrival: Arrival, scratch: Path) -> Fetched:
        """The object in the scratch folder. Raises what fetch_object raises."""
        fetched = self.told(arrival, scratch)
        version_id = arrival.version.partition(" ")[0]
        fetch_object(arrival.uri, version_id, fetched.path, self.settings.ingest.fetch_s)
        return fetched

    def told(self, arrival: Arrival, scratch: Path) -> Fetched:
        """What tells of the object, in the scratch folder."""
        tellers = [*self._sidecars(arrival.uri), *self._manifests(arrival.uri)]
        return fetch_tellers(arrival.uri, self._below(arrival.uri), tellers, scratch, self.settings.ingest.fetch_s)

    def is_there(self, arrival: Arrival) -> bool:
        """Whether the object still has that version."""
        return has_version(arrival)

    def settled(self, arrival: Arrival) -> None:
        """Nobody has told of it."""

    def beat(self) -> None:
        """Nobody else has to be told."""

    def _below(self, uri: str) -> str:
        """An object's path from the last folder of the prefix on."""
        folder = self.prefix[: self.prefix.rindex("/") + 1]
        return uri.removeprefix(folder)

    def _sidecars(self, uri: str) -> list[str]:
        return [name for name in sidecar_uris(uri, self.settings) if name in self._latest]

    def _manifests(self, uri: str) -> list[str]:
        name, folder = self.settings.metadata.manifest, self.prefix[: self.prefix.rindex("/") + 1]
        parts = uri.removeprefix(folder).split("/")[:-1]
        above = [f"{folder}{''.join(f'{part}/' for part in parts[:n])}{name}" for n in range(len(parts) + 1)]
        return [manifest for manifest in above if name and manifest in self._latest]

    def _told_by(self, uri: str) -> str:
        return "|".join(self._latest[name].version for name in self._sidecars(uri))

    def _is_awaited_no_more(self, version: ObjectVersion) -> bool:
        wait_s = self.settings.ingest.sidecar_wait_s
        if wait_s <= 0 or self._sidecars(version.uri):
            return True
        return (self.now() - version.modified_at).total_seconds() >= wait_s


def has_version(arrival: Arrival) -> bool:
    """Whether an object still has that version. Raises what storage.buckets.find_version raises."""
    version_id = arrival.version.partition(" ")[0]
    found = find_version(arrival.uri, "" if version_id == "null" else version_id)
    return found is not None and found.version == arrival.version


def sidecar_uris(uri: str, settings: Settings) -> list[str]:
    """Where an object's sidecar may lie."""
    folder, _, name = uri.rpartition("/")
    return [f"{folder}/{sidecar.name}" for sidecar in sidecars_of(Path(name), settings.metadata)]
