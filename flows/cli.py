"""The command line: `callwright COMMAND`."""

from __future__ import annotations

import sys

import click

from asr.errors import ConfigError, ModelError, PipelineError
from flows.commands.access import group as access
from flows.commands.analyse import analyse
from flows.commands.backfill import backfill
from flows.commands.bench import bench
from flows.commands.config import config
from flows.commands.correct import correct
from flows.commands.doctor import doctor
from flows.commands.evidence import audit, certificate, keys
from flows.commands.export import export
from flows.commands.inspect import inspect
from flows.commands.keep import erase, hold, sweep, vault
from flows.commands.look import show, sql, status
from flows.commands.metrics import metrics
from flows.commands.models import models
from flows.commands.objects import objects
from flows.commands.plan import plan
from flows.commands.promote import promote
from flows.commands.quality import drift, quality
from flows.commands.quantise import quantise
from flows.commands.redact import redact
from flows.commands.run import run
from flows.commands.score import score
from flows.commands.search import search
from flows.commands.service import deploy, up, worker
from flows.commands.summarise import summarise
from flows.commands.transcribe import transcribe
from flows.commands.verify import verify_redaction
from flows.commands.watch import watch
from flows.desk import fault
from flows.written_calls import LineError
from storage.errors import (
    AmbiguousRecordingError,
    NoTranscriptError,
    QueryError,
    UnknownHoldError,
    UnknownRecordingError,
)

_ASKED_WRONGLY = (
    ConfigError,
    LineError,
    ModelError,
    AmbiguousRecordingError,
    NoTranscriptError,
    QueryError,
    UnknownHoldError,
    UnknownRecordingError,
)
"""Errors that the person who typed the command can mend: exit code 2."""


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 all is well; 1 some recordings could not be done; 2 the command or a setting is "
    "wrong; 3 the work had to stop, 130 somebody stopped it; nothing is lost, run it again.",
)
@click.version_option(package_name="callwright", prog_name="callwright")
def cli() -> None:
    """Call recordings to redacted transcripts in SQL, on your own machines."""


_COMMANDS: tuple[click.Command, ...] = (
    *(run, watch, transcribe, inspect, status, show, sql, models, config, redact, bench, quantise),
    *(score, correct, promote, doctor),
    *(audit, certificate, keys, vault, hold, sweep, erase, verify_redaction),
    *(search, export, access, objects, plan),
    *(backfill, summarise, analyse, up, deploy, worker, metrics, quality, drift),
)

for _command in _COMMANDS:
    cli.add_command(_command)


def main() -> None:
    """Run the command line and exit with its code; errors are one sentence and a remedy."""
    sys.exit(call(sys.argv[1:]))


def call(arguments: list[str]) -> int:
    """Run one command line and return its exit code."""
    try:
        return int(cli.main(arguments, prog_name="callwright", standalone_mode=False) or 0)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.Abort:
        click.echo("Stopped. Nothing is lost: the same command goes on from here.", err=True)
        return 130
    except click.ClickException as error:
        error.show()
        return 2
    except PipelineError as error:
        click.echo(f"Error: {error}", err=True)
        return 2 if isinstance(error, _ASKED_WRONGLY) else 3
    except Exception as error:  # noqa: BLE001
        # No traceback: an error that nobody foresaw may quote what was said.
        click.echo(f"Error: a fault in callwright: {fault(error)}. Report it as a bug", err=True)
        return 3


if __name__ == "__main__":
    main()
