"""Grafana's dashboards, from the panels: `python -m flows.monitor.dashboards` writes them to configs/dashboards.

Needs grafana-foundation-sdk, which the extra `dev` has; nothing else imports this.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    BigValueGraphMode,
    LegendDisplayMode,
    LegendPlacement,
    TooltipDisplayMode,
)
from grafana_foundation_sdk.models.dashboard import DataSourceRef

import configs
from flows.monitor.panels import BOARDS, Board, Panel, Query

FOLDER = Path(configs.__file__).parent / "dashboards"

_SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
_OF_A_VARIABLE = ("current", "hide", "label", "multi", "name", "query", "regex", "skipUrlSync", "type")

_WIDE, _NARROW, _HIGH, _LOW = 12, 4, 8, 4
"""Of Grafana's 24 columns, and its rows of 30 pixels."""


def rendered(board: Board) -> str:
    """A dashboard as JSON."""
    built = (
        dashboard.Dashboard(board.title)
        .uid(f"callwright-{board.name}")
        .tags(["callwright"])
        .refresh("30s")
        .time("now-6h", "now")
        .timezone("browser")
        .editable()
        .with_variable(dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    )
    for number, panel in enumerate(board.panels, start=1):
        built = built.with_panel(_number(panel, number) if panel.now else _line(panel, number))
    plain: dict[str, Any] = json.loads(JSONEncoder().encode(built.build()))
    # What Grafana 11's schema no longer knows, or of another sort of variable.
    del plain["style"]
    variables = plain["templating"]["list"]
    plain["templating"]["list"] = [{name: one[name] for name in _OF_A_VARIABLE if name in one} for one in variables]
    return json.dumps(plain, sort_keys=True, indent=2) + "\n"


def _number(panel: Panel, number: int) -> stat.Panel:
    """The last value, large."""
    last = common.ReduceDataOptions().calcs(["lastNotNull"])
    built = stat.Panel().title(panel.title).description(panel.text).unit(panel.unit).id(number)
    built = built.span(_NARROW).height(_LOW).datasource(_SOURCE).reduce_options(last).graph_mode(BigValueGraphMode.NONE)
    for query in panel.queries:
        built = built.with_target(_query(query, 0).instant())
    return built


def _line(panel: Panel, number: int) -> timeseries.Panel:
    """Lines over time, from 0."""
    legend = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM)
    tooltip = common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI)
    built = timeseries.Panel().title(panel.title).description(panel.text).unit(panel.unit).id(number).min(0)
    built = built.span(_WIDE).height(_HIGH).datasource(_SOURCE).legend(legend).tooltip(tooltip)
    for place, query in enumerate(panel.queries):
        built = built.with_target(_query(query, place).range())
    return built


def _query(query: Query, place: int) -> prometheus.Dataquery:
    asked = prometheus.Dataquery().expr(query.promql).ref_id(chr(ord("A") + place))
    return asked.legend_format(query.legend) if query.legend else asked


def main() -> None:
    """Write all dashboards."""
    for board in BOARDS:
        (FOLDER / f"{board.name}.json").write_text(rendered(board), encoding="utf-8")


if __name__ == "__main__":
    main()
