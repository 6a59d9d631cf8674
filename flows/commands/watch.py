"""`callwright watch`: what comes in is done as it comes."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from configs.settings import Settings
from flows.commands import options
from flows.inlets.opening import open_inlet
from flows.meter import Bar
from flows.report import print_fetching, print_json
from flows.watch import Cycle, watching
from flows.watch import watch as go_on
from flows.wiring import missing_models

_STOPPED_AT_ONCE = 130


@click.command(epilog="Example: callwright watch /mnt/recorder s3://calls/inbound --profile cpu-server")
@click.argument("sources", nargs=-1, required=True)
@options.settings
@options.data_dir
@click.option("--once", is_flag=True, help="Do what is there, and exit: for cron.")
@options.as_json
def watch(sources: tuple[str, ...], settings: Settings, data_dir: Path, *, once: bool, as_json: bool) -> int:
    """Do recordings as they come in to SOURCES: folders, s3://bucket/prefix, or URLs of SQS queues.

    Goes on until SIGTERM or Ctrl-C, which lets the group in hand be ended; a second one does not. Exits with 1 if
    something was quarantined or a source could not be read. Several machines may watch the same sources, if they share
    a PostgreSQL. docs/ingest.md has the settings and what is guaranteed.
    """
    stop = _stop_on_signals()
    inlets = [open_inlet(source, settings) for source in sources]
    print_fetching(missing_models(settings))

    def report(cycle: Cycle) -> None:
        if as_json and not (cycle.idle and not cycle.troubles):
            print_json({"at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", **asdict(cycle)})
        elif not as_json:
            _print(cycle)

    with watching(inlets, settings, data_dir, stop, lambda: Bar(quiet=as_json)) as watcher:
        well = go_on(watcher, stop, report, once=once)
    return 0 if well or not once else 1


def _print(cycle: Cycle) -> None:
    if cycle.settled:
        told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(cycle.settled.items()))
        more = f"; {cycle.waiting} more wait" if cycle.waiting else ""
        click.echo(f"{datetime.now(UTC):%H:%M:%S} {told}{more}.")
    for trouble in cycle.troubles:
        click.echo(f"  {trouble}", err=True)


def _stop_on_signals() -> threading.Event:
    """Set an event on the first SIGTERM or SIGINT and exit on the second.

    A thread waits for them, since Prefect's flows bring handlers of their own and would be torn out of their work.
    """
    stop, signals = threading.Event(), {signal.SIGTERM, signal.SIGINT}
    # Threads that start later inherit this; processes do too, but those that we start are killed, not asked.
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)

    def wait() -> None:
        signal.sigwait(signals)
        stop.set()
        signal.sigwait(signals)
        os._exit(_STOPPED_AT_ONCE)

    threading.Thread(target=wait, name="signals", daemon=True).start()
    return stop
