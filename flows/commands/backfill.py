"""`callwright backfill`: after a change of model or settings, calls are made again."""

from __future__ import annotations

import threading
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Any

import click

from configs.settings import Settings
from flows.commands import options
from flows.commands.look import archive_of
from flows.meter import Bar
from flows.redo import Redone, Stage, redo
from flows.report import print_fetching, print_json
from flows.wiring import missing_models
from storage.backlog import Wish

_DAY = click.DateTime(["%Y-%m-%d"])


def wished(command: options.Command) -> options.Command:
    """Give the command `wish`: which calls are brought up to date."""

    @click.option("--since", type=_DAY, help="Calls of this day, in UTC, and later ones.")
    @click.option("--until", type=_DAY, help="Calls of this day, in UTC, and earlier ones.")
    @click.option("--queue", help="Calls of this queue alone.")
    @wraps(command)
    def with_wish(*args: Any, since: datetime | None, until: datetime | None, queue: str | None, **kwargs: Any) -> Any:
        wish = Wish(since.date() if since else None, until.date() if until else None, queue)
        return command(*args, wish=wish, **kwargs)

    return with_wish


@click.command(epilog="Example: callwright backfill --since 2026-09-01 --queue billing --profile cpu-server")
@wished
@click.option(
    "--stage",
    type=click.Choice([stage.value for stage in Stage]),
    default=Stage.TRANSCRIBE.value,
    show_default=True,
    help="From where on: what other settings or another model made, what another policy redacted, or summaries or "
    "facts of conversations alone.",
)
@options.settings
@options.data_dir
@options.as_json
def backfill(wish: Wish, stage: str, settings: Settings, data_dir: Path, *, as_json: bool) -> int:
    """Bring calls up to date with the model and settings of today, and do those that were never done.

    What is published stays until the new one takes its place. Stopped at any time, the same command goes on. From
    transcribe and redact on it needs the recordings; calls whose recording is gone are named, and stay as they are.
    Exits with 1 if some calls could not be brought up to date.
    """
    archive_of(settings, data_dir)
    if stage in (Stage.TRANSCRIBE, Stage.REDACT):
        print_fetching(missing_models(settings))
    redone = redo(wish, Stage(stage), settings, data_dir, threading.Event(), lambda: Bar(quiet=as_json))
    if as_json:
        failures = {sha256: failure.reason for sha256, failure in redone.failures.items()}
        print_json({"done": redone.done, "unchanged": redone.unchanged, "left": redone.left, "failures": failures})
    else:
        _print(redone)
    return 0 if redone.complete else 1


def _print(redone: Redone) -> None:
    click.echo(f"{redone.done} calls brought up to date.")
    for name, why in redone.left.items():
        click.echo(f"  {name} stays as it is: {why}")
    for sha256, failure in redone.failures.items():
        click.echo(f"  {sha256[:12]} failed: {failure.reason}. {failure.remedy}")
