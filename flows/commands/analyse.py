"""`callwright analyse`: categories, scorecards and questions over calls that are published."""

from __future__ import annotations

import signal
import threading
from contextlib import ExitStack
from pathlib import Path

import click
from rich.progress import Progress

from configs.settings import Settings
from flows import report
from flows.analyses import Analyser, read_analyses
from flows.analysis_report import pass_facts, pass_lines
from flows.commands import options
from flows.commands.backfill import wished
from flows.commands.look import archive_of
from flows.language_model import model_questioner, names_model
from flows.metrics import Purpose
from flows.monitor.tally import counting
from flows.presence import working_in
from flows.wiring import actor, missing_redactor
from storage.analyses import AnalysisStore
from storage.backlog import Backlog, Wish


@click.command(epilog="Example: callwright analyse --since 2026-09-01 --only complaint --dry-run")
@wished
@click.option("--only", "names", metavar="NAME", multiple=True, help="This analysis alone; may be repeated.")
@click.option("--dry-run", is_flag=True, help="Keep nothing, ask no model, and tell what would change.")
@options.settings
@options.data_dir
@options.as_json
def analyse(
    wish: Wish, names: tuple[str, ...], settings: Settings, data_dir: Path, *, dry_run: bool, as_json: bool
) -> int:
    """Bring published calls up to date with the categories, scorecards and questions of analysis.file.

    Nothing is transcribed again. Only calls of which another version was kept, or none, are looked at, and what that
    changes is told. Stopped at any time, the same command goes on. Questions need a language model, of [llm]. Exits
    with 1 if some could not be asked.
    """
    archive, analyses = archive_of(settings, data_dir), read_analyses(settings)
    wanted = analyses.only(names)
    stop = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: stop.set())
    try:
        with ExitStack() as opened:
            opened.enter_context(working_in(data_dir, settings.ingest.let_go_s))
            questioner = None
            if not dry_run and names_model(settings) and any(name in analyses.question for name in wanted):
                report.print_fetching(missing_redactor(settings))
                on_answer = opened.enter_context(counting(data_dir)).answers(Purpose.QUESTION)
                questioner = opened.enter_context(model_questioner(settings, data_dir, analyses, on_answer))
            bar = opened.enter_context(Progress(transient=True, disable=as_json))
            task = bar.add_task("calls", total=None)
            analyser = Analyser(
                Backlog(archive.database, actor=actor()),
                AnalysisStore(archive.database, actor=actor()),
                analyses,
                stop,
                keep=not dry_run,
                on_call=lambda: bar.advance(task),
            )
            done = analyser.run(wish, wanted, questioner, settings.summarise.concurrency)
    finally:
        signal.signal(signal.SIGTERM, before)
    if as_json:
        report.print_json(pass_facts(done))
    else:
        click.echo("\n".join(pass_lines(done, dry_run=dry_run)))
    return 0 if done.complete else 1
