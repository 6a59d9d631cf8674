"""`callwright summarise`: a language model's summaries of calls that are published."""

from __future__ import annotations

import signal
import threading
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.progress import Progress

from configs.settings import Settings
from flows import report
from flows.commands import options
from flows.commands.look import archive_of
from flows.language_model import model_summariser
from flows.metrics import Purpose
from flows.monitor.tally import counting
from flows.presence import worker
from flows.report import print_fetching
from flows.summaries import Wish, free_of_the_dead, summaries_of, summarise_with
from flows.wiring import load_redactor, missing_redactor

_SINCE = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"])


@click.command(epilog="Example: callwright summarise --since 2026-09-01")
@click.option("--since", type=_SINCE, help="Calls from then on, in UTC.")
@click.option("--again", is_flag=True, help="Also calls that another model, prompt or preset summarised.")
@options.settings
@options.data_dir
@options.as_json
def summarise(since: datetime | None, settings: Settings, data_dir: Path, *, again: bool, as_json: bool) -> int:
    """Have the language model of [llm] summarise published calls that it has not summarised yet.

    Nothing is transcribed again. What the model says and a call does not bear out is left out and marked. Stop it at
    any time: what is answered is kept, and the same command goes on from there. Exits with 1 if calls are left.
    """
    archive = archive_of(settings, data_dir)
    print_fetching(missing_redactor(settings))
    stop = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: stop.set())
    wish = Wish(since.replace(tzinfo=UTC) if since else None, again)
    try:
        with (
            worker(data_dir) as me,
            counting(data_dir) as tally,
            model_summariser(settings, data_dir, load_redactor(settings), tally.answers(Purpose.SUMMARY)) as summariser,
            Progress(transient=True, disable=as_json) as bar,
        ):
            task = bar.add_task("calls", total=None)
            free_of_the_dead(archive, data_dir)
            summaries = summaries_of(archive, me.owner)
            concurrency = settings.summarise.concurrency
            done = summarise_with(summaries, summariser, wish, concurrency, stop, lambda: bar.advance(task))
            tally.summarised(done.made, len(done.failed))
    finally:
        signal.signal(signal.SIGTERM, before)
    if as_json:
        report.print_json({"made": done.made, "dropped": done.dropped, "failed": len(done.failed), "why": done.why})
    else:
        click.echo(f"{done.made} calls summarised, {done.dropped} statements left out that the calls do not bear out.")
        for reason in dict.fromkeys(done.failed.values()):
            click.echo(f"  {sum(one == reason for one in done.failed.values())} calls failed: {reason}")
        if done.why:
            click.echo(f"  Ended early: {done.why}")
    return 0 if done.complete else 1
