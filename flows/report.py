"""What commands print: tables for people, the same facts as JSON for machines."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from asr.models import Model
from compliance.types import RedactedTranscript
from flows.run import Result
from llm.types import Finding, Summary
from storage.types import CallRow, Overview, RecordingState

_STATE_STYLE = {
    RecordingState.PUBLISHED: "green",
    RecordingState.QUARANTINED: "red",
    RecordingState.RECEIVED: "yellow",
    RecordingState.ERASED: "dim",
}


def print_json(facts: object) -> None:
    """Print facts as one JSON document; times as ISO 8601."""
    click.echo(json.dumps(facts, ensure_ascii=False, default=_plain))


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], right: Sequence[str] = ()) -> None:
    """Print rows under their columns. What is cut off on a terminal is whole in a file or a pipe."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(Text(column), justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text("" if cell is None else str(cell)) for cell in row))
    console = Console(soft_wrap=False)
    console.print(table) if console.is_terminal else Console(width=200).print(table)


def print_calls(calls: Sequence[CallRow]) -> None:
    """Print one line a call, and the reason and remedy of each that was quarantined."""
    print_table(
        ("call", "length", "speakers", "words", "redactions", "state"),
        (
            (
                call.call,
                None if call.length_s is None else clock(call.length_s),
                call.speakers,
                call.words,
                call.redactions,
                Text(call.state.value, style=_STATE_STYLE[call.state]),
            )
            for call in calls
        ),
        right=("length", "speakers", "words", "redactions"),
    )
    for call in calls:
        if call.state is RecordingState.QUARANTINED:
            name = "" if call.call in (call.reason or "") else f"{call.call}: "
            click.echo(f"  {name}{call.reason}. {call.remedy or ''}".rstrip())


def print_fetching(models: Iterable[Model]) -> None:
    """Say, on standard error, which models have to be fetched first."""
    for model in models:
        click.echo(f"Fetching {model.id}, {model.size_bytes / 1e6:.0f} MB, once", err=True)


def result_facts(result: Result) -> dict[str, Any]:
    """A run's result for machines."""
    return {
        "calls": [asdict(call) for call in result.calls],
        "unreadable": [{"path": str(one.path), "reason": one.reason} for one in result.unreadable],
        "failures": [{"sha256": sha256, **asdict(failure)} for sha256, failure in result.failures],
        "complete": result.complete,
        "processed": result.processed,
        "audio_s": round(result.audio_s, 3),
        "wall_s": round(result.wall_s, 3),
    }


def print_result(result: Result) -> None:
    """Print what a run did and what is known of every recording that it was asked for."""
    print_calls(result.calls)
    for one in result.unreadable:
        click.echo(f"  {one.reason}")
    published = {call.sha256: call.call for call in result.calls if call.state is RecordingState.PUBLISHED}
    for sha256, failure in result.failures:
        if sha256 in published:
            click.echo(f"  {published[sha256]} failed and keeps the transcript that it had: {failure.reason}")
    if result.processed:
        rate = result.audio_s / result.wall_s if result.wall_s else 0.0
        recordings = "1 recording" if result.processed == 1 else f"{result.processed} recordings"
        click.echo(
            f"\n{recordings} processed: {clock(result.audio_s)} of audio in {clock(result.wall_s)}, "
            f"{rate:.1f}x realtime with start-up."
        )
    else:
        click.echo("\nNothing to do: all of this was processed before. After a change of model or settings: --again")


def overview_facts(overview: Overview) -> dict[str, Any]:
    """The overview for machines."""
    return {
        "totals": {
            total.state.value: {"recordings": total.recordings, "audio_s": round(total.audio_s, 3)}
            for total in overview.totals
        },
        "calls": [asdict(call) for call in overview.calls],
        "last_run": asdict(overview.last_run) if overview.last_run else None,
    }


def print_overview(overview: Overview) -> None:
    """Print totals by state, the calls seen last, and how the last run ended."""
    print_calls(overview.calls)
    totals = (f"{total.recordings} {total.state.value} ({clock(total.audio_s)})" for total in overview.totals)
    click.echo("\n" + ", ".join(totals))
    if (last := overview.last_run) is not None:
        took = "" if last.wall_s is None else f", {clock(last.audio_s)} of audio in {clock(last.wall_s)}"
        click.echo(
            f"Last run {last.id}, {last.started_at:%Y-%m-%d %H:%M} UTC: {last.state.value}, "
            f"{last.published} published, {last.quarantined} quarantined{took}"
        )


def summary_facts(summary: Summary | None) -> dict[str, Any] | None:
    """A summary for machines."""
    return None if summary is None else asdict(summary)


def print_transcript(transcript: RedactedTranscript, summary: Summary | None) -> None:
    """Print a call: its summary, what was removed, and its turns."""
    made_by = transcript.provenance
    click.echo(
        f"{transcript.audio}  {clock(transcript.duration_s)}  {', '.join(transcript.channels)}  "
        f"{made_by.model_id} on {made_by.engine} {made_by.precision}"
    )
    removed = Counter(redaction.entity for redaction in transcript.redactions)
    click.echo("removed: " + (", ".join(f"{n} {entity}" for entity, n in sorted(removed.items())) or "nothing"))
    if summary is not None:
        click.echo(f"about:   {', '.join(summary.categories) or 'no category'}  [{summary.method}]")
        for name, finding in (("reason", summary.reason), ("outcome", summary.outcome)):
            click.echo(f"{name + ':':<9}{_said(finding)}")
        for action in summary.actions:
            click.echo(f"action:  {_said(action)}")
    click.echo("")
    for turn in transcript.turns:
        click.echo(f"{clock(turn.start_s):>8}  {turn.speaker:<9} {turn.text}")


def _said(finding: Finding | None) -> str:
    return "not found" if finding is None else finding.text


def clock(seconds: float) -> str:
    """Minutes and seconds, with hours where there are any.

    >>> clock(75.4), clock(4000)
    ('1:15', '1:06:40')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
