"""`callwright export`: the views as Parquet files for other tools."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from flows import parquet, report
from flows.commands import options
from flows.commands.look import Reader, reader
from storage.audit_log import Detail

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command(epilog="Example: callwright export lake --since 2026-09-01")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--since", type=_DAY, help="Calls of this day, in UTC, and later ones.")
@click.option("--until", type=_DAY, help="Calls of this day, in UTC, and earlier ones.")
@reader
@options.as_json
def export(folder: Path, since: datetime | None, until: datetime | None, reader: Reader, *, as_json: bool) -> int:
    """Write the analysts' views to FOLDER/VIEW/day=YYYY-MM-DD/part-0.parquet.

    A day is that on which a call began or, where that is not told, was first seen. Each is written anew as a whole, so
    that the same command may run every night; what was erased is gone from there after it. Needs the extra `parquet`.
    """
    parquet.check()
    first, last = (day.date() if day else None for day in (since, until))
    asked: Detail = {
        "folder": str(folder.absolute()),
        "since": first.isoformat() if first else None,
        "until": last.isoformat() if last else None,
        "as": reader.role,
    }
    # Twice, because an export that is killed has written something too.
    repository = reader.archive.repository
    repository.looked_at("export", "transcript.export.begin", asked)
    exported = parquet.export(reader.database, folder, first, last)
    told = {"days": exported.days, "calls": exported.rows["v_calls"], "turns": exported.rows["v_turns"]}
    repository.looked_at("export", "transcript.export", {**asked, **told})
    if as_json:
        report.print_json({"days": exported.days, "rows": exported.rows, "removed": exported.removed})
        return 0
    report.print_table(("view", "rows"), list(exported.rows.items()), right=("rows",))
    gone = f", {exported.removed} files of days without rows removed" if exported.removed else ""
    click.echo(f"\n{exported.days} days in {folder}{gone}")
    return 0
