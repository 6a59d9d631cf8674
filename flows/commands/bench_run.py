"""`callwright bench run`: the whole pipeline on your own calls, saved and held against what it was before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import click

from configs.settings import Settings
from flows import report
from flows.benches import history, rounds
from flows.benches.history import Change, Record
from flows.commands import options
from flows.wiring import missing_models

_HEAD = ("", "P50", "P95", "P99")


@click.command("run", epilog="Example: callwright bench run --data sample_audio --save --compare")
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder of calls.")
@click.option("--rounds", "n_rounds", type=click.IntRange(1), default=3, show_default=True, help="Medians of so many.")
@click.option("--warm-up", type=click.IntRange(0), default=1, show_default=True, help="Rounds before, not counted.")
@click.option("--concurrency", type=click.IntRange(1), help="Calls in hand at once: sets batch.group_recordings.")
@click.option("--save", is_flag=True, help="Add the figures to the history.")
@click.option("--compare", is_flag=True, help="Hold them against the last ones; exits with 1 if something is worse.")
@click.option(
    "--history",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("var/bench.jsonl"),
    show_default=True,
    help="What was saved, a JSON line each.",
)
@options.settings
@options.as_json
def run(settings: Settings, **chosen: Any) -> int:
    """Process the calls of a folder from end to end, several times over, and time it as users see it.

    Everything is done that `callwright run` does, ingest to publication, with a database, objects and a Prefect server
    of the benchmark's own; the warm-up starts that and loads the models. A call's time is from when its group was begun
    to its being published: fewer at once (--concurrency) make it shorter, and all of them together slower. CPU time is
    this process's, without Prefect's server. --compare takes the last ten of the same calls, settings, threads and kind
    of machine; chance is three standard deviations, by the median absolute deviation of all rounds, and 3 % at least,
    10 % while there are fewer than three.
    """
    if chosen["concurrency"]:
        batch = settings.batch.model_copy(update={"group_recordings": chosen["concurrency"]})
        settings = settings.model_copy(update={"batch": batch})
    report.print_fetching(missing_models(settings))
    warm_up, n_rounds = chosen["warm_up"], chosen["n_rounds"]

    def announce(number: int) -> None:
        named = (
            f"Warm-up {number + 1} of {warm_up}" if number < warm_up else f"Round {number - warm_up + 1} of {n_rounds}"
        )
        click.echo(named, err=True)

    measured = rounds.measure([chosen["data"]], settings, warm_up, n_rounds, announce)
    now = history.record(measured, settings)
    before = history.earlier(now.of, chosen["file"]) if chosen["compare"] else []
    changes = history.changes(now, before) if before else []
    if chosen["save"]:
        history.save(now, chosen["file"])
    if chosen["as_json"]:
        report.print_json({**asdict(now), "changes": [_facts(change) for change in changes], "against": len(before)})
    else:
        _print(now, len(measured.sha256s))
        if chosen["compare"]:
            _print_changes(changes, len(before))
        if chosen["save"]:
            click.echo(f"\nSaved in {chosen['file']}")
    return 1 if any(change.is_worse for change in changes) else 0


def _print(now: Record, calls: int) -> None:
    middle = {name: median(values) for name, values in now.figures.items()}
    n_rounds = len(now.figures["x realtime"])
    click.echo(
        f"{calls} calls, {now.audio_s / 60:.1f} min, {now.of['concurrency']} in hand at once, medians of {n_rounds} "
        f"round{'s' * (n_rounds > 1)}\n\n{middle['x realtime']:.1f}x realtime, "
        f"{middle['CPU s an hour']:.0f} s of CPU time for an hour of audio, {middle['RSS MB']:.0f} MB\n"
    )
    names = [name.removesuffix(" p50 s") for name in middle if name.endswith(" p50 s")]
    rows = [(name, *(f"{middle[f'{name} {column} s']:.2f} s" for column in ("p50", "p95", "p99"))) for name in names]
    report.print_table(_HEAD, rows, _HEAD[1:])


def _print_changes(changes: Sequence[Change], before: int) -> None:
    if not before:
        click.echo("\nNothing of the same calls, settings and machine was saved before: --save does it")
        return
    beyond = [change for change in changes if change.is_beyond_noise]
    click.echo(f"\nAgainst the {before} before: {'nothing' if not beyond else len(beyond)} beyond the noise")
    rows = [
        (one.figure, f"{one.now:.4g}", f"{one.before:.4g}", f"{one.noise:.2g}", "worse" if one.is_worse else "better")
        for one in beyond
    ]
    if rows:
        report.print_table(("", "now", "before", "noise", ""), rows, ("now", "before", "noise"))


def _facts(change: Change) -> dict[str, object]:
    return {**asdict(change), "beyond_noise": change.is_beyond_noise, "worse": change.is_worse}
