"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from configs.load import Layer, read_layers, settle
from configs.settings import Settings

Command = Callable[..., Any]

data_dir = click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("var"),
    show_default=True,
    envvar="CALLWRIGHT_DATA_DIR",
    help="Folder of the database, the transcripts and Prefect's own files.",
)

as_json = click.option("--json", "as_json", is_flag=True, help="Print the same facts as JSON.")


quality = click.option(
    "--quality", is_flag=True, help="Search every chunk with all beams, as transcribe.search=beam does."
)


def with_quality(settings: Settings, *, quality: bool) -> Settings:
    """The settings, with beam search for every chunk if that was asked for."""
    if not quality:
        return settings
    return settings.model_copy(update={"transcribe": settings.transcribe.model_copy(update={"search": "beam"})})


def layers(command: Command) -> Command:
    """Give the command `layers`: what --profile, the file, the environment and --set say, weakest first."""

    @click.option(
        "--profile",
        metavar="NAME",
        help="Settings by name: laptop, cpu-server or gpu-server; and of a recorder, by a comma.",
    )
    @click.option("--set", "overrides", metavar="KEY=VALUE", multiple=True, help="Set one key; may be repeated.")
    @wraps(command)
    def with_layers(*args: Any, profile: str | None, overrides: tuple[str, ...], **kwargs: Any) -> Any:
        return command(*args, layers=read_layers(profile, overrides, os.environ, None), **kwargs)

    return with_layers


def settings(command: Command) -> Command:
    """Give the command `settings`, composed from all layers."""

    @layers
    @wraps(command)
    def with_settings(*args: Any, layers: tuple[Layer, ...], **kwargs: Any) -> Any:
        composed: Settings = settle(layers)
        return command(*args, settings=composed, **kwargs)

    return with_settings
