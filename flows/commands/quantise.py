"""`callwright quantise`: a model in int8, with proof of what that costs."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from asr.card import Card
from asr.errors import ConfigError
from configs.settings import Settings
from flows import report
from flows.benches.benchmark import find_calls
from flows.commands import options

_FOLDER = click.Path(path_type=Path)


@click.command(epilog="Example: callwright quantise --method minmax --calibration calls --out whisper-base-int8")
@click.option("--model", "model_id", default="whisper-base", show_default=True, help="Id of the speech model.")
@click.option(
    "--calibration",
    "folders",
    type=_FOLDER,
    required=True,
    multiple=True,
    help="Folder of telephone calls with references. Given twice, the second is what the model is tried on.",
)
@click.option(
    "--method",
    type=click.Choice(["weights", "minmax", "entropy", "percentile"]),
    default="minmax",
    show_default=True,
    help="How far activations reach; weights leaves them as they are.",
)
@click.option("--out", type=_FOLDER, required=True, help="Folder to write the graphs and the card into.")
@options.settings
@options.as_json
def quantise(
    model_id: str,
    folders: tuple[Path, ...],
    method: Literal["weights", "minmax", "entropy", "percentile"],
    out: Path,
    settings: Settings,
    *,
    as_json: bool,
) -> int:
    """Round a model to int8, and try it on calls with references before and after.

    Matrices that would hurt are left out. The card in the output folder says what was done and what came of it; the
    engine loads int8 only with a card that shows no harm. Exits with 1 if this one does.
    """
    # OpenVINO takes a second to import, which no other command is to wait for.
    from flows.quantise import CARD, Recipe
    from flows.quantise import quantise as quantised

    if len(folders) > 2:
        raise ConfigError(f"--calibration names {len(folders)} folders", "Name one or two")
    calls = [tuple(find_calls(folder)) for folder in folders]
    recipe = Recipe(model_id, None if method == "weights" else method, calls[0], calls[-1])
    card = quantised(recipe, settings, out, lambda step: click.echo(step, err=True))
    if as_json:
        report.print_json({**card.model_dump(mode="json"), "refusals": card.refusals})
    else:
        _print(card, out / CARD)
    return 1 if card.refusals else 0


def _print(card: Card, path: Path) -> None:
    columns = ("precision", "WER", "sub", "del", "ins", "long del", "words", "weights MB")
    report.print_table(
        columns,
        [
            (
                precision,
                f"{outcome.errors.rate:.1%}",
                outcome.errors.substitutions,
                outcome.errors.deletions,
                outcome.errors.insertions,
                outcome.long_deletions,
                outcome.words,
                f"{outcome.weight_bytes / 1e6:.1f}",
            )
            for precision, outcome in (("float32", card.before), ("int8", card.after))
        ],
        columns[1:],
    )
    if card.left_out:
        click.echo(f"\n{len(card.ranges)} matrices are multiplied in int8; left out, by the error each would make:")
        report.print_table(
            ("matrix", "error"),
            [(name, f"{error:.1%}") for name, error in sorted(card.left_out.items(), key=lambda item: -item[1])],
            ("error",),
        )
    if card.refusals:
        click.echo("\nRefused: " + "; ".join(card.refusals))
    else:
        click.echo(f"\nNo harm found. To use it: --set transcribe.card={path}")
