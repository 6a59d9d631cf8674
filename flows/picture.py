"""A recording in one picture: the channels' waveforms under their regions, and what was found."""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np

from asr.types import RegionKind
from flows.inspection import ChannelFacts, Envelopes, Inspection
from flows.report import clock

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = {
    RegionKind.SPEECH: "#2a9d8f",
    RegionKind.MUSIC: "#8e6bbf",
    RegionKind.RINGBACK: "#e9a23b",
    RegionKind.BUSY: "#d1495b",
    RegionKind.CONGESTION: "#8c2f39",
    RegionKind.DIAL_TONE: "#b5838d",
    RegionKind.SPECIAL_TONE: "#f4a6a0",
    RegionKind.DTMF: "#3a6ea5",
    RegionKind.OVERLAP: "#1b6f65",
    RegionKind.SILENCE: "#c9ced6",
}

_WIDTH_IN, _CHANNEL_IN, _LINE_IN, _TITLE_IN = 12.0, 1.9, 0.22, 1.1

_LINE = 140
"""Characters in a line of findings."""

_QUIETEST_PEAK = 0.05
"""A waveform is drawn as if its peak were at least this: the noise of an idle line is no mountain."""


def draw_inspection(inspection: Inspection, envelopes: Envelopes, path: Path) -> None:
    """Write a PNG of a recording."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    lines = [line for finding in inspection.findings for line in wrap(finding, _LINE)]
    height_in = _TITLE_IN + _CHANNEL_IN * len(inspection.channels) + _LINE_IN * len(lines)
    figure = Figure((_WIDTH_IN, height_in), dpi=144, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(inspection.channels), 1, sharex=True, squeeze=False)[:, 0]
    for axes, facts in zip(panels, inspection.channels, strict=True):
        lowest, highest = envelopes.lowest[facts.index], envelopes.highest[facts.index]
        at_s = (np.arange(len(lowest)) + 0.5) * inspection.duration_s / len(lowest)
        peak = max(_QUIETEST_PEAK, float(max(-lowest.min(), highest.max())))
        _draw_regions(axes, facts, peak)
        axes.fill_between(at_s, lowest, highest, color="#22303c", linewidth=0.3, zorder=3)
        axes.set_ylim(-1.15 * peak, 1.35 * peak)
        _label(axes, facts)
    panels[0].set_xlim(0.0, inspection.duration_s)
    panels[-1].xaxis.set_major_formatter(lambda at_s, _: clock(at_s))
    kinds = [kind for kind in _COLOURS if any(kind in facts.seconds for facts in inspection.channels)]
    patches = [Patch(color=_COLOURS[kind], label=kind.value) for kind in kinds]
    panels[0].legend(handles=patches, ncols=len(kinds), loc="lower right", bbox_to_anchor=(1.0, 1.0), frameon=False)
    panels[0].set_title(
        f"{inspection.audio}   {clock(inspection.duration_s)}   {inspection.container} {inspection.codec}, "
        f"{inspection.sample_rate_hz / 1000:g} kHz",
        loc="left",
        fontsize=11,
        fontweight="bold",
    )
    if lines:
        figure.supxlabel("\n".join(lines), x=0.01, ha="left", fontsize=9)
    figure.savefig(path)


def _draw_regions(axes: Axes, facts: ChannelFacts, peak: float) -> None:
    """A band along the top in full colour, and a shade of it behind the waveform."""
    for region in facts.regions:
        colour = _COLOURS[region.kind]
        if region.kind is not RegionKind.SILENCE:
            axes.axvspan(region.start_s, region.end_s, color=colour, alpha=0.18, linewidth=0, zorder=1)
        axes.fill_between([region.start_s, region.end_s], 1.2 * peak, 1.35 * peak, color=colour, linewidth=0, zorder=2)


def _label(axes: Axes, facts: ChannelFacts) -> None:
    ratio = "" if facts.snr_db is None else f"\nSNR {facts.snr_db:.0f} dB"
    axes.set_ylabel(
        f"{facts.channel.value}\n{facts.level_dbfs:.0f} dBFS{ratio}",
        rotation=0,
        ha="right",
        va="center",
        labelpad=8,
    )
    axes.set_yticks([])
    axes.axhline(0.0, color="#22303c", linewidth=0.4, alpha=0.5, zorder=2)
    axes.spines[["top", "right", "left"]].set_visible(False)
