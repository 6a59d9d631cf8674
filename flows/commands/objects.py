"""`callwright objects`: where renderings rest in S3."""

from __future__ import annotations

from pathlib import Path

import click

from asr.errors import ConfigError
from configs.settings import Settings
from flows.commands import options
from flows.report import print_json
from flows.wiring import objects_place
from storage.buckets import set_transition


@click.group()
def objects() -> None:
    """Look after the objects in S3."""


@objects.command(epilog="Example: callwright objects lifecycle --set storage.cold_after_days=90")
@options.settings
@options.data_dir
@options.as_json
def lifecycle(settings: Settings, data_dir: Path, *, as_json: bool) -> int:
    """Let S3 move objects to storage.cold_class when they are storage.cold_after_days old; with 0, no longer.

    Writes one rule of the bucket's lifecycle, for the prefix of storage.objects_dir, and leaves others. Nothing is
    deleted that way: that is for rules of retention, which the database knows of.
    """
    place, days = objects_place(settings, data_dir), settings.storage.cold_after_days
    if not place.startswith("s3://"):
        raise ConfigError(f"objects are in {place}, and not in S3", "Set storage.objects_dir to s3://bucket/prefix")
    set_transition(place, days, settings.storage.cold_class)
    if as_json:
        print_json({"place": place, "days": days, "class": settings.storage.cold_class if days else None})
    elif days:
        click.echo(f"Objects below {place} move to {settings.storage.cold_class} after {days} days.")
    else:
        click.echo(f"Objects below {place} stay where they are.")
    return 0
