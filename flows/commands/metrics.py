"""`callwright metrics`: what is measured, told to Prometheus."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import click
from prometheus_client import generate_latest
from pydantic import ValidationError

from asr.errors import ConfigError
from configs.options import MetricsOptions
from configs.settings import Settings
from flows.commands import options
from flows.commands.look import archive_of
from flows.monitor.exposition import Teller, checks_of, listening, registry_of
from flows.report import print_json
from flows.wiring import open_archive


@click.command(epilog="Example: callwright metrics --listen 127.0.0.1:9464 --data-dir /var/lib/callwright")
@click.option("--listen", metavar="HOST:PORT", help="Answer Prometheus there until SIGTERM or Ctrl-C.")
@click.option("--textfile", metavar="PATH", help="Write a file for the node exporter, ending in .prom, and exit.")
@click.option("--push", metavar="URL", help="Tell a pushgateway, and exit.")
@options.settings
@options.data_dir
@options.as_json
def metrics(*, settings: Settings, data_dir: Path, as_json: bool, **where: str | None) -> int:
    """Tell what is measured of the ledger, of this machine, and of the processes that work in the data folder.

    Without an option it is printed. What goes through the whole ledger, the audit trail and what is over its time, is
    told by this command alone. docs/metrics.md lists it all. Exits with 1 if file or pushgateway cannot be told.
    """
    kept = settings.metrics.model_dump(include={"every_s", "check_every_s"})
    try:
        wanted = MetricsOptions.model_validate({**{name: value or "" for name, value in where.items()}, **kept})
    except ValidationError as error:
        raise ConfigError(
            "--listen or --textfile cannot be used", "Write HOST:PORT, and a path that ends in .prom"
        ) from error
    # A service may be there before the first recording, and so before the database.
    archive = open_archive(settings, data_dir) if wanted.listen else archive_of(settings, data_dir)
    checks = checks_of(archive, settings, data_dir)
    registry = registry_of(archive, settings, data_dir, checks=checks)
    if wanted.listen:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        with checks.in_background(), listening(registry, wanted.listen) as port:
            click.echo(f"Listening at {wanted.listen.rpartition(':')[0]}:{port}. Stop with Ctrl-C.")
            with Teller(registry, wanted).going_on():
                stop.wait()
        return 0
    if wanted.textfile or wanted.push:
        return 0 if Teller(registry, wanted).tell() else 1
    if as_json:
        samples = (sample for family in registry.collect() for sample in family.samples)
        print_json([{"name": one.name, "labels": one.labels, "value": one.value} for one in samples])
    else:
        click.echo(generate_latest(registry).decode(), nl=False)
    return 0
