"""`callwright verify-redaction`: published calls checked again, in text and in sound."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from asr.errors import ConfigError
from compliance.signing import PublicKey
from compliance.types import AUDIO_KINDS
from configs.settings import Settings
from flows import report
from flows.commands import options
from flows.commands.look import archive_of
from flows.custody import open_custody
from flows.proof import Listening
from flows.recheck import Checked, Checker
from flows.report import print_fetching
from flows.wiring import load_models, missing_models
from storage.errors import NoTranscriptError
from storage.types import RecordingState


@click.command("verify-redaction", epilog="Example: callwright verify-redaction bank")
@click.argument("call", required=False)
@click.option("--all", "every", is_flag=True, help="Check every published call.")
@click.option(
    "--public-key",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The public key to trust, PEM; else that of audit.signing_key.",
)
@options.settings
@options.data_dir
@options.as_json
def verify_redaction(
    call: str | None, public_key: Path | None, settings: Settings, data_dir: Path, *, every: bool, as_json: bool
) -> int:
    """Check a published CALL, or all: its certificate, its renderings, its text, and its redacted sound.

    The text is read again and the sound heard again, by two models or searches. Exits with 0 only if all hold, with 1
    if one does not; what is wrong is named without a word that was said.
    """
    if (call is None) != every:
        raise ConfigError("verify-redaction takes a CALL or --all", "Name one call, or write --all")
    archive = archive_of(settings, data_dir)
    custody = open_custody(archive.database, archive.objects, settings, data_dir)
    public = PublicKey.load(public_key) if public_key else custody.signer.public
    if call is not None:
        found = [archive.repository.find(call)]
        if found[0].state is not RecordingState.PUBLISHED:
            raise NoTranscriptError(f"{found[0].name} is {found[0].state}", "callwright run does it, or does it again")
    else:
        stock = (archive.repository.find(one.facts.sha256) for one in custody.ledger.stock())
        found = [one for one in stock if one.state is RecordingState.PUBLISHED]
    # Copies are heard even where none would be made by now; without any, who hears them need not be there.
    has_copies = any(kind in AUDIO_KINDS for one in found for kind in archive.repository.documents(one.id))
    heard = settings.redact.model_copy(update={"audio": "beep" if has_copies else "off"})
    settings = settings.model_copy(update={"redact": heard})
    print_fetching(missing_models(settings))
    models = load_models(settings)
    listening = Listening(models.listeners, models.redactor, settings)
    checker = Checker(custody, archive.repository, public, models.detector, listening)
    checked = [_told(checker.check(one), as_json=as_json) for one in found]
    if every:
        checked += [_told(one, as_json=as_json) for one in checker.missing(found)]
    if as_json:
        report.print_json([asdict(one) for one in checked])
    else:
        wrong = sum(bool(one.faults) for one in checked)
        copies = sum(one.audio for one in checked)
        click.echo(f"{len(checked)} checked, {copies} of them with a redacted copy: {wrong} not as they should be.")
    return 1 if any(one.faults for one in checked) else 0


def _told(checked: Checked, *, as_json: bool) -> Checked:
    if not as_json:
        for fault in checked.faults:
            click.echo(f"{checked.name}: {fault}")
    return checked
