"""`callwright config`: what is set, and what each key means."""

from __future__ import annotations

from dataclasses import asdict

import click

from configs.explain import explain, show
from configs.load import Layer, settle
from configs.settings import fingerprint, plain
from flows import report
from flows.commands import options


@click.group()
def config() -> None:
    """Show settings and explain them."""


@config.command("show", epilog="Example: callwright config show --profile cpu-server")
@options.layers
@options.as_json
def show_(layers: tuple[Layer, ...], *, as_json: bool) -> int:
    """Print all settings as they are now, and where those that are no defaults were set."""
    settings = settle(layers)
    if as_json:
        report.print_json({"fingerprint": fingerprint(settings), "settings": plain(settings)})
    else:
        click.echo(show(settings, layers), nl=False)
    return 0


@config.command("explain", epilog="Example: callwright config explain vad.threshold")
@click.argument("key")
@options.layers
@options.as_json
def explain_(key: str, layers: tuple[Layer, ...], *, as_json: bool) -> int:
    """Say what a KEY does, its value and who set it, its default, what is allowed, and where it comes from."""
    facts = asdict(explain(settle(layers), layers, key))
    if as_json:
        report.print_json(facts)
    else:
        for name, value in facts.items():
            click.echo(f"{name + ':':<13}{value}")
    return 0
