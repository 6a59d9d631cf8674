"""`callwright access`: which roles of PostgreSQL may read whose calls."""

from __future__ import annotations

from dataclasses import asdict
from functools import wraps
from pathlib import Path
from typing import Any

import click

from configs.settings import Settings
from flows.commands import options
from flows.commands.look import archive_of
from flows.report import print_json, print_table
from flows.wiring import actor
from storage.access import ALL, Access


def _with_access(command: options.Command) -> options.Command:
    """Give the command `access`, opened by settings and data folder."""

    @options.settings
    @options.data_dir
    @wraps(command)
    def with_access(*args: Any, settings: Settings, data_dir: Path, **kwargs: Any) -> Any:
        return command(*args, access=Access(archive_of(settings, data_dir).database, actor=actor()), **kwargs)

    return with_access


@click.group("access")
def group() -> None:
    """Say which roles of PostgreSQL may read the calls of which tenants and queues."""


@group.command(epilog="Example: callwright access grant acme_analyst --tenant acme --queue billing")
@click.argument("role")
@click.option("--tenant", required=True, help="Calls of this tenant; * for all, those without one too.")
@click.option("--queue", default=ALL, show_default=True, help="Calls of this queue; * for all, those without one too.")
@click.option("--figures", is_flag=True, help="No word that was said: v_turns and v_words cannot be read.")
@_with_access
@options.as_json
def grant(role: str, tenant: str, queue: str, access: Access, *, figures: bool, as_json: bool) -> int:
    """Let ROLE, which is there, read the analysts' views of a tenant's calls, and nothing else.

    May be repeated for other tenants and queues; --figures counts for all of them.
    """
    access.grant(role, tenant, queue, text=not figures)
    if as_json:
        print_json({"role": role, "tenant": tenant, "queue": queue, "text": not figures})
    else:
        click.echo(f"{role} reads calls of tenant {tenant}, queue {queue}{': figures alone' if figures else ''}.")
    return 0


@group.command(epilog="Example: callwright access revoke acme_analyst --queue billing")
@click.argument("role")
@click.option("--tenant", help="The grants of this tenant alone.")
@click.option("--queue", help="The grants of this queue alone.")
@_with_access
@options.as_json
def revoke(role: str, tenant: str | None, queue: str | None, access: Access, *, as_json: bool) -> int:
    """Take grants from ROLE; without the last one it can read nothing."""
    gone = access.revoke(role, tenant, queue)
    if as_json:
        print_json({"role": role, "grants": gone})
    else:
        click.echo(f"{gone} {'grant' if gone == 1 else 'grants'} taken from {role}.")
    return 0 if gone else 1


@group.command("list", epilog="Example: callwright access list")
@_with_access
@options.as_json
def list_grants(access: Access, *, as_json: bool) -> int:
    """List all grants."""
    grants = access.grants()
    if as_json:
        print_json([asdict(one) for one in grants])
        return 0
    columns = ("role", "tenant", "queue", "reads", "granted")
    rows = [(g.role, g.tenant, g.queue, "text" if g.text else "figures", f"{g.granted_at:%Y-%m-%d}") for g in grants]
    print_table(columns, rows)
    return 0
