"""`callwright inspect`: what a recording holds, as a table and as a picture, before it is transcribed."""

from __future__ import annotations

from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import Any

import click

from asr.decode import identify
from asr.types import RegionKind
from configs.settings import Settings
from flows.benches import chart
from flows.commands import options
from flows.inspection import ChannelFacts, Inspection, envelopes
from flows.inspection import inspect as look_at
from flows.metadata import sound, told_of
from flows.picture import draw_inspection
from flows.report import clock, print_json, print_table
from flows.wiring import detector

_NO_TONES = {RegionKind.SPEECH, RegionKind.OVERLAP, RegionKind.MUSIC, RegionKind.SILENCE}
_COLUMNS = ((RegionKind.SPEECH,), (RegionKind.MUSIC,), tuple(set(RegionKind) - _NO_TONES), (RegionKind.SILENCE,))


@click.command(epilog="Example: callwright inspect call.wav --png call.png")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--png", type=click.Path(dir_okay=False, path_type=Path), metavar="OUT.png", help="Draw it, too.")
@options.settings
@options.as_json
def inspect(file: Path, png: Path | None, settings: Settings, *, as_json: bool) -> int:
    """Show what FILE holds: format, levels, regions of speech, music, tones and silence, and what is wrong with it.

    What its sidecar or manifest tells of channels and pauses counts. Nothing is transcribed or kept, and keys that were
    pressed are not shown.
    """
    if png is not None:
        chart.check(png, "--png")
    recording = identify(file)
    call = sound(told_of([file], [file], settings.metadata)[file])
    inspection = look_at(recording, detector(settings), settings, call)
    if png is not None:
        draw_inspection(inspection, envelopes(recording, inspection.duration_s, settings), png)
    if as_json:
        print_json(_facts(inspection))
        return 0
    _print(inspection)
    if png is not None:
        click.echo(f"\nThe picture is in {png}")
    return 0


def _facts(inspection: Inspection) -> dict[str, Any]:
    """For machines: seconds to three decimals, ratios that are infinite as null."""
    facts = asdict(inspection)
    for channel, told in zip(inspection.channels, facts["channels"], strict=True):
        told["level_dbfs"] = round(channel.level_dbfs, 1)
        told["snr_db"] = None if channel.snr_db is None or not isfinite(channel.snr_db) else round(channel.snr_db, 1)
        told["seconds"] = {kind.value: round(seconds, 3) for kind, seconds in channel.seconds.items()}
        told["regions"] = [
            {"kind": region.kind.value, "start_s": round(region.start_s, 3), "end_s": round(region.end_s, 3)}
            for region in channel.regions
        ]
    return facts


def _print(inspection: Inspection) -> None:
    click.echo(
        f"{inspection.audio}  {clock(inspection.duration_s)}  {inspection.container} {inspection.codec}  "
        f"{inspection.sample_rate_hz} Hz  {len(inspection.channels)} channels\n"
    )
    columns = ("channel", "level dBFS", "SNR dB", "speech s", "music s", "tones s", "silence s")
    print_table(columns, map(_row, inspection.channels), right=columns[1:])
    click.echo("")
    print_table(
        ("from", "to", "channel", "region"),
        [
            (clock(region.start_s), clock(region.end_s), region.channel.value, region.kind.value)
            for region in sorted(region for facts in inspection.channels for region in facts.regions)
            if region.kind is not RegionKind.SILENCE
        ],
        right=("from", "to"),
    )
    for finding in inspection.findings:
        click.echo(f"\n{finding}")


def _row(facts: ChannelFacts) -> tuple[str, ...]:
    sums_s = (sum(facts.seconds.get(kind, 0.0) for kind in group) for group in _COLUMNS)
    ratio = "" if facts.snr_db is None else f"{facts.snr_db:.1f}"
    return (facts.channel.value, f"{facts.level_dbfs:.1f}", ratio, *(f"{seconds:.1f}" for seconds in sums_s))
