"""`callwright bench`: how fast and how good, on your own calls and machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from asr.errors import ConfigError
from configs.settings import Settings
from flows.benches import benchmark, chart, frontend
from flows.benches.benchmark import Measured, Score
from flows.benches.frontend import FrontEnd
from flows.benches.peers import FORMS
from flows.commands.bench_run import run
from flows.commands.options import Command, as_json, settings
from flows.report import print_json, print_table

_QUALITY = ("system", "WER", "95 %", "sub", "del", "ins", "words", "CER", "95 %")
_COST = ("x realtime", "speed", "CPU s", "RSS MB")
_TIMES = ("CPU s", "CPU s an hour", "x realtime")
_WINDOWS = ("system", "windows", "P50 ms", "P95 ms", "P99 ms", "max ms", "weights MB")


@dataclass(frozen=True, slots=True)
class Systems:
    """Names of ours, and of peers, of which the first is the measure of speed."""

    ours: tuple[str, ...]
    peers: tuple[str, ...]

    @property
    def base(self) -> str:
        """The system whose speed is 1.00."""
        return (*self.peers, *self.ours)[0]


def systems(command: Command) -> Command:
    """Give the command `systems`. Raises ConfigError if none is named."""

    @click.option("--engines", default="openvino", show_default=True, help="ENGINE or ENGINE:SEARCH, by commas.")
    @click.option("--against", default="", help=f"Peers by commas: {FORMS}. The first is 1.00.")
    @wraps(command)
    def with_systems(*args: Any, engines: str, against: str, **kwargs: Any) -> Any:
        ours, peers = (tuple(name for name in names.split(",") if name) for names in (engines, against))
        if not ours and not peers:
            raise ConfigError("no system is named", "Name engines with --engines, or peers with --against")
        return command(*args, systems=Systems(ours, peers), **kwargs)

    return with_systems


@click.group()
def bench() -> None:
    """Measure speed, word errors and memory, beside other systems or over time."""


bench.add_command(run)


@bench.command(epilog="Example: callwright bench asr --data sample_audio --engines openvino,openvino:beam")
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder of WAV files and references.")
@systems
@click.option("--rounds", type=click.IntRange(1), default=1, show_default=True, help="Medians of so many rounds.")
@click.option("--set", "overrides", metavar="KEY=VALUE", multiple=True, help="Set one key; may be repeated.")
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), metavar="OUT.png", help="Draw it, too.")
@click.option("--json", "as_json", is_flag=True, help="Print the same facts as JSON.")
def asr(
    data: Path, systems: Systems, rounds: int, overrides: tuple[str, ...], plot: Path | None, *, as_json: bool
) -> int:
    """Transcribe the calls of a folder with engines and peers, in turn, each in a process of its own.

    A reference is a .json beside the call: {"turns": [{"channel": 0, "text": "..."}]}. Every system has the same
    weights, beam and cores, but for openvino-genai, whose folder holds its own weights; loading is not counted;
    engines give word times, peers do not.

    P50 to max are what one window of up to 30 s costs inside a batch: wall time from when the batch that holds it
    began to be encoded to its text being found, all its searches added up; a dash where a system does not show its
    windows. "weights MB" is the parameters as an engine gives them to its runtime; of ctranslate2 and of peers it is
    the file that they read.
    """
    calls = benchmark.find_calls(data)
    if plot:
        chart.check(plot)

    def announce(system: str, number: int) -> None:
        click.echo(f"Round {number} of {rounds}: {system}", err=True)

    measured = benchmark.compare(calls, [*systems.ours, *systems.peers], overrides, rounds, announce)
    length_s = benchmark.audio_s(calls)
    base = next(one for one in measured if one.system == systems.base)
    if plot:
        chart.draw(measured, length_s, plot)
    if as_json:
        print_json({"calls": len(calls), "audio_s": length_s, "systems": [_facts(one, base) for one in measured]})
        return 0
    click.echo(f"{len(calls)} calls, {length_s / 60:.1f} min, all channels, {rounds} rounds\n")
    _print(measured, base, length_s)
    if plot:
        click.echo(f"\nDrawn in {plot}")
    return 0


@bench.command("frontend", epilog="Example: callwright bench frontend --data sample_audio")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=Path("sample_audio"),
    show_default=True,
    help="Folder of WAV files.",
)
@settings
@as_json
def front_end(data: Path, settings: Settings, *, as_json: bool) -> int:
    """Time what is done to calls before an engine hears them, on one core, stage by stage.

    Both passes over the file as a run makes them, one call after another: CPU seconds, those per hour of recorded time
    (all its channels), and how many times faster than that they are. "other" is what belongs to no stage, such as
    opening files and their SHA-256. Loading the detector is not counted.
    """
    found = frontend.measure(benchmark.find_calls(data), settings)
    parts: dict[str, float] = {**{str(name): cpu_s for name, cpu_s in found.stage_s.items()}, "other": found.rest_s}
    parts["together"] = found.cpu_s
    if as_json:
        print_json(
            {
                "calls": found.calls,
                "audio_s": found.audio_s,
                "channel_s": found.channel_s,
                "speech_s": found.speech_s,
                "realtime": found.realtime(found.cpu_s),
                "cpu_s": parts,
            }
        )
        return 0
    channels = found.channel_s / found.audio_s
    click.echo(f"{found.calls} calls, {found.audio_s / 60:.1f} min of {channels:.1f} channels, one core\n")
    rows = [_timed(name, cpu_s, found) for name, cpu_s in parts.items()]
    print_table(("stage", *_TIMES), rows, _TIMES)
    return 0


def _timed(name: str, cpu_s: float, found: FrontEnd) -> tuple[str, ...]:
    return name, f"{cpu_s:.2f}", f"{3_600 * cpu_s / found.audio_s:.2f}", f"{found.realtime(cpu_s):,.0f}"


def _print(measured: Sequence[Measured], base: Measured, length_s: float) -> None:
    print_table((*_QUALITY, *_COST), [_scored(one, base, length_s) for one in measured], (*_QUALITY[1:], *_COST))
    click.echo("")
    print_table(_WINDOWS, [_windows(one) for one in measured], _WINDOWS[1:])
    for one in measured:
        if one.stage_s:
            click.echo(f"\n{one.label}: {_stages(one)}")


def _scored(one: Measured, base: Measured, length_s: float) -> tuple[str, ...]:
    total = one.words.total
    return (
        one.label,
        *_rate(one.words),
        str(total.substitutions),
        str(total.deletions),
        str(total.insertions),
        str(one.heard_words),
        *_rate(one.characters),
        f"{length_s / one.wall_s:.1f}",
        f"{base.wall_s / one.wall_s:.2f}",
        f"{one.cpu_s:.0f}",
        f"{one.rss_mb:.0f}",
    )


def _rate(score: Score) -> tuple[str, str]:
    low, high = score.interval
    return f"{score.total.rate:.1%}", f"{100 * low:.1f}-{100 * high:.1f}"


def _windows(one: Measured) -> tuple[str, ...]:
    found = one.latency
    if found is None:
        return (one.label, *["-"] * 5, f"{one.weights_mb:.0f}")
    times_ms = (found.p50_ms, found.p95_ms, found.p99_ms, found.max_ms)
    return (one.label, str(found.windows), *(f"{time_ms:.0f}" for time_ms in times_ms), f"{one.weights_mb:.0f}")


def _stages(one: Measured) -> str:
    """What an engine's time went into, and how full its batches were, where it knows."""
    facts, effort = one.facts, one.facts["effort"]
    parts = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in one.stage_s.items())
    occupancy = f"occupancy {effort['useful'] / effort['total']:.0%}, " if effort["total"] else ""
    return (
        f"{parts} of the threads' time; {facts['windows']} windows, {facts['searches'][1]} searched with several "
        f"hypotheses, {occupancy}padding {facts['padding'] / max(1, facts['positions']):.0%}"
    )


def _facts(one: Measured, base: Measured) -> dict[str, object]:
    total = one.words.total
    return {
        "system": one.system,
        "wer": total.rate,
        "wer_95": one.words.interval,
        "substitutions": total.substitutions,
        "deletions": total.deletions,
        "insertions": total.insertions,
        "reference_words": total.reference_length,
        "words": one.heard_words,
        "cer": one.characters.total.rate,
        "cer_95": one.characters.interval,
        "reference_characters": one.characters.total.reference_length,
        "wall_s": one.wall_s,
        "speed": base.wall_s / one.wall_s,
        "cpu_s": one.cpu_s,
        "rss_mb": one.rss_mb,
        "weights_mb": one.weights_mb,
        "latency": asdict(one.latency) if one.latency else None,
        "stage_s": one.stage_s,
        "facts": one.facts,
    }
