"""The names of what is measured, and that page, dashboards, alerts and runbook hold to them."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest
import yaml

from asr.types import GuardCounts
from flows.cli import cli
from flows.metrics import PREFIX, Guard, Home, Label, Metric, Shape, Unit, label_table, table
from flows.monitor.dashboards import FOLDER, rendered
from flows.monitor.panels import BOARDS, Board, promql

ROOT = Path(__file__).parents[3]
RULES = (ROOT / "configs/alerts/callwright.yml").read_text()
RUNBOOK = (ROOT / "docs/runbook.md").read_text()
ALERTS: list[dict[str, Any]] = [
    rule for group in yaml.safe_load(RULES)["groups"] for rule in group["rules"] if "alert" in rule
]


def test_the_page_says_what_the_enums_say() -> None:
    page = (ROOT / "docs/metrics.md").read_text()
    assert table() in page, "put flows.metrics.table() into docs/metrics.md"
    assert label_table() in page, "put flows.metrics.label_table() into docs/metrics.md"


@pytest.mark.parametrize("metric", Metric)
def test_names_tell_shape_and_unit(metric: Metric) -> None:
    """https://prometheus.io/docs/practices/naming/"""
    series = metric.value
    assert re.fullmatch(PREFIX + r"[a-z][a-z_]+", metric.full_name)
    assert series.name.endswith("_total") == (series.shape is Shape.COUNTER)
    if series.unit in (Unit.SECONDS, Unit.BYTES, Unit.RATIO) and series.home is not Home.LEDGER:
        assert series.unit in series.name.split("_")
    assert bool(series.buckets) == (series.shape is Shape.HISTOGRAM)
    assert series.text.endswith(".")


def test_names_are_used_once() -> None:
    assert len({metric.full_name for metric in Metric}) == len(Metric)


def test_what_counts_work_has_labels_with_known_values_and_few() -> None:
    for metric in Metric:
        sizes = [len(label.values or ()) for label in metric.value.labels]
        if metric.value.home is Home.WORK:
            assert all(sizes), metric
        assert sum(sizes) <= 20, metric


def test_guards_are_those_of_the_transcripts() -> None:
    assert [guard.value for guard in Guard] == [field.name for field in fields(GuardCounts)]


def test_no_label_is_of_a_call() -> None:
    assert {label.label for label in Label}.isdisjoint({"call", "recording", "sha256", "agent", "caller", "tenant"})


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_a_dashboard_is_what_the_code_makes(board: Board) -> None:
    committed = (FOLDER / f"{board.name}.json").read_text(encoding="utf-8")
    assert committed == rendered(board), "run python -m flows.monitor.dashboards"


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_a_dashboard_is_as_grafanas_schema_has_it(board: Board) -> None:
    schema = json.loads((ROOT / "tests/grafana/dashboard.schema.json").read_text())
    made = json.loads((FOLDER / f"{board.name}.json").read_text())
    jsonschema.Draft7Validator(schema).validate(made)
    made["panels"][0]["gridPos"]["h"] = "high"
    assert not jsonschema.Draft7Validator(schema).is_valid(made)


def test_no_dashboard_is_left_over() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == {board.name for board in BOARDS}


def test_all_that_is_measured_is_looked_at() -> None:
    asked = " ".join(query.promql for board in BOARDS for panel in board.panels for query in panel.queries)
    unseen = {metric for metric in Metric if metric.full_name not in asked + RULES}
    assert unseen == {Metric.BUILD}


def test_a_question_names_only_what_there_is() -> None:
    with pytest.raises(KeyError):
        promql("sum(NOTHING_OF_THAT_NAME)")


def test_rules_ask_for_what_is_measured() -> None:
    known = {metric.full_name for metric in Metric}
    tests = (ROOT / "configs/alerts/callwright.test.yml").read_text()
    named = set(re.findall(r"callwright_[a-z_]+", RULES + tests))
    assert {name.removesuffix("_bucket") for name in named} <= known


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_an_alert_has_its_section_and_its_tests(alert: dict[str, Any]) -> None:
    name = alert["alert"]
    assert alert["annotations"]["runbook_url"] == f"docs/runbook.md#{name.lower()}"
    sections = dict(re.findall(r"^## (.+)\n((?:(?!#+ ).*\n)*)", RUNBOOK, re.MULTILINE))
    for part in ("Symptom", "Command", "Cause", "Remedy"):
        assert f"- **{part}**:" in sections[name], (name, part)
    asked = f'ALERTS{{alertname="{name}"'
    assert asked in (ROOT / "configs/alerts/callwright.test.yml").read_text()
    assert alert["labels"]["severity"] in ("warning", "critical")


def test_every_failure_of_the_handbook_is_in_the_runbook() -> None:
    for failure in ("Out of memory", "Oversubscribed cores", "NUMA", "Throttling", "Hallucination", "Repetition"):
        assert failure.lower() in RUNBOOK.lower()
    for failure in ("Quantisation loss", "CUDA and driver mismatch"):
        assert f"## {failure}" in RUNBOOK


def test_the_runbooks_commands_exist() -> None:
    named = {tuple(found.split()) for found in re.findall(r"callwright ([a-z][a-z-]+(?: [a-z]+)?)", RUNBOOK)}
    assert len(named) > 15
    for first, *rest in named:
        command = cli.commands[first]
        if rest and isinstance(command, click.Group):
            assert rest[0] in command.commands, (first, rest)


def test_the_runbooks_settings_exist() -> None:
    from configs.settings import known_keys, sections

    named = re.findall(r"`([a-z]+\.[a-z_]+)(?: =[^`]*)?`", RUNBOOK)
    assert {name for name in named if name.split(".")[0] in sections()} <= set(known_keys())
    assert len(named) > 20
