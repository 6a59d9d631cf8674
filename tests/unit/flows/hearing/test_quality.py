"""The report and its commands on a database of measured calls."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import sqlalchemy as sa

from asr.errors import ConfigError
from configs.options import QualityOptions
from flows.cli import call
from flows.hearing.drift import ALL, STATISTICS, current_drift
from flows.hearing.quality import as_markdown, month_before, quality, week_before
from storage.session import migrate, open_database
from tests.benchmarks.drift import DISTURBANCES, Centre, pools
from tests.measured_calls import store_measured

START = date(2026, 3, 2)
ONSET = START + timedelta(days=36)
LAST = ONSET + timedelta(days=1)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of five weeks, and two days on which a channel of trunk B is dead."""
    folder = tmp_path_factory.mktemp("quality")
    database = open_database(f"sqlite:///{folder / 'callwright.db'}")
    migrate(database)
    centre = Centre(np.random.default_rng(8), pools())
    (dead,) = [one for one in DISTURBANCES if "dead" in one.name]
    days = [START + timedelta(days=at) for at in range(38)]
    store_measured(database, [call for day in days for call in centre.day(day, dead if day >= ONSET else None)])
    database.dispose()
    return folder


@pytest.fixture
def database(data_dir: Path) -> Iterator[sa.Engine]:
    engine = open_database(f"sqlite:///{data_dir / 'callwright.db'}")
    yield engine
    engine.dispose()


def test_drift_exits_with_1_if_something_is_flagged(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["drift", "--day", f"{ONSET - timedelta(days=1)}", "--data-dir", str(data_dir)]) == 0
    assert re.search(r"Nothing has changed by 2026-04-06: \d+ tests over \d+ calls\.", capsys.readouterr().out)
    assert call(["drift", "--day", f"{LAST}", "--data-dir", str(data_dir)]) == 1
    told = capsys.readouterr().out
    assert re.search(rf"share of speech of the quieter side +trunk=B .* {ONSET} +yes", told)
    assert re.search(r"callwright show [0-9a-f]{12}\n$", told)


def test_drift_as_json(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["drift", "--day", f"{LAST}", "--data-dir", str(data_dir), "--json"]) == 1
    facts = json.loads(capsys.readouterr().out)
    (flag,) = [one for one in facts["flags"] if (one["statistic"], one["group"]) == ("least_side_share", "trunk=B")]
    assert (flag["since"], flag["now"], flag["for_the_worse"]) == (f"{ONSET}", 0.0, True)
    assert {shown["value"] for shown in flag["calls"]} == {0.0}


def test_the_database_tells_what_the_calls_tell(database: sa.Engine) -> None:
    found = current_drift(database, QualityOptions(), LAST)
    assert found.flags[0].group == "trunk=B"
    assert current_drift(database, QualityOptions(trunk="line"), LAST).figures != found.figures
    groups = {figure.group for figure in current_drift(database, QualityOptions(trunk="line"), LAST).figures}
    assert not any(group.startswith("trunk=") for group in groups)


def test_a_report_has_the_means_of_its_days(database: sa.Engine) -> None:
    report = quality(database, QualityOptions(), ONSET - timedelta(days=5), LAST)
    by_group = {one.group: one for one in report.groups}
    assert report.groups[0].group == ALL
    assert by_group[ALL].calls == by_group["trunk=A"].calls + by_group["trunk=B"].calls
    at = list(STATISTICS).index("least_side_share")
    inside = [one for one, is_in in zip(report.history.calls, report.inside, strict=True) if is_in]
    values = [one.quality.least_side_share for one in inside if one.quality.least_side_share is not None]
    assert by_group[ALL].means[at] == pytest.approx(np.mean(values))
    days, means = report.daily("least_side_share", np.array([c.trunk == "B" for c in report.history.calls]))
    assert [float(mean) for day, mean in zip(days, means, strict=True) if day >= ONSET.toordinal()] == [0.0, 0.0]
    markdown = as_markdown(report)
    assert f"| {ONSET} | yes |" in markdown
    widths = {line.count("|") for line in markdown.split("\n\n")[2].splitlines()}
    assert len(widths) == 1


def test_the_page_stands_alone_and_has_its_plots(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "report.html"
    days = ["--since", f"{ONSET}", "--until", f"{LAST}"]
    assert call(["quality", *days, "--html", str(page), "--data-dir", str(data_dir)]) == 0
    assert f"The report with its plots is in {page}." in capsys.readouterr().out
    html = page.read_text()
    drawings = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    assert len(drawings) == 2
    for drawing in drawings:
        assert ET.fromstring(drawing).tag.endswith("svg")  # noqa: S314 - our own
    assert "<script" not in html
    assert not re.search(r"(?:src|href)=\"http", html)
    assert "share of speech of the quieter side" in html


def test_quality_as_json_and_of_days_without_calls(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["quality", "--until", f"{LAST}", "--data-dir", str(data_dir), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["since"] == f"{LAST - timedelta(days=6)}"
    assert 0.05 < facts["groups"][ALL]["estimated_wer"] < 0.5
    assert call(["quality", "--until", "2030-01-01", "--data-dir", str(data_dir), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["groups"][ALL]["calls"] == 0
    assert facts["drift"]["flags"] == []


def test_what_cannot_be_is_said(database: sa.Engine, data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError, match="is later than"):
        quality(database, QualityOptions(), LAST, ONSET)
    assert call(["quality", "--html", "/nowhere/x.html", "--data-dir", str(data_dir)]) == 2
    assert "lies in no folder that there is" in capsys.readouterr().err


def test_reports_are_of_whole_weeks_and_months() -> None:
    assert week_before(date(2026, 3, 2)) == (date(2026, 2, 23), date(2026, 3, 1))
    assert month_before(date(2026, 1, 1)) == (date(2025, 12, 1), date(2025, 12, 31))


def test_the_flow_leaves_a_page_and_an_artifact(
    data_dir: Path, prefect_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect import flow
    from prefect.client.orchestration import get_client

    from flows import quality_report

    monkeypatch.setenv("CALLWRIGHT_DATA_DIR", str(data_dir))
    told = flow(name="report-in-test")(quality_report.report_here)(ONSET, LAST)
    assert re.fullmatch(r"\d+ calls, [1-9]\d* changes; \d+ tests over \d+ calls", told)
    assert (data_dir / "reports" / f"quality-{ONSET}-{LAST}.html").stat().st_size > 10_000
    with get_client(sync_client=True) as client:
        found = client.request("POST", "/artifacts/filter", json={"artifacts": {"key": {"any_": ["quality-report"]}}})
    (artifact,) = found.json()
    assert artifact["data"].startswith("# How well calls were heard")
    assert "trunk=B" in artifact["data"]
