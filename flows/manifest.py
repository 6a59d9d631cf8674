"""A folder's manifest: one CSV or JSON Lines file that tells of many recordings, a row each."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asr.errors import MetadataError
from storage.options import MetadataOptions

_MEND = "Mend it; until then the recordings that may be meant wait"


@dataclass(frozen=True, slots=True, repr=False)
class Row:
    """What one row tells, and the line that it stands in, counted from 1."""

    line: int
    values: Mapping[str, Any]


@dataclass(slots=True, repr=False)
class Manifest:
    """Rows by the file name or path that they are of. `faults` are of whole rows, `unused` the keys not asked for."""

    name: str
    rows: dict[str, Row | MetadataError] = field(default_factory=dict)
    fault: MetadataError | None = None
    unused: set[str] = field(default_factory=set)

    def row(self, path: str, name: str) -> Row | None:
        """What is told of a recording, by its path from here or by its name; None if nothing is.

        Raises MetadataError for a row that is wrong or there twice. Where the row of a recording could stand in a line
        that cannot be read, that is an error too: the line may say that there was no consent.
        """
        key = path if path in self.rows else name
        self.unused.discard(key)
        found = self.rows.get(key, self.fault)
        if isinstance(found, MetadataError):
            raise found
        return found


def read_manifest(path: Path, options: MetadataOptions) -> Manifest | None:
    """The manifest in a file, None if there is no such file. What is wrong with it is told when a row is asked for."""
    manifest = Manifest(path.name)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        what = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        manifest.fault = MetadataError(f"{path.name} cannot be read: {what}", _MEND)
        return manifest
    lines = _json_lines(text) if path.suffix == ".jsonl" else _csv_rows(text, options.manifest_columns)
    try:
        for line, values in lines:
            _add(manifest, line, values, options.manifest_key)
    except csv.Error as error:
        manifest.fault = MetadataError(f"{path.name} is not CSV: {error}", _MEND)
    manifest.unused = set(manifest.rows)
    return manifest


def _add(manifest: Manifest, line: int, values: object, key: str) -> None:
    place = f"{manifest.name}, line {line}"
    if not isinstance(values, dict) or key not in values:
        manifest.fault = MetadataError(f"{place}: nothing stands under {key!r}", f"{_MEND}. See metadata.manifest_key")
        return
    name = str(values[key] or "").strip()
    if not name:
        return  # a call that was not recorded
    told = {column: value for column, value in values.items() if column != key}
    row: Row | MetadataError = Row(line, told)
    if None in told:
        row = MetadataError(f"{place}: the row has more cells than there are columns", "Quote cells that hold a comma")
    elif name in manifest.rows:
        row = MetadataError(f"{place}: an earlier row is of the same recording", "Leave one of them")
    manifest.rows[name] = row


def _csv_rows(text: str, columns: tuple[str, ...]) -> Iterator[tuple[int, object]]:
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), columns or None, delimiter=delimiter, strict=True)
    for row in reader:
        yield reader.line_num, row


def _json_lines(text: str) -> Iterator[tuple[int, object]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError):
                yield number, None
