"""How well calls were heard in a stretch of days, by group and by day, and what changed: the report's figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from asr.errors import ConfigError
from configs.options import QualityOptions
from flows.hearing.drift import ALL, STATISTICS, Chosen, Drift, Figure, History, drift, labels_of
from flows.hearing.shifts import LOOKBACKS, Floats, Integers
from storage.quality import load_history
from storage.session import Database

_LARGEST = 20
"""Groups that a report shows: those with the most calls."""


@dataclass(frozen=True, slots=True)
class GroupMeans:
    """A group's calls in the report's days, and the mean over calls of each statistic, None without a call that has
    it."""

    group: str
    calls: int
    means: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """A stretch of days, both ends included: groups in the order of their calls, all calls first; `drift` is as of the
    last day. `history` holds the days before, too, that these are held against, from `first` on."""

    since: date
    until: date
    groups: tuple[GroupMeans, ...]
    drift: Drift
    history: History
    first: date

    @property
    def title(self) -> str:
        """What it is of."""
        return f"How well calls were heard, {self.since} to {self.until}"

    @property
    def inside(self) -> Chosen:
        """Which calls of the history are of the report's days, (n_calls,)."""
        return self.history.days >= self.since.toordinal()

    def daily(self, statistic: str, members: Chosen) -> tuple[Integers, Floats]:
        """The days on which some calls have a statistic, as ordinals, and its mean on each, (n_days,) both."""
        values = self.history.values[:, list(STATISTICS).index(statistic)]
        known = members & ~np.isnan(values)
        days, place, n = np.unique(self.history.days[known], return_inverse=True, return_counts=True)
        return days, np.bincount(place, values[known], len(days)) / n


def quality(database: Database, options: QualityOptions, since: date, until: date) -> Report:
    """The report of the days from one to another, both included.

    Raises ConfigError if the first is later, and as load_history does.
    """
    if since > until:
        raise ConfigError(f"{since} is later than {until}", "Let --since be the earlier day")
    first = min(since, until - timedelta(days=max(LOOKBACKS) - 1)) - timedelta(days=options.baseline_days)
    history = History.of(load_history(database, first, until, options.trunk))
    inside = history.days >= since.toordinal()
    groups = [_means(history, ALL, inside)]
    others = [_means(history, group, members & inside) for group, members in labels_of(history, inside)]
    groups += sorted(others, key=lambda one: -one.calls)[:_LARGEST]
    return Report(since, until, tuple(groups), drift(history, options, until), history, first)


def week_before(today: date) -> tuple[date, date]:
    """The first and the last of the seven days before one."""
    return today - timedelta(days=7), today - timedelta(days=1)


def month_before(today: date) -> tuple[date, date]:
    """The first and the last day of the month before that of a day.

    >>> month_before(date(2026, 3, 15))
    (datetime.date(2026, 2, 1), datetime.date(2026, 2, 28))
    """
    last = today.replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last


def _means(history: History, group: str, members: Chosen) -> GroupMeans:
    columns = history.values[members].T
    known = [column[~np.isnan(column)] for column in columns]
    return GroupMeans(group, int(members.sum()), tuple(float(one.mean()) if len(one) else None for one in known))


def as_markdown(report: Report) -> str:
    """The report for Prefect's page: what changed, and the groups' means."""
    return "\n".join([f"# {report.title}", "", *_flags(report.drift), "", *_groups(report.groups), ""])


def write_page(report: Report, path: Path) -> None:
    """Write the report as one HTML file with its plots. Raises ConfigError for a path in no folder that there is."""
    from flows.hearing.quality_page import page

    if not path.parent.is_dir():
        raise ConfigError(f"{path} lies in no folder that there is", "Make the folder, or name another file")
    path.write_text(page(report), encoding="utf-8")


def _flags(found: Drift) -> Iterator[str]:
    if not found.flags:
        yield f"Nothing has changed by {found.today}: {told(found)}."
        return
    yield "| what | of | before | now | since | for the worse | new since then | calls |"
    yield "|---|---|---:|---:|---|---|---|---|"
    for change in found.changes:
        flag = change.surest
        cells = (flag.title, change.where, short(flag.before), short(flag.now), f"{flag.since}", worse(flag))
        yield f"| {' | '.join(cells)} | {', '.join(flag.news)} | {', '.join(one.call for one in flag.calls)} |"


def _groups(groups: Sequence[GroupMeans]) -> Iterator[str]:
    titles = " | ".join(one.title for one in STATISTICS.values())
    yield f"| of | calls | {titles} |\n|---|---:|{'---:|' * len(STATISTICS)}"
    for one in groups:
        yield f"| {one.group} | {one.calls} | {' | '.join(map(short, one.means))} |"


def told(found: Drift) -> str:
    """What was looked at, in words."""
    if not found.tests:
        return f"{found.calls} measured calls in the baseline and since are too few to tell"
    return f"{found.tests} tests over {found.calls} calls"


def worse(flag: Figure) -> str:
    """Whether a change is for the worse, in words."""
    return "yes" if flag.is_worse else ""


def short(value: float | None) -> str:
    """A figure in a table, of three digits.

    >>> short(0.12345), short(None), short(36.54)
    ('0.123', '', '36.5')
    """
    return "" if value is None else f"{value:.3g}"
