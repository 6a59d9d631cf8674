"""`callwright audit`, `certificate` and `keys`: proof for somebody who does not take our word."""

from __future__ import annotations

import json
from pathlib import Path

import click

from asr.errors import ConfigError, FatalError
from compliance.errors import SignatureError
from compliance.master_key import new_key_text
from compliance.retention import audit_keep
from compliance.signing import PublicKey, Signer, write_secret
from configs.settings import Settings
from flows import report
from flows.commands import options
from flows.commands.look import archive_of
from flows.custody import open_custody, retention_policy
from flows.evidence import check_objects, check_trail, write_anchor

_PUBLIC_KEY = click.option(
    "--public-key",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The public key to trust, PEM; else that of audit.signing_key.",
)


@click.group()
def audit() -> None:
    """The trail of who did what, and proof that nobody rewrote it."""


@audit.command("verify", epilog="Example: callwright audit verify --public-key callwright.pub")
@_PUBLIC_KEY
@click.option("--objects", is_flag=True, help="Hash every rendering and certificate that is kept, too.")
@options.settings
@options.data_dir
@options.as_json
def verify(public_key: Path | None, settings: Settings, data_dir: Path, *, objects: bool, as_json: bool) -> int:
    """Check every event of the audit trail, every anchor and every statement of deletion. Exits with 1 if one is wrong.

    Take anchors and public key from where the database's owner cannot write: who can change all three can lie.
    """
    archive = archive_of(settings, data_dir)
    custody = open_custody(archive.database, archive.objects, settings, data_dir)
    public = PublicKey.load(public_key) if public_key else custody.signer.public
    faults = check_trail(custody, archive.repository, public)
    if objects:
        faults += check_objects(custody, archive.repository.object_keys())
    events, anchors = custody.ledger.chain()[0].id, len(custody.anchors.numbers())
    first, kept = custody.ledger.first_event(), audit_keep(retention_policy(settings))
    since = first[1].isoformat(timespec="seconds") if first else None
    if as_json:
        facts = {"since": since, "kept": str(kept or "forever"), "events": events, "anchors": anchors}
        report.print_json({**facts, "faults": faults})
    else:
        for fault in faults:
            click.echo(fault)
        state = f"{len(faults)} faults" if faults else "sound"
        click.echo(f"The audit trail up to event {events}, with {anchors} anchors: {state}.")
        if first:
            click.echo(f"Its first event is {first[0]} of {since}; events are kept {kept or 'forever'}.")
        if not anchors:
            click.echo("Without anchors a trail that was cut off or written anew looks sound: callwright audit anchor")
    return 1 if faults else 0


@audit.command("anchor", epilog="Example: callwright audit anchor --set audit.anchors=s3://evidence/callwright")
@options.settings
@options.data_dir
@options.as_json
def anchor(settings: Settings, data_dir: Path, *, as_json: bool) -> int:
    """Sign the end of the audit trail as it is now and keep that in audit.anchors; runs and sweeps do so too."""
    archive = archive_of(settings, data_dir)
    custody = open_custody(archive.database, archive.objects, settings, data_dir)
    where = write_anchor(custody)
    if as_json:
        report.print_json({"anchor": where})
    else:
        click.echo(f"The anchor is {where}" if where else "The audit trail is empty")
    return 0


class _ShowsByDefault(click.Group):
    """A group in which what is no command's name is what `show` shows."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        known = bool(args) and (args[0] in self.commands or args[0].startswith("-"))
        return super().resolve_command(ctx, args if known else ["show", *args])


@click.group(cls=_ShowsByDefault)
def certificate() -> None:
    """Signed certificates of redaction and of erasure. `callwright certificate CALL` is `certificate show CALL`."""


@certificate.command("show", epilog="Example: callwright certificate show bank --out bank.certificate")
@click.argument("call")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the last one, as signed, here.")
@options.settings
@options.data_dir
@options.as_json
def show(call: str, out: Path | None, settings: Settings, data_dir: Path, *, as_json: bool) -> int:
    """Print the certificates of a CALL as they were signed, one a line: its redaction's, then its erasures'."""
    archive = archive_of(settings, data_dir)
    custody = open_custody(archive.database, archive.objects, settings, data_dir)
    found = archive.repository.find(call)
    documents = [archive.objects.get(key) for key in custody.ledger.certificates(found.id)]
    if not documents:
        raise ConfigError(
            f"{found.sha256[:12]} has no certificate", "It was published before there were any: callwright run --again"
        )
    if out is not None:
        out.write_bytes(documents[-1])
        custody.signer.public.verified(documents[-1])
    if as_json:
        report.print_json([json.loads(document) for document in documents])
    elif out is not None:
        click.echo(f"The certificate is in {out}. Anybody with the public key can check it:\n")
        click.echo(f"  callwright certificate verify {out} --public-key FILE.pub")
    else:
        for document in documents:
            click.echo(document.decode())
    return 0


@certificate.command(
    "verify", epilog="Example: callwright certificate verify bank.certificate --public-key signing.pem.pub"
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--public-key", required=True, type=click.Path(dir_okay=False, path_type=Path), help="PEM.")
@options.as_json
def verify_(file: Path, public_key: Path, *, as_json: bool) -> int:
    """Check a certificate's FILE with the public key alone; no database is needed. Exits with 1 if it is not sound."""
    public = PublicKey.load(public_key)
    try:
        body = public.verified(file.read_bytes())
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}", "Name a certificate's file") from error
    except SignatureError as error:
        if as_json:
            report.print_json({"sound": False, "reason": error.reason})
        else:
            click.echo(f"Not sound: {error}")
        return 1
    if as_json:
        report.print_json({"sound": True, "key_id": public.id, "body": body})
    else:
        click.echo(f"Sound: {body.get('type')} of {body.get('at')}, signed with the key {public.id}")
    return 0


@click.group()
def keys() -> None:
    """Keys for signing certificates and for the vault."""


@keys.command("new", epilog="Example: callwright keys new --out /etc/callwright/signing.pem")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="A new file.")
@click.option("--kind", type=click.Choice(["signing", "vault"]), default="signing", show_default=True)
@options.as_json
def new(out: Path, kind: str, *, as_json: bool) -> int:
    """Make a key that only you can read: for signing, with its public key in OUT.pub, or the vault's master key."""
    if kind == "vault":
        write_secret(out, new_key_text())
        facts = {"key": str(out), "setting": f"vault.master_key=file:{out}"}
    else:
        signer = Signer.new()
        try:
            signer.save(out)
        except OSError as error:
            raise FatalError(f"{out}.pub cannot be written: {error.strerror}", "Name another file") from error
        facts = {
            "key": str(out),
            "public_key": f"{out}.pub",
            "key_id": signer.public.id,
            "setting": f"audit.signing_key={out}",
        }
    if as_json:
        report.print_json(facts)
    else:
        click.echo("\n".join(f"{name + ':':<12}{value}" for name, value in facts.items()))
    return 0
