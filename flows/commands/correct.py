"""`callwright correct`: what a person says was said, kept as the measure of models and settings."""

from __future__ import annotations

from pathlib import Path

import click

from compliance.render import as_txt
from configs.settings import Settings
from flows import report
from flows.commands import options
from flows.commands.look import archive_of, published
from flows.scores.correction import corrected
from flows.wiring import actor, load_redactor, missing_redactor
from storage.golden import Golden


@click.command(epilog="Example: callwright correct bank --text bank.txt")
@click.argument("call")
@click.option(
    "--text",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="What was said: lines like those that are printed without it, or a .json with turns.",
)
@options.settings
@options.data_dir
@options.as_json
def correct(call: str, text: Path | None, settings: Settings, data_dir: Path, *, as_json: bool) -> int:
    """Print the transcript of a CALL to be edited; with --text FILE keep what was edited, in the golden set.

    It is redacted before it is kept, whoever wrote it; marks such as [PERSON] may stay as they are. The transcript
    itself does not change. A second correction takes the place of the first.
    """
    archive = archive_of(settings, data_dir)
    found = published(archive.repository, call)
    transcript = archive.repository.transcript(found.id)
    if text is None:
        archive.repository.looked_at(found.sha256, "transcript.show", {"turns": len(transcript.turns)})
        shown = as_txt(transcript)
        report.print_json({"sha256": found.sha256, "text": shown}) if as_json else click.echo(shown, nl=False)
        return 0
    report.print_fetching(missing_redactor(settings))
    kept = corrected(text, transcript, load_redactor(settings))
    golden = Golden(archive.database, actor=actor())
    golden.keep(found.id, kept)
    words, calls = sum(len(turn.words) for turn in kept.turns), len(golden.calls())
    if as_json:
        told = {"turns": len(kept.turns), "words": words, "redactions": len(kept.redactions), "golden_calls": calls}
        report.print_json({"sha256": found.sha256, **told})
        return 0
    click.echo(
        f"{found.name} is corrected: {len(kept.turns)} turns, {words} words, of which {len(kept.redactions)} times "
        f"something was removed now. The golden set has {calls} calls. Type next:\n\n  callwright score --by call"
    )
    return 0
