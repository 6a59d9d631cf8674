"""`callwright quality` and `callwright drift`: how well calls are heard, without a reference, and what changed."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from configs.settings import Settings
from flows.commands import options
from flows.commands.look import archive_of
from flows.hearing.drift import SHARE, STATISTICS, Drift, Figure, current_drift
from flows.hearing.quality import Report, short, told, worse, write_page
from flows.hearing.quality import quality as quality_of
from flows.report import print_json, print_table

_DAY = click.DateTime(["%Y-%m-%d"])
_WEEK = timedelta(days=6)


@click.command(epilog="Example: callwright quality --since 2026-09-01 --html september.html")
@click.option("--since", type=_DAY, help="Calls of this day, in UTC, and later ones; by default of a week.")
@click.option("--until", type=_DAY, help="Calls of this day, in UTC, and earlier ones; by default today's.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write the report there, with plots.")
@options.settings
@options.data_dir
@options.as_json
def quality(
    since: datetime | None,
    until: datetime | None,
    html: Path | None,
    settings: Settings,
    data_dir: Path,
    *,
    as_json: bool,
) -> int:
    """Tell how well calls were heard, by queue, trunk, codec and model: estimated word error rate, confidence, speech
    without text and the like, and what changed by the last day.
    """
    last = until.date() if until else _today()
    first = since.date() if since else last - _WEEK
    report = quality_of(archive_of(settings, data_dir).database, settings.quality, first, last)
    if html is not None:
        write_page(report, html)
    if as_json:
        print_json(_facts(report))
        return 0
    _print_groups(report)
    click.echo()
    _print_drift(report.drift)
    if html is not None:
        click.echo(f"\nThe report with its plots is in {html}.")
    return 0


@click.command(epilog="Example: callwright drift --json")
@click.option("--day", type=_DAY, help="What would have been told at the end of this day, in UTC; by default today.")
@options.settings
@options.data_dir
@options.as_json
def drift(day: datetime | None, settings: Settings, data_dir: Path, *, as_json: bool) -> int:
    """Tell what changed in how calls are heard, since when, in which group, and the calls that show it.

    Exits with 1 if something is flagged.
    """
    database = archive_of(settings, data_dir).database
    found = current_drift(database, settings.quality, day.date() if day else _today())
    if as_json:
        print_json(_drift_facts(found))
    else:
        _print_drift(found)
    return 1 if found.flags else 0


def _today() -> date:
    return datetime.now(UTC).date()


def _facts(report: Report) -> dict[str, Any]:
    groups = {one.group: {"calls": one.calls, **dict(zip(STATISTICS, one.means, strict=True))} for one in report.groups}
    return {
        "since": report.since,
        "until": report.until,
        "groups": groups,
        "drift": _drift_facts(report.drift),
    }


def _drift_facts(found: Drift) -> dict[str, Any]:
    return {
        "day": found.today,
        "calls": found.calls,
        "tests": found.tests,
        "flags": [_flag_facts(flag) for flag in found.flags],
    }


def _flag_facts(flag: Figure) -> dict[str, Any]:
    return {**asdict(flag), "title": flag.title, "for_the_worse": flag.is_worse}


def _print_groups(report: Report) -> None:
    click.echo(f"{report.title}: means over calls\n")
    groups = report.groups
    rows = [("calls", *(f"{one.calls}" for one in groups))]
    rows += [
        (statistic.title, *(short(one.means[at]) for one in groups)) for at, statistic in enumerate(STATISTICS.values())
    ]
    names = [one.group for one in groups]
    print_table(("", *names), rows, right=names)


def _print_drift(found: Drift) -> None:
    if not found.flags:
        click.echo(f"Nothing has changed by {found.today}: {told(found)}.")
        return
    rows = [
        (flag.title, change.where, short(flag.before), short(flag.now), flag.since, worse(flag))
        for change in found.changes
        for flag in (change.surest,)
    ]
    print_table(("what changed", "of", "before", "now", "since", "worse"), rows, right=("before", "now"))
    if news := dict.fromkeys(one for flag in found.flags for one in flag.news):
        click.echo(f"\nNew since then: {', '.join(news)}.")
    # That a share changed is shown by any call; a figure by those where it is worst.
    shown = next((flag for flag in found.flags if flag.statistic != SHARE), found.flags[0])
    click.echo(f"\nCalls that show the {shown.title}: {', '.join(one.call for one in shown.calls)}. Type next:")
    click.echo(f"\n  callwright show {shown.calls[0].call}")
