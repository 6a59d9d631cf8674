"""`callwright vault`, `hold`, `sweep` and `erase`: what stays, and what goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any

import click

from asr.errors import ConfigError
from compliance.retention import in_force
from compliance.signing import write_secret
from compliance.types import Hold, Scope
from compliance.vault import Vault
from configs.settings import Settings
from flows import report
from flows.commands import options
from flows.commands.look import archive_of
from flows.custody import Custody, master_key, note_configuration, open_custody
from flows.erase import Line
from flows.erase import erase as erase_all
from flows.evidence import write_anchor
from flows.presence import alone_in
from flows.sweep import sweep as sweep_all
from flows.wiring import Archive, actor

_UNTIL = click.DateTime(["%Y-%m-%d"])

_HELP = {
    Scope.CALL: "A file name, the end of a path, or at least six digits of the SHA-256.",
    Scope.CALLER: "All calls of a caller.",
    Scope.AGENT: "All calls of an agent.",
    Scope.QUEUE: "All calls of a queue.",
}

Command = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class _Work:
    """What is worked on, and the folder to be held while files go."""

    archive: Archive
    custody: Custody
    data_dir: Path


def _at_work(command: Command) -> Command:
    """Give the command `work`, opened by settings and data folder; a changed configuration is written in the trail."""

    @options.settings
    @options.data_dir
    @wraps(command)
    def with_work(*args: Any, settings: Settings, data_dir: Path, **kwargs: Any) -> Any:
        archive = archive_of(settings, data_dir)
        custody = open_custody(archive.database, archive.objects, settings, data_dir)
        note_configuration(custody)
        return command(*args, work=_Work(archive, custody, data_dir), **kwargs)

    return with_work


def _named(*scopes: Scope) -> Callable[[Command], Command]:
    """Give the command `named`, the one of these options that was given, as scope and value."""

    def decorate(command: Command) -> Command:
        @wraps(command)
        def with_named(*args: Any, **kwargs: Any) -> Any:
            given = {scope: (kwargs.pop(scope.value) or "").strip() for scope in scopes}
            named = [(scope, value) for scope, value in given.items() if value]
            if len(named) != 1:
                names = ", ".join(f"--{scope.value}" for scope in scopes)
                raise ConfigError(f"{len(named)} of {names} are given", "Name one")
            return command(*args, named=named[0], **kwargs)

        for scope in reversed(scopes):
            with_named = click.option(f"--{scope.value}", help=_HELP[scope])(with_named)
        return with_named

    return decorate


@click.group()
def vault() -> None:
    """Open what is kept unredacted, and change the master key."""


@vault.command("open", epilog='Example: callwright vault open bank --reason "dispute 4711" --out bank.json')
@click.argument("call")
@click.option("--reason", required=True, help="Why; it is written in the audit trail.")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="A new file.")
@click.option("--kind", type=click.Choice(["transcript", "audio"]), default="transcript", show_default=True)
@_at_work
@options.as_json
def open_(call: str, reason: str, out: Path, kind: str, work: _Work, *, as_json: bool) -> int:
    """Decrypt what the vault keeps of a CALL into a new file, which only you may read."""
    archive, custody = work.archive, work.custody
    found = archive.repository.find(call)
    body = custody.vault().open(found.sha256, kind)
    # Before the file is there: nobody reads what the trail does not tell of.
    custody.ledger.write("vault.open", found.sha256, {"kind": kind, "reason": reason})
    write_secret(out, body)
    if as_json:
        report.print_json({"sha256": found.sha256, "kind": kind, "out": str(out), "bytes": len(body)})
    else:
        click.echo(f"The {kind} of {found.sha256[:12]}, {len(body)} bytes, is in {out}. It is not redacted.")
    return 0


@vault.command("rewrap", epilog="Example: callwright vault rewrap --old file:/etc/callwright/old.key")
@click.option("--old", required=True, metavar="PLACE", help="The key so far: file:PATH, env:VARIABLE or kms:KEY.")
@_at_work
@options.as_json
def rewrap(old: str, work: _Work, *, as_json: bool) -> int:
    """Wrap every recording's key by the master key of vault.master_key; what is sealed stays as it is."""
    custody = work.custody
    with alone_in(work.data_dir, work.custody.settings.ingest.let_go_s):
        new = custody.settings.vault.master_key
        before, after = master_key(old, "--old"), master_key(new, "vault.master_key")
        count = Vault(custody.vault_folder, before).rewrap(after)
        custody.ledger.write("vault.rewrap", "vault", {"keys": count, "old": before.id, "new": after.id})
    if as_json:
        report.print_json({"keys": count, "old": before.id, "new": after.id})
    else:
        click.echo(f"{count} keys are wrapped by {after.id} now. Keep the old master key until your backups are over.")
    return 0


@click.group()
def hold() -> None:
    """Legal holds: what is under one is deleted by nothing."""


@hold.command("add", epilog='Example: callwright hold add --call bank --why "case 12-345" --until 2027-12-31')
@_named(*Scope)
@click.option("--who", help="Who asks for it; you, if nobody is named.")
@click.option("--why", required=True, help="The case or the order; it is written in the audit trail.")
@click.option("--until", type=_UNTIL, help="The day (UTC) on which it ends by itself; else it has to be released.")
@_at_work
@options.as_json
def add(
    named: tuple[Scope, str], who: str | None, why: str, until: datetime | None, work: _Work, *, as_json: bool
) -> int:
    """Place a hold on one call, or on all calls of a caller, an agent or a queue, those to come included."""
    scope, value = named
    archive, custody = work.archive, work.custody
    found = archive.repository.find(value) if scope is Scope.CALL else None
    ends = until.replace(tzinfo=UTC) if until else None
    placed = Hold(0, scope, found.sha256 if found else value, who or actor(), why, custody.ledger.now(), ends)
    number = custody.ledger.place_hold(placed)
    begun = bool(found and custody.ledger.intentions(found.id))
    if as_json:
        report.print_json({"hold": number, "erasure_begun": begun})
        return 0
    click.echo(f"Hold {number} is in force. It ends with: callwright hold release {number} --why ...")
    if begun:
        click.echo("Warning: an erasure of this call had begun before; what is left of it stays.", err=True)
    return 0


@hold.command("list", epilog="Example: callwright hold list --json")
@_at_work
@options.as_json
def list_(work: _Work, *, as_json: bool) -> int:
    """List all holds that there ever were."""
    custody = work.custody
    now, holds = custody.ledger.now(), custody.ledger.holds()
    custody.ledger.write("hold.list", "holds", {"holds": len(holds)})
    if as_json:
        report.print_json([{**asdict(one), "in_force": in_force(one, now)} for one in holds])
        return 0
    report.print_table(
        ("hold", "on", "whose", "who", "why", "until", "state"),
        (
            (
                one.id,
                one.scope.value,
                one.value[:12] if one.scope is Scope.CALL else one.value,
                one.who,
                one.why,
                f"{one.until:%Y-%m-%d}" if one.until else "released",
                "in force" if in_force(one, now) else "released" if one.released_at else "over",
            )
            for one in holds
        ),
    )
    return 0


@hold.command("release", epilog='Example: callwright hold release 3 --why "case closed"')
@click.argument("number", type=click.IntRange(1))
@click.option("--why", required=True, help="Why; it is written in the audit trail.")
@_at_work
@options.as_json
def release(number: int, why: str, work: _Work, *, as_json: bool) -> int:
    """End the hold of a NUMBER: from the next sweep on, rules and requests take what it kept."""
    custody = work.custody
    custody.ledger.release_hold(number, why)
    if as_json:
        report.print_json({"hold": number, "released": True})
    else:
        click.echo(f"Hold {number} is released.")
    return 0


@click.command(epilog="Example: callwright sweep --dry-run")
@click.option("--dry-run", is_flag=True, help="Say what would go, and touch nothing.")
@_at_work
@options.as_json
def sweep(work: _Work, *, dry_run: bool, as_json: bool) -> int:
    """Delete what is over its time by the rules of retention.file, but for what a hold covers.

    Ends first what an earlier sweep or erasure had begun. Exits with 1 if something was to go and could not.
    """
    with alone_in(work.data_dir, work.custody.settings.ingest.let_go_s):
        swept = sweep_all(work.custody, dry_run=dry_run)
    if as_json:
        report.print_json(asdict(swept))
        return 0 if swept.complete else 1
    _print_lines(swept.lines)
    counts = Counter(line.state for line in swept.lines)
    told = ", ".join(f"{counts[state]} {state}" for state in ("due", "erased", "held", "failed") if counts[state])
    click.echo(f"{'Nothing was touched' if dry_run else 'Swept'}: {told or 'nothing is over its time'}.")
    if swept.events:
        click.echo(f"{swept.events} audit events were over their time and are gone.")
    for key in swept.certificates:
        click.echo(f"An erasure that was asked for went on; its new certificate is the object {key}")
    return 0 if swept.complete else 1


@click.command(epilog='Example: callwright erase --call bank --reason "request of 3 May"')
@_named(Scope.CALL, Scope.CALLER, Scope.AGENT)
@click.option("--reason", required=True, help="Why; the audit trail and the certificate keep it.")
@_at_work
@options.as_json
def erase(named: tuple[Scope, str], reason: str, work: _Work, *, as_json: bool) -> int:
    """Erase all that is kept of a call, a caller or an agent, and certify what went and what could not.

    Source files go too, wherever they lie. What a legal hold covers goes when the hold has ended. Exits with 1 if
    something is left.
    """
    scope, value = named
    with alone_in(work.data_dir, work.custody.settings.ingest.let_go_s):
        whose = work.archive.repository.find(value).sha256 if scope is Scope.CALL else value
        erased = erase_all(work.custody, scope, whose, reason)
        write_anchor(work.custody)
    if as_json:
        report.print_json({**asdict(erased), "complete": erased.complete})
        return 0 if erased.complete else 1
    _print_lines(erased.lines)
    click.echo(f"\nThe certificate is the object {erased.certificate}. Print it, with all others of a call:\n")
    click.echo(f"  callwright certificate {erased.lines[0].sha256[:12]}")
    return 0 if erased.complete else 1


def _print_lines(lines: Sequence[Line]) -> None:
    if lines:
        report.print_table(
            ("call", "kind", "state", "count", "why", "note"),
            ((one.sha256[:12], one.kind.value, one.state, one.count, one.why, one.note) for one in lines),
            right=("count",),
        )
