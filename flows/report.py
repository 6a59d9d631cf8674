"""What commands print: tables for people, the same facts as JSON for machines."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from asr.diarize.rttm import as_rttm, talk_of
from asr.models import Model
from asr.types import CallMetadata, Conversation, GuardCounts
from asr.types import Finding as Sound
from compliance.render import SpokenTranscript
from compliance.types import RedactedTranscript
from flows.analysis_report import analysis_lines
from flows.run import Result
from llm.types import Analysed, Finding, Summary
from storage.types import CallRow, Overview, RecordingState

_STATE_STYLE = {
    RecordingState.PUBLISHED: "green",
    RecordingState.QUARANTINED: "red",
    RecordingState.RECEIVED: "yellow",
    RecordingState.SKIPPED: "yellow",
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
    """Print one line a call, and the reason and remedy of each that was quarantined or skipped."""
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
        if call.state in (RecordingState.QUARANTINED, RecordingState.SKIPPED):
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
        "notes": list(result.notes),
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
    for note in result.notes:
        click.echo(f"  {note}.")
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
        if last.cpu_s_per_audio_hour is not None:
            price = "" if last.cost_per_audio_hour is None else f", at a price of {last.cost_per_audio_hour:.4f}"
            click.echo(f"An hour of its audio took {last.cpu_s_per_audio_hour:.0f} s of CPU time{price}")


def summary_facts(summary: Summary | None) -> dict[str, Any] | None:
    """A summary for machines."""
    return None if summary is None else asdict(summary)


def metadata_facts(call: CallMetadata | None) -> dict[str, Any] | None:
    """A call's metadata for machines, None if there are none."""
    return None if call is None else asdict(call)


def _told(call: CallMetadata) -> Iterable[tuple[str, str, str]]:
    """What is told of a call, a line each: name, value and who told it."""
    sides = None if call.channel_map is None else [side.value if side else "ignored" for side in call.channel_map]
    shown = {
        "call_id": call.call_id,
        "started_at": call.started_at.isoformat(" ") if call.started_at else None,
        "agent": call.agent,
        "queue": call.queue,
        "tenant": call.tenant,
        "direction": call.direction,
        "language": call.language,
        "channel_map": ", ".join(sides) if sides else None,
        "consent": None if call.consent is None else ("yes" if call.consent else "no"),
        "pauses": ", ".join(f"{start_s:g}-{end_s:g} s" for start_s, end_s in call.pauses) or None,
    }
    for name, value in shown.items():
        if value is not None:
            yield name, value, call.sources[name]
    if call.other:
        yield "other", ", ".join(sorted(call.other)), "names alone; --json shows what they hold"


def print_transcript(
    transcript: RedactedTranscript,
    summary: Summary | None,
    call: CallMetadata | None,
    conversation: Conversation | None = None,
    copies: Sequence[str] = (),
    analyses: Sequence[Analysed] = (),
) -> None:
    """Print a call: what was told of it, its summary, analyses, what was removed, its redacted
    sound, and its turns."""
    made_by = transcript.provenance
    click.echo(
        f"{transcript.audio}  {clock(transcript.duration_s)}  {', '.join(transcript.channels)}  "
        f"{made_by.model_id} on {made_by.engine} {made_by.precision}"
    )
    for name, value, source in _told(call) if call else ():
        click.echo(f"{name + ':':<13}{value}  [{source}]")
    removed = Counter(redaction.entity for redaction in transcript.redactions)
    click.echo("removed: " + (", ".join(f"{n} {entity}" for entity, n in sorted(removed.items())) or "nothing"))
    for copy in copies:
        click.echo(f"audio:   {copy}")
    for amiss in transcript.findings:
        click.echo(f"sound:   {sound(amiss)}")
    if guarded := _guarded(transcript.guards):
        click.echo(f"guards:  {guarded}")
    if summary is not None:
        click.echo(f"about:   {', '.join(summary.categories) or 'no category'}  [{summary.method}]")
        for name, finding in (("reason", summary.reason), ("outcome", summary.outcome)):
            click.echo(f"{name + ':':<9}{_said(finding)}")
        for action in summary.actions:
            click.echo(f"action:  {_said(action)}")
        if summary.follow_up is not None and summary.follow_up not in summary.actions:
            click.echo(f"then:    {summary.follow_up.text}")
        if summary.sentiment is not None:
            click.echo(f"mood:    {summary.sentiment} at the end")
        for dropped in summary.dropped:
            click.echo(f"dropped: {dropped.field}, not borne out by the call: {', '.join(dropped.faults)}")
    asked = (f"asked:   {line}" for line in analysis_lines(analyses))
    talked = (f"talk:    {line}" for line in (talk(conversation) if conversation else ()))
    click.echo("\n".join((*asked, *talked, "")))
    for turn in transcript.turns:
        click.echo(f"{clock(turn.start_s):>8}  {turn.speaker:<9} {turn.text}")


def rttm_of(transcript: SpokenTranscript) -> str:
    """Who talks when in a call, as RTTM; the call is named as its file is, without the ending."""
    return as_rttm(Path(transcript.audio).stem, talk_of(transcript.turns, transcript.regions))


def talk(conversation: Conversation) -> Iterable[str]:
    """How a call's time was spent: a line for each speaker, and one for what is nobody's.

    >>> from asr.types import Channel, SpeakerFacts
    >>> facts = SpeakerFacts("speaker-1", Channel.AGENT, 0.8, 30.0, 0.75, 90, 180.0, 12.0, 1, None)
    >>> next(iter(talk(Conversation((facts,), 4.0, 0.0, 1.0))))
    'speaker-1 (agent, 80% sure) 75% of talk, 90 words, 180 a minute, at most 12.0 s at a time, 1 interruption'
    """
    for one in conversation.speakers:
        role = f" ({one.role}, {one.role_confidence:.0%} sure)" if one.role and one.role != one.speaker else ""
        parts = [
            f"{one.speaker}{role} {one.talk_share:.0%} of talk",
            f"{one.words} words",
            f"{one.words_per_min:.0f} a minute",
            f"at most {one.longest_monologue_s:.1f} s at a time",
            f"{one.interruptions} interruption{'' if one.interruptions == 1 else 's'}",
        ]
        if one.response_s is not None:
            parts.append(f"answers in {one.response_s:.1f} s")
        yield ", ".join(parts)
    yield (
        f"{conversation.silence_s:.1f} s of silence, {conversation.hold_s:.1f} s on hold, "
        f"{conversation.overlap_s:.1f} s of several at once"
    )


def sound(finding: Sound) -> str:
    """What is amiss with a channel, in a line: "agent: crosstalk, -20 dB, 40 ms late: suppressed"."""
    whose = f"{finding.channel}: " if finding.channel else ""
    late = "" if finding.delay_ms is None else f", {finding.delay_ms:g} ms late"
    return f"{whose}{finding.kind.replace('_', ' ')}, {finding.value:.3g} {finding.unit}{late}: {finding.effect}"


def _guarded(counts: GuardCounts) -> str:
    """What the guards did; empty if nothing.

    >>> _guarded(GuardCounts(loops=2, away=1, retried=2, recovered=1, unheard=1))
    '3 words removed (1 away, 2 loops), 2 chunks heard again, 1 with gain, 1 still without words'
    >>> _guarded(GuardCounts(silenced=1, sampled=2))
    '1 chunks taken for silence, 2 chunks sampled anew'
    """
    removed = {name: getattr(counts, name) for name in ("away", "loops", "rushed", "subtitles")}
    parts = []
    if counts.removed:
        named = ", ".join(f"{n} {name}" for name, n in removed.items() if n)
        parts.append(f"{counts.removed} words removed ({named})")
    if counts.silenced:
        parts.append(f"{counts.silenced} chunks taken for silence")
    if counts.sampled:
        parts.append(f"{counts.sampled} chunks sampled anew")
    if counts.retried:
        parts.append(f"{counts.retried} chunks heard again, {counts.recovered} with gain")
    if counts.unheard:
        parts.append(f"{counts.unheard} still without words")
    return ", ".join(parts)


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
