"""The report on how well calls were heard as one HTML file, with its plots inside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from html import escape
from io import StringIO
from typing import TYPE_CHECKING

import numpy as np

from flows.hearing.drift import STATISTICS
from flows.hearing.quality import Report, short, told, worse

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; color: #1d2733; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
table { border-collapse: collapse; font-size: 13px; } .wide { overflow-x: auto; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid #dfe4ea; text-align: left; vertical-align: top; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
.bad { background: #fdecea; } .ok { color: #1b7f4d; } code { font-size: 12px; } svg { max-width: 100%; height: auto; }
"""

_MOST_LINES = 5
_DISTRIBUTIONS = ("estimated_wer", "mean_confidence", "no_speech_prob", "compression_ratio")
_WIDTH_IN, _PANEL_IN, _COLUMNS = 12.0, 2.1, 3
_BINS = 30

_EPOCH = date(1970, 1, 1).toordinal()
"""What matplotlib counts days from."""


def page(report: Report) -> str:
    """The report as HTML; it names calls by the heads of their hashes alone."""
    parts = [f"<h1>{escape(report.title)}</h1>", _summary(report), "<h2>What changed</h2>", _flags(report)]
    if report.groups[0].calls:
        parts += [
            "<h2>Day by day</h2><p>Means over a day's calls, all in black. Grey: before the report. Red: flagged.</p>",
            _daily(report),
            "<h2>Distributions</h2><p>Of calls: the report's days, against the days before.</p>",
            _distributions(report),
            "<h2>By group</h2>",
            _groups(report),
        ]
    head = f'<meta charset="utf-8"><title>{escape(report.title)}</title><style>{_STYLE}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>\n'


def _summary(report: Report) -> str:
    all_calls = report.groups[0]
    wer = all_calls.means[list(STATISTICS).index("estimated_wer")]
    estimate = "" if wer is None else f" Their estimated word error rate is {100 * wer:.1f} %."
    return f"<p>{all_calls.calls} measured calls.{estimate} {escape(told(report.drift).capitalize())}.</p>"


def _flags(report: Report) -> str:
    changes = report.drift.changes
    if not changes:
        return f'<p class="ok">Nothing has changed by {report.drift.today}.</p>'
    heads = ("what", "of", "before", "now", "since", "for the worse", "also of", "new since then", "calls that show it")
    rows = [
        (
            *(flag.title, flag.group, short(flag.before), short(flag.now), f"{flag.since}", worse(flag)),
            *(", ".join(change.others), ", ".join(flag.news), ", ".join(one.call for one in flag.calls)),
        )
        for change in changes
        for flag in (change.surest,)
    ]
    bad = [change.surest.is_worse for change in changes]
    return _table(heads, rows, numbers=(2, 3), bad=bad) + "<p><code>callwright show CALL</code> shows a call.</p>"


def _groups(report: Report) -> str:
    heads = ("of", "calls", *(one.title for one in STATISTICS.values()))
    rows = [(one.group, f"{one.calls}", *map(short, one.means)) for one in report.groups]
    return _table(heads, rows, numbers=range(1, len(heads)))


def _table(
    heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: Iterable[int], bad: Sequence[bool] = ()
) -> str:
    right = set(numbers)

    def line(cells: Sequence[str], tag: str, style: str = "") -> str:
        inside = "".join(
            f"<{tag}{' class=n' if at in right else ''}>{escape(cell)}</{tag}>" for at, cell in enumerate(cells)
        )
        return f"<tr{style}>{inside}</tr>"

    marked = [*bad, *[False] * (len(rows) - len(bad))]
    body = "".join(line(row, "td", " class=bad" if is_bad else "") for row, is_bad in zip(rows, marked, strict=True))
    return f'<div class="wide"><table>{line(heads, "th")}{body}</table></div>'


def _daily(report: Report) -> str:
    names = [name for name in STATISTICS if len(report.daily(name, report.inside)[0])]
    drawing, panels = _panels(len(names))
    everything = np.ones(len(report.history.calls), bool)
    queues = [one.group for one in report.groups if one.group.startswith("queue=")][:_MOST_LINES]
    labels = report.history.labels("queue")
    for name, axes in zip(names, panels, strict=True):
        for number, queue in enumerate(queues):
            days, means = report.daily(name, labels == queue.removeprefix("queue="))
            axes.plot(days - _EPOCH, means, color=f"C{number}", linewidth=0.9, alpha=0.8, label=queue)
        days, means = report.daily(name, everything)
        axes.plot(days - _EPOCH, means, color="black", linewidth=1.6, label="all calls")
        axes.axvspan(_at(report.first), _at(report.since), color="#888888", alpha=0.08, linewidth=0)
        for flag in report.drift.flags:
            if flag.since and flag.statistic == name and flag.group == report.groups[0].group:
                axes.axvline(_at(flag.since), color="#c0392b", linewidth=1.2)
        axes.set_title(STATISTICS[name].title, fontsize=9)
        _date(axes)
    handles, texts = panels[0].get_legend_handles_labels()
    drawing.legend(handles, texts, loc="outside lower center", ncols=len(texts), fontsize=8, frameon=False)
    return _as_svg(drawing)


def _date(axes: Axes) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    where = AutoDateLocator(maxticks=6)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(where)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(where))  # type: ignore[no-untyped-call]


def _at(day: date) -> int:
    """Where a day lies on an axis of dates."""
    return day.toordinal() - _EPOCH


def _distributions(report: Report) -> str:
    drawing, panels = _panels(len(_DISTRIBUTIONS), columns=len(_DISTRIBUTIONS))
    for name, axes in zip(_DISTRIBUTIONS, panels, strict=True):
        values = report.history.values[:, list(STATISTICS).index(name)]
        known = ~np.isnan(values)
        edges = np.histogram_bin_edges(values[known], _BINS)
        for chosen, colour, label in ((~report.inside, "#9aa5b1", "before"), (report.inside, "#1f77b4", "report")):
            if (chosen & known).any():
                shares = np.histogram(values[chosen & known], edges)[0] / (chosen & known).sum()
                axes.stairs(shares, edges, fill=colour != "#1f77b4", color=colour, alpha=0.7, label=label)
        axes.set_title(STATISTICS[name].title, fontsize=9)
        axes.legend(fontsize=8, frameon=False)
    return _as_svg(drawing)


def _panels(n: int, columns: int = _COLUMNS) -> tuple[Drawing, list[Axes]]:
    from matplotlib.figure import Figure

    rows = -(-n // columns)
    drawing = Figure((_WIDTH_IN, _PANEL_IN * rows + 0.4), layout="constrained")
    panels: list[Axes] = list(drawing.subplots(rows, columns, squeeze=False).flat)
    for axes in panels[n:]:
        axes.set_visible(False)
    for axes in panels[:n]:
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    return drawing, panels[:n]


def _as_svg(drawing: Drawing) -> str:
    held = StringIO()
    drawing.savefig(held, format="svg")
    drawn = held.getvalue()
    return drawn[drawn.index("<svg") :]
