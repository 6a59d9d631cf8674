"""`callwright bench`: how fast and how good, on your own calls and machine."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from flows import benchmark
from flows.benchmark import Measured
from flows.report import print_json, print_table


@click.group()
def bench() -> None:
    """Measure speed, word errors and memory, beside other systems."""


@bench.command(epilog="Example: callwright bench asr --data sample_audio --engines openvino,openvino:beam")
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder of WAV files and references.")
@click.option("--engines", default="openvino", show_default=True, help="Engines, ENGINE or ENGINE:SEARCH, by commas.")
@click.option(
    "--against",
    default="",
    help="Peers by commas: faster-whisper, faster-whisper-batched, faster-whisper-batched:BATCH. The first is 1.00.",
)
@click.option("--rounds", type=click.IntRange(1), default=1, show_default=True, help="Medians of so many rounds.")
@click.option("--set", "overrides", metavar="KEY=VALUE", multiple=True, help="Set one key; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print the same facts as JSON.")
def asr(data: Path, engines: str, against: str, rounds: int, overrides: tuple[str, ...], *, as_json: bool) -> int:
    """Transcribe the calls of a folder with engines and peers, in turn, each in a process of its own.

    A reference is a .json beside the call: {"turns": [{"channel": 0, "text": "..."}]}. Every system has the same
    weights, beam and cores; loading is not counted; engines give word times, peers do not.
    """
    calls = benchmark.find_calls(data)
    ours, peers = ([name for name in names.split(",") if name] for names in (engines, against))

    def announce(system: str, number: int) -> None:
        click.echo(f"Round {number} of {rounds}: {system}", err=True)

    measured = benchmark.compare(calls, [*ours, *peers], overrides, rounds, announce)
    length_s = benchmark.audio_s(calls)
    base = next((one for one in measured if peers and one.system == peers[0]), measured[0])
    if as_json:
        print_json({"calls": len(calls), "audio_s": length_s, "systems": [_facts(one, base) for one in measured]})
        return 0
    click.echo(f"{len(calls)} calls, {length_s / 60:.1f} min, all channels, {rounds} rounds\n")
    columns = ("system", "WER", "95 %", "sub", "del", "ins", "words", "x realtime", "speed", "CPU s", "RSS MB")
    print_table(columns, [_row(one, base, length_s) for one in measured], columns[1:])
    for one in measured:
        if shares := _shares(one):
            click.echo(f"\n{one.system}: {shares}")
    return 0


def _row(one: Measured, base: Measured, length_s: float) -> tuple[str, ...]:
    errors, (low, high) = one.total, one.interval
    return (
        one.system,
        f"{errors.rate:.1%}",
        f"{low:.1%}-{high:.1%}",
        str(errors.substitutions),
        str(errors.deletions),
        str(errors.insertions),
        str(one.words),
        f"{length_s / one.wall_s:.1f}",
        f"{base.wall_s / one.wall_s:.2f}",
        f"{one.cpu_s:.0f}",
        f"{one.rss_mb:.0f}",
    )


def _shares(one: Measured) -> str:
    """What an engine's time went into, and how full its batches were."""
    facts = one.facts
    if "effort" not in facts:
        return ""
    effort = facts["effort"]
    seconds = {
        "decode, resample, VAD": facts["prepare_s"],
        "mel": facts["mel_s"],
        "encoder": effort["encode_s"],
        "decoder": effort["decode_s"],
        "alignment": facts["align_s"],
    }
    parts = ", ".join(f"{name} {value:.1f} s" for name, value in seconds.items())
    return (
        f"{parts} of the threads' time; {facts['windows']} windows, {facts['searches'][1]} searched with several "
        f"hypotheses, occupancy {effort['useful'] / max(1, effort['total']):.0%}, "
        f"padding {facts['padding'] / max(1, facts['positions']):.0%}"
    )


def _facts(one: Measured, base: Measured) -> dict[str, object]:
    low, high = one.interval
    return {
        "system": one.system,
        "wer": one.total.rate,
        "wer_95": [low, high],
        **asdict(one.total),
        "words": one.words,
        "wall_s": one.wall_s,
        "speed": base.wall_s / one.wall_s,
        "cpu_s": one.cpu_s,
        "rss_mb": one.rss_mb,
        "facts": one.facts,
    }
