"""What is told of each recording beside its sound: by its sidecar, by a manifest, by its file name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from asr.decode import EXTENSIONS
from asr.errors import MetadataError
from asr.types import CallMetadata
from flows.manifest import Manifest, read_manifest
from flows.told import Document, check, refusal
from storage.options import MetadataOptions, zone_named

Told = CallMetadata | MetadataError
"""What is told of a call, or why that cannot be right."""

_MAX_BYTES = 1 << 20
"""A sidecar of more than 1 MiB is something else: those of the recorders in docs/metadata.md have under 64 kB."""

_MAX_NAMED = 5
"""So many names a note lists."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """What is told of each file, and what somebody should know who wonders why nothing is told."""

    told: Mapping[Path, Told]
    notes: tuple[str, ...]


def sound(told: Told) -> CallMetadata:
    """What is told, if it can be right. Raises the MetadataError if it cannot."""
    if isinstance(told, MetadataError):
        raise told
    return told


def is_metadata(path: Path, options: MetadataOptions) -> bool:
    """Whether a file's name is that of a sidecar or manifest, so that it is no recording."""
    is_sidecar = bool(options.sidecar) and path.name.lower().endswith(options.sidecar.lower())
    return is_sidecar or path.name == options.manifest


def told_of(files: Sequence[Path], paths: Sequence[Path], options: MetadataOptions) -> dict[Path, Told]:
    """What is told of the recordings in these files, which were found under the paths.

    Field by field a sidecar's word counts before a manifest's, and that before the file name's. A manifest tells of the
    recordings in its folder and below; of several above a recording the nearest that has a row for it counts.
    """
    return _desk(paths, options).told(files)


def gather(files: Sequence[Path], paths: Sequence[Path], options: MetadataOptions) -> Gathered:
    """As `told_of`, with notes on what tells of no recording, for which all below the paths is looked through."""
    desk = _desk(paths, options)
    return Gathered(desk.told(files), tuple(_notes(desk, files, paths)))


def _desk(paths: Sequence[Path], options: MetadataOptions) -> _Desk:
    return _Desk(options, frozenset(path for path in paths if path.is_dir()))


@dataclass(slots=True)
class _Desk:
    """Where documents are read, each manifest once."""

    options: MetadataOptions
    folders: frozenset[Path]
    manifests: dict[Path, Manifest | None] = field(default_factory=dict)
    mute: list[str] = field(default_factory=list)

    def told(self, files: Sequence[Path]) -> dict[Path, Told]:
        """What is told of each file, or why that cannot be right."""
        told: dict[Path, Told] = {}
        for file in files:
            try:
                told[file] = _together(self.documents(file), self.options)
            except MetadataError as error:
                told[file] = error
        return told

    def documents(self, file: Path) -> list[Document]:
        """What tells of a recording, the weightiest first. Raises MetadataError for what cannot be right."""
        found = (self._sidecar(file), self._row(file), _by_pattern(file, self.options))
        return [document for document in found if document is not None]

    def _sidecar(self, file: Path) -> Document | None:
        path = next((path for path in sidecars_of(file, self.options) if path.is_file()), None)
        if path is None:
            return None
        raw = _read_json(path)
        document = check(f"sidecar {path.name}", raw, self.options.fields, self.options)
        if document.values:
            return document
        # A transcript for comparison may lie there as well, whose words must not be kept: `bench asr` wants it there.
        if "turns" not in raw:
            self.mute.append(path.name)
        return None

    def _row(self, file: Path) -> Document | None:
        if not self.options.manifest:
            return None
        above = [file.parent, *file.parent.parents]
        outermost = next((at for at, folder in enumerate(above) if folder in self.folders), 0)
        for folder in above[: outermost + 1]:
            path = folder / self.options.manifest
            if path not in self.manifests:
                self.manifests[path] = read_manifest(path, self.options)
            manifest = self.manifests[path]
            row = manifest.row(file.relative_to(folder).as_posix(), file.name) if manifest else None
            if manifest and row:
                document = check(f"{manifest.name}, line {row.line}", row.values, self.options.fields, self.options)
                return Document(f"manifest {manifest.name}", document.values, document.other)
        return None


def _by_pattern(file: Path, options: MetadataOptions) -> Document | None:
    matched = re.fullmatch(options.pattern, file.name) if options.pattern else None
    return check("pattern", matched.groupdict(), {}, options) if matched else None


def _together(documents: Sequence[Document], options: MetadataOptions) -> CallMetadata:
    """One word on a call from all that tells of it, the weightiest first."""
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    other: dict[str, Any] = {}
    for document in reversed(documents):
        other |= document.other
        for name, value in document.values.items():
            if name == "time_zone":
                continue  # it is a part of started_at
            values[name] = value
            sources[name] = document.name
            if name == "started_at":
                values[name] = _WithZone(value, document.values.get("time_zone") or options.time_zone)
    if "started_at" in values:
        values["started_at"] = values["started_at"].aware(sources["started_at"])
    return CallMetadata(**values, other=other, sources=sources)


@dataclass(frozen=True, slots=True)
class _WithZone:
    """A time as it was told, and the zone that it is in if it does not say one itself."""

    moment: datetime
    zone: str

    def aware(self, document: str) -> datetime:
        """The time with its offset; of an hour that comes twice, the first."""
        if self.moment.tzinfo is not None:
            return self.moment
        if not self.zone:
            raise refusal(document, "time_zone", "is missing, and started_at has none of its own")
        aware = self.moment.replace(tzinfo=zone_named(self.zone))
        if aware.astimezone(UTC).astimezone(aware.tzinfo).replace(tzinfo=None) != self.moment:
            raise refusal(document, "started_at", f"is an hour that clocks leave out in {self.zone}")
        # In an hour that comes twice, a time is equal to none of another zone (PEP 495): offsets are plain.
        return aware.replace(tzinfo=timezone(aware.utcoffset() or timedelta()))


def sidecars_of(file: Path, options: MetadataOptions) -> list[Path]:
    """Where a recording's sidecar may lie: named after it without its ending, and with it."""
    if not options.sidecar:
        return []
    return [file.with_name(file.stem + options.sidecar), file.with_name(file.name + options.sidecar)]


def _read_json(path: Path) -> dict[str, Any]:
    remedy = "Write it again as one JSON object in UTF-8, or take it away"
    try:
        size = path.stat().st_size
        if size > _MAX_BYTES:
            raise MetadataError(f"sidecar {path.name} has {size} bytes, over {_MAX_BYTES}", remedy)
        raw = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise MetadataError(f"sidecar {path.name} cannot be read: {error.strerror}", "Check its permissions") from error
    except json.JSONDecodeError as error:
        raise MetadataError(f"sidecar {path.name} is not JSON: {error.msg} in line {error.lineno}", remedy) from None
    except (ValueError, RecursionError):
        raise MetadataError(f"sidecar {path.name} is not JSON in UTF-8", remedy) from None
    if not isinstance(raw, dict):
        raise MetadataError(f"sidecar {path.name} is JSON, but no object", remedy)
    return raw


def _notes(desk: _Desk, files: Sequence[Path], paths: Sequence[Path]) -> Iterable[str]:
    told_of = {path for file in files for path in sidecars_of(file, desk.options)}
    alone = [path.name for path in _all_sidecars(paths, desk.options) if path not in told_of]
    if alone:
        yield f"Sidecars without a recording: {_named(alone)}"
    if desk.mute:
        yield f"Sidecars that tell nothing under a known name: {_named(desk.mute)}. See metadata.fields"
    for path, manifest in desk.manifests.items():
        if manifest and manifest.unused and not desk.folders.isdisjoint([path.parent, *path.parent.parents]):
            yield f"Rows of {path.name} without a recording: {_named(sorted(manifest.unused))}"


def _all_sidecars(paths: Sequence[Path], options: MetadataOptions) -> Iterable[Path]:
    for path in paths if options.sidecar else ():
        if path.is_dir():
            below = sorted(path.rglob(f"*{options.sidecar}"))
            yield from (file for file in below if not any(part[0] == "." for part in file.relative_to(path).parts))
        elif is_metadata(path, options) and path.name != options.manifest and not _has_sound(path, options):
            yield path


def _has_sound(sidecar: Path, options: MetadataOptions) -> bool:
    """Whether a recording lies beside a sidecar, though it was not asked for."""
    name = sidecar.name[: -len(options.sidecar)]
    return any(sidecar.with_name(name + ending).exists() for ending in ("", *EXTENSIONS) if name + ending)


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else ""
    return ", ".join(names[:_MAX_NAMED]) + more
