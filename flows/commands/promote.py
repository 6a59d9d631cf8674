"""`callwright promote`: another model or setting, if it hears the corrected calls no worse."""

from __future__ import annotations

import os
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from configs.load import read_layers, settle
from flows import report
from flows.commands import options
from flows.commands.look import archive_of
from flows.report import print_fetching
from flows.scores.score_report import facts_of, percent, within
from flows.scores.scored_runs import golden_set
from flows.scores.scoring import Figures
from flows.wiring import actor, missing_models
from storage.ledger import Ledger

_COLUMNS = ("WER", "95 %", "sub", "del", "ins", "words", "unscored", "CER", "digits", "digit WER", "cpWER")


@click.command(epilog="Example: callwright promote whisper-tiny.en --set transcribe.search=beam")
@click.argument("model", required=False)
@click.option("--set", "wanted", metavar="KEY=VALUE", multiple=True, help="What to promote; may be repeated.")
@click.option("--profile", metavar="NAME", help="The profile that is in use.")
@options.data_dir
@options.as_json
def promote(model: str | None, wanted: tuple[str, ...], profile: str | None, data_dir: Path, *, as_json: bool) -> int:
    """Transcribe the golden set as it is done now, and by MODEL or by settings, and promote what hears no worse.

    The golden set is the calls that `callwright correct` was given; their recordings have to be where they were. What
    is promoted is written to callwright.promoted.toml in the working folder, where every later command takes it.
    Refuses with the figures and exits with 1 if more words, digits or speech are lost than [promotion] allows.
    """
    # OpenVINO takes a second to import, which no other command is to wait for.
    from flows.scores.promotion import Bench, as_detail, changes, in_words
    from flows.scores.promotion import promote as write

    layers = read_layers(profile, (), os.environ, None)
    overrides = (*((f"transcribe.model={model}",) if model else ()), *wanted)
    candidate_layers = read_layers(profile, overrides, os.environ, None)
    now, candidate = settle(layers), settle(candidate_layers)
    values = changes(layers, candidate_layers[len(layers) :], now, candidate)
    archive = archive_of(now, data_dir)
    said = golden_set(archive)
    print_fetching({one.id: one for settings in (now, candidate) for one in missing_models(settings)}.values())
    data_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=data_dir) as scratch:
        bench = Bench(archive, said, Path(scratch), now.ingest.fetch_s)
        trial = bench.try_out(now, candidate, lambda step: click.echo(step, err=True))
    refusals = trial.refusals(now.promotion)
    at = datetime.now(UTC)
    path = None if refusals else write(values, trial, at, Path())
    action = "settings.refuse" if refusals else "settings.promote"
    Ledger(archive.database, actor=actor()).write(action, "settings", as_detail(trial, values, refusals))
    if as_json:
        told = {"now": facts_of(trial.now), "candidate": facts_of(trial.candidate), "versus": asdict(trial.versus)}
        more = {"left_out": trial.left_out, "lost": trial.lost, "refusals": refusals}
        report.print_json({"values": values, **told, **more, "file": None if path is None else str(path)})
        return 1 if refusals else 0
    rows = [("in use", trial.now), ("candidate", trial.candidate)]
    report.print_table(("settings", *_COLUMNS), [(name, *_row(one)) for name, one in rows], _COLUMNS)
    click.echo("\n" + in_words(trial))
    for name, why in {**trial.left_out, **trial.lost}.items():
        click.echo(f"Not used: {name}: {why}", err=True)
    named = ", ".join(f"{key} = {value}" for key, value in values.items())
    if refusals:
        click.echo(f"\nRefused: {named}\n" + "\n".join(f"  {reason}" for reason in refusals))
        return 1
    click.echo(f"\nPromoted: {named}. It is in {path}, and in use from the next run on. Calls that are there already:")
    click.echo("\n  callwright backfill")
    return 0


def _row(one: Figures) -> tuple[object, ...]:
    return (
        percent(one.wer),
        within(one.wer),
        one.words.substitutions,
        one.words.deletions,
        one.words.insertions,
        one.words.reference_length,
        one.unscored,
        percent(one.cer),
        one.digits.reference_length,
        percent(one.digit_wer),
        percent(one.cp_wer),
    )
