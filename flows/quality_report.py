"""The report on how well calls were heard as Prefect flows, for schedules: of a week, and of a month."""

from __future__ import annotations

from datetime import UTC, date, datetime

from prefect import flow
from prefect.artifacts import create_markdown_artifact

from flows.hearing.quality import as_markdown, month_before, quality, told, week_before, write_page
from flows.site import data_dir_here, named, settings_here
from flows.wiring import open_archive

FOLDER = "reports"
"""Below the data folder: one HTML file for each report. It holds figures and heads of hashes, no text."""


@flow(name="quality-weekly", flow_run_name=named("quality-weekly"), persist_result=False)
def quality_weekly() -> str:
    """Report how well the calls of the seven days before today, in UTC, were heard."""
    return report_here(*week_before(datetime.now(UTC).date()))


@flow(name="quality-monthly", flow_run_name=named("quality-monthly"), persist_result=False)
def quality_monthly() -> str:
    """Report how well the calls of the calendar month before this one, in UTC, were heard."""
    return report_here(*month_before(datetime.now(UTC).date()))


def report_here(since: date, until: date) -> str:
    """Write a report below this machine's data folder and show it on the flow run's page; a line says what it holds.

    Raises what flows.hearing.quality.quality raises.
    """
    settings, folder = settings_here(), data_dir_here()
    report = quality(open_archive(settings, folder).database, settings.quality, since, until)
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    write_page(report, folder / FOLDER / f"quality-{since}-{until}.html")
    create_markdown_artifact(as_markdown(report), key="quality-report", description=report.title)
    return f"{report.groups[0].calls} calls, {len(report.drift.flags)} changes; {told(report.drift)}"
