"""The views of the database as Parquet files, one a view and a day."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from asr.errors import ConfigError, FatalError
from flows.presence import alone_in
from storage.session import Database
from storage.views import VIEWS, days, rows_of

_FILE = "part-0.parquet"
_UNFINISHED = ".part-0.parquet"
"""Readers of Parquet folders leave out names that begin with a dot."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: days and rows by view; `removed` counts files of days of which nothing is left."""

    days: int
    rows: Mapping[str, int]
    removed: int


def check() -> None:
    """Raise ConfigError if pyarrow, which writes Parquet, is not installed."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        remedy = "Install it: pip install 'callwright[parquet]'"
        raise ConfigError("pyarrow, which writes Parquet, is not installed", remedy) from error


def export(database: Database, folder: Path, since: date | None, until: date | None) -> Exported:
    """Write FOLDER/VIEW/day=YYYY-MM-DD/part-0.parquet for each view and day with rows, in place of what was there.

    Each file is whole or as it was, whenever this is killed. Days of the time told of which the database has nothing
    any more, such as erased calls, are removed. The column `day` is in the folder's name.

    Raises ConfigError without pyarrow, FatalError if the folder cannot be written or another export is at work there.
    """
    check()
    totals = dict.fromkeys(VIEWS, 0)
    with alone_in(folder), _told(folder):
        found = days(database, since, until)
        removed = sum(_write_day(database, folder, day, totals) for day in found)
        removed += _remove_others(folder, set(found), since, until)
    return Exported(len(found), totals, removed)


def _write_day(database: Database, folder: Path, day: date, totals: dict[str, int]) -> int:
    """Write a day of all views, then put the files in their places; return how many views have no rows any more."""
    from pyarrow import parquet

    writers: dict[str, Any] = {}
    try:
        for view, rows in rows_of(database, day):
            if view not in writers:
                path = _place(folder, view, day) / _UNFINISHED
                path.parent.mkdir(parents=True, exist_ok=True)
                writers[view] = parquet.ParquetWriter(path, _schema(view), compression="zstd")
            writers[view].write_table(_as_table(view, rows))
            totals[view] += len(rows)
    except BaseException:
        for view in writers:
            (_place(folder, view, day) / _UNFINISHED).unlink(missing_ok=True)
        raise
    finally:
        for writer in writers.values():
            writer.close()
    removed = 0
    for view in VIEWS:
        place = _place(folder, view, day)
        if view in writers:
            _sync(place / _UNFINISHED)
            (place / _UNFINISHED).replace(place / _FILE)
        else:
            removed += _remove(place)
    return removed


def _remove_others(folder: Path, kept: set[date], since: date | None, until: date | None) -> int:
    """Remove the files of other days of the time told, and return how many there were."""
    removed = 0
    for place in (place for view in VIEWS for place in (folder / view).glob("day=*")):
        day = date.fromisoformat(place.name.removeprefix("day="))
        if day not in kept and (since is None or day >= since) and (until is None or day <= until):
            removed += _remove(place)
    return removed


def _remove(place: Path) -> int:
    found = (place / _FILE).exists()
    for name in (_FILE, _UNFINISHED):
        (place / name).unlink(missing_ok=True)
    if place.exists() and not any(place.iterdir()):
        place.rmdir()
    return int(found)


def _place(folder: Path, view: str, day: date) -> Path:
    return folder / view / f"day={day.isoformat()}"


def _schema(view: str) -> Any:
    import pyarrow as pa

    kinds = {
        int: pa.int64(),
        float: pa.float64(),
        str: pa.string(),
        bool: pa.bool_(),
        datetime: pa.timestamp("us", "UTC"),
    }
    return pa.schema([(name, kinds[kind]) for name, kind in VIEWS[view].items() if name != "day"])


def _as_table(view: str, rows: Sequence[Sequence[Any]]) -> Any:
    import pyarrow as pa

    columns = {name: [row[i] for row in rows] for i, name in enumerate(VIEWS[view]) if name != "day"}
    return pa.table(columns, schema=_schema(view))


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FatalError(
            f"{folder} cannot be written: {error.strerror}", "Free space or name another folder, and export again"
        ) from error
