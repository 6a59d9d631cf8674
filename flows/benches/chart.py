"""What a benchmark measured, in one picture: errors against speed, and below it where each engine's time went."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from math import cos, pi, sin
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asr.errors import ConfigError
from flows.benches.benchmark import Measured

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import RendererAgg
    from matplotlib.transforms import Bbox

_WIDTH_IN, _ERRORS_IN, _STAGE_IN = 9.0, 4.8, 0.42

_OFFSETS_PT = [
    (radius * cos(turn * pi / 8), radius * sin(turn * pi / 8))
    for radius in (14, 26, 40, 60, 85, 115, 150)
    for turn in (0, 8, 1, 15, 7, 9, 2, 14, 6, 10, 3, 13, 5, 11, 4, 12)
]
"""Where a name is tried, from its point: near before far, and beside it before above or below."""

_ROOM_PX = 4.0
"""Between a name and what it must not touch."""

_LEGIBLE = 4.0
"""The least share, in %, that has room for its figure."""


def check(path: Path, option: str = "--plot") -> None:
    """Raises ConfigError, before anything is measured, if no picture could be written there."""
    if find_spec("matplotlib") is None:
        raise ConfigError(
            f"{option} needs matplotlib, which is not installed", "Install the extra 'dev', as make test does"
        )
    if path.suffix != ".png":
        raise ConfigError(f"{option} {path} does not end in .png", "Name a .png file")
    if not path.parent.is_dir():
        raise ConfigError(f"{option} {path} lies in no folder that there is", "Make the folder, or name another file")


def draw(measured: Sequence[Measured], length_s: float, path: Path) -> None:
    """Write a PNG of the systems' word error rates with their intervals against times realtime and, where any tells
    its stages apart, of the stages' shares."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    staged = [one for one in measured if one.stage_s]
    heights = [_ERRORS_IN, *([1.1 + _STAGE_IN * len(staged)] if staged else [])]
    figure = Figure((_WIDTH_IN, sum(heights)), dpi=144, layout="constrained")
    canvas: Any = FigureCanvasAgg(figure)
    panels = figure.subplots(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    _draw_errors(panels[0], measured, length_s)
    if staged:
        _draw_stages(panels[1], staged)
    # Labels are put by what they would cover, so all else has to be in its place.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    _label(panels[0], measured, length_s, canvas.get_renderer())
    figure.savefig(path)


def _draw_errors(axes: Axes, measured: Sequence[Measured], length_s: float) -> None:
    for number, one in enumerate(measured):
        rate, ends = 100 * one.words.total.rate, [100 * end for end in one.words.interval]
        # A bootstrap's interval need not hold the rate itself.
        reach = [[max(0.0, rate - ends[0])], [max(0.0, ends[1] - rate)]]
        axes.errorbar(length_s / one.wall_s, rate, yerr=reach, fmt="o", color=f"C{number}", markersize=7, capsize=4)
    axes.set_xlabel("times realtime, all channels (more is faster)")
    axes.set_ylabel("word error rate, %, and its 95 % interval (less is better)")
    axes.margins(y=0.12)
    axes.set_xlim(0, 1.12 * max(length_s / one.wall_s for one in measured))
    axes.set_ylim(bottom=max(0.0, axes.get_ylim()[0]))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)


def _label(axes: Axes, measured: Sequence[Measured], length_s: float, renderer: RendererAgg) -> None:
    """Write each system's name as near its point as it covers neither another name nor an interval."""
    from matplotlib.text import Text

    points = [(length_s / one.wall_s, 100 * one.words.total.rate) for one in measured]
    taken = [_interval_box(axes, x, one) for (x, _), one in zip(points, measured, strict=True)]
    inside = axes.get_window_extent(renderer)
    for number, (one, point) in enumerate(zip(measured, points, strict=True)):
        line = {"arrowstyle": "-", "color": f"C{number}", "alpha": 0.4, "shrinkA": 1, "shrinkB": 5}
        name = axes.annotate(
            one.label, point, (0, 0), textcoords="offset points", va="center", color=f"C{number}", arrowprops=line
        )
        for dx, dy in _OFFSETS_PT:
            name.set_position((dx, dy))
            name.set_horizontalalignment("left" if dx > 1 else "right" if dx < -1 else "center")
            # The note's own extent would hold its line, too.
            name.update_positions(renderer)
            box = Text.get_window_extent(name, renderer).padded(_ROOM_PX)
            if inside.contains(*box.min) and inside.contains(*box.max) and not box.count_overlaps(taken):
                break
        taken.append(box)


def _interval_box(axes: Axes, x: float, one: Measured) -> Bbox:
    from matplotlib.transforms import Bbox

    ends = [100 * end for end in (*one.words.interval, one.words.total.rate)]
    return Bbox(axes.transData.transform([(x, min(ends)), (x, max(ends))])).padded(3 * _ROOM_PX)


def _draw_stages(axes: Axes, staged: Sequence[Measured]) -> None:
    """A bar for each engine, the first on top, its stages as shares of the seconds of all threads."""
    from matplotlib import colormaps

    names, rows = list(staged[0].stage_s), range(len(staged))
    totals_s = [sum(one.stage_s.values()) for one in staged]
    left = [0.0] * len(staged)
    for number, name in enumerate(names):
        shares = [100 * one.stage_s[name] / total_s for one, total_s in zip(staged, totals_s, strict=True)]
        bars = axes.barh(rows, shares, left=left, height=0.65, color=colormaps["Set2"](number), label=name)
        axes.bar_label(bars, [f"{share:.0f}" if share >= _LEGIBLE else "" for share in shares], label_type="center")
        left = [so_far + share for so_far, share in zip(left, shares, strict=True)]
    for row, total_s in enumerate(totals_s):
        axes.text(101, row, f"{total_s:.1f} s", va="center")
    axes.set_yticks(rows, [one.label for one in staged])
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("share of the threads' time, %; at the right its sum")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(left=False)
    axes.legend(ncols=len(names), loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False, handlelength=1)
