"""Readings of ledger and machine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from configs.load import load
from configs.settings import Settings
from flows.custody import open_custody
from flows.metrics import Metric
from flows.monitor.gauges import check_source, machine_source, of_figures, of_recent
from flows.sweep import sweep
from flows.wiring import open_archive
from storage.figures import Figures, Recent, Waiting
from storage.repository import Repository
from storage.types import RecordingState, StateTotal
from tests.conftest import NO_FILE
from tests.searches import publication

NOW = datetime(2026, 9, 1, tzinfo=UTC)
RECENT = Recent(7200.0, 4000.0, 100.0, 1000, 50, 0.9, {"prepare": 30.0, "transcribe": 120.0}, 3600.0, 0.5, 1800.0)
FIGURES = Figures(
    totals=tuple(StateTotal(state, 2, 60.0) for state in RecordingState),
    arrivals=Waiting(3, NOW - timedelta(seconds=90)),
    recordings=Waiting(0, None),
    in_hand=1,
    quarantined={"prove": 2},
    last_seen_at=NOW,
    last_published_at=None,
    erasures=Waiting(1, NOW - timedelta(days=1)),
    last_event=17,
)


def readings(figures: Figures, recent: Recent) -> dict[tuple[Metric, ...], dict[tuple[str, ...], float]]:
    found: dict[tuple[Metric, ...], dict[tuple[str, ...], float]] = {}
    for one in (*of_figures(figures, NOW), *of_recent(recent, "EUR")):
        found.setdefault((one.metric,), {})[one.labels] = one.value
    return found


def test_what_the_ledger_holds_in_the_units_of_the_names() -> None:
    told = readings(FIGURES, RECENT)
    assert told[Metric.QUEUE_AGE,] == {("arrivals",): 90.0, ("recordings",): 0.0}
    assert told[Metric.QUARANTINED,]["prove",] == 2
    assert told[Metric.QUARANTINED,]["prepare",] == 0
    assert told[Metric.LAST_SEEN,] == {(): NOW.timestamp()}
    assert (Metric.LAST_PUBLISHED,) not in told
    assert told[Metric.ERASURES_AGE,] == {(): 86_400.0}
    assert told[Metric.DOUBTFUL,] == {(): 0.05}
    assert told[Metric.WORDLESS,] == {(): 0.025}
    assert told[Metric.CPU_PER_HOUR,] == {("prepare",): 30.0, ("transcribe",): 120.0}
    assert told[Metric.COST,] == {("EUR",): 1.0}


def test_of_what_is_not_known_nothing_is_told() -> None:
    empty = Recent(0.0, 0.0, 0.0, 0, 0, None, {"prepare": 0.0}, 0.0, None, 0.0)
    told = readings(FIGURES, empty)
    for metric in (Metric.CONFIDENCE, Metric.DOUBTFUL, Metric.WORDLESS, Metric.CPU_PER_HOUR, Metric.COST):
        assert (metric,) not in told


def test_every_reading_has_the_labels_of_its_series() -> None:
    for one in (*of_figures(FIGURES, NOW), *of_recent(RECENT, "EUR")):
        labels = one.metric.value.labels
        for label, value in zip(labels, one.labels, strict=True):
            assert label.values is None or value in set(label.values)


def test_what_is_over_its_time_is_what_a_sweep_would_erase(tmp_path: Path) -> None:
    rules = tmp_path / "retention.toml"
    rules.write_text('default = "2 days"\n[[rule]]\nkind = ["words", "summary"]\nkeep = "30 days"\n')
    settings = load(None, [f"retention.file={rules}"], {}, NO_FILE)
    archive = open_archive(settings, tmp_path)
    custody = open_custody(archive.database, archive.objects, settings, tmp_path)
    earlier = Repository(archive.database, lambda: datetime.now(UTC) - timedelta(days=5))
    earlier.publish(earlier.begin_run("f", "1"), publication("late", ["good morning", "hello"]))
    told = list(check_source(custody, archive.repository)())
    due = {one.labels[0]: one.value for one in told if one.metric is Metric.RETENTION_DUE and one.value}
    assert due == {str(line.kind): 1 for line in sweep(custody, dry_run=True).lines if line.state == "due"}
    assert due
    late_s = next(one.value for one in told if one.metric is Metric.RETENTION_AGE)
    assert late_s == pytest.approx(3 * 86_400, abs=60)


def test_a_changed_trail_is_a_fault(tmp_path: Path) -> None:
    archive = open_archive(Settings(), tmp_path)
    custody = open_custody(archive.database, archive.objects, Settings(), tmp_path)
    custody.ledger.write("run.begin", "run:1", {})
    custody.ledger.write("run.finish", "run:1", {})
    check = check_source(custody, archive.repository)
    assert next(one.value for one in check() if one.metric is Metric.AUDIT_FAULTS) == 0
    with archive.database.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER audit_events_no_update")
        connection.exec_driver_sql("UPDATE audit_events SET actor = 'somebody else' WHERE id = 1")
    assert next(one.value for one in check() if one.metric is Metric.AUDIT_FAULTS) == 1


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        ("echo '512, 16384'; echo '1024, 16384'", [(0.5, 16.0), (1.0, 16.0)]),
        ("echo 'NVIDIA-SMI has failed'; exit 9", []),
        ("echo 'No devices were found'", []),
    ],
)
def test_gpus_are_what_nvidia_smi_tells(
    says: str, expected: list[tuple[float, float]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{says}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    told = list(machine_source(tmp_path)())
    used = [one.value / 2**30 for one in told if one.metric is Metric.GPU_USED]
    whole = [one.value / 2**30 for one in told if one.metric is Metric.GPU_MEMORY]
    assert list(zip(used, whole, strict=True)) == expected
    assert [one.value for one in told if one.metric is Metric.GPUS] == [len(expected)]
