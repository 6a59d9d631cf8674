"""What Prefect's pages show of a run: its recordings, how well they were heard, and where the transcripts lie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import httpx
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

from asr.errors import PipelineError
from configs.settings import Settings
from flows.report import clock
from flows.wiring import Archive, objects_place
from storage.run_calls import RunCall, load_run_calls
from storage.types import RecordingState

_MOST_ROWS = 200
"""A table that a page can show; the views have the rest."""


def show_run(run_id: int, archive: Archive, settings: Settings, data_dir: Path) -> None:
    """Keep a run's artifacts with its flow run: two tables and a link. A recording is shown by its hash, never by its
    name, which may tell who called. What cannot be shown stops no run: the ledger has it.
    """
    with suppress(PipelineError, httpx.HTTPError):
        calls, removed = load_run_calls(archive.database, run_id)
        more = f"The first {_MOST_ROWS} of {len(calls)}. " if len(calls) > _MOST_ROWS else ""
        create_table_artifact(
            table=[call_row(call) for call in calls[:_MOST_ROWS]],
            key="calls",
            description=f"Recordings of run {run_id}. {more}`callwright show RECORDING` shows one.",
        )
        create_markdown_artifact(quality(run_id, calls, removed), key="quality", description=f"Quality of run {run_id}")
        create_link_artifact(
            _address(objects_place(settings, data_dir)),
            link_text="Transcripts",
            key="transcripts",
            description=f"Where the transcripts of run {run_id} lie, by the keys in its table",
        )


def _address(place: str) -> str:
    """The URI of a folder, or of what is one already."""
    return place if "://" in place else Path(place).absolute().as_uri()


def call_row(call: RunCall) -> dict[str, object]:
    """One recording as a row of the table."""
    return {
        "recording": call.sha256[:12],
        "state": call.state.value,
        "length": None if call.length_s is None else clock(call.length_s),
        "speakers": call.speakers,
        "words": call.words,
        "redactions": call.redactions,
        "confidence": None if call.mean_confidence is None else round(call.mean_confidence, 3),
        "estimated WER": None if call.estimated_wer is None else f"{call.estimated_wer:.1%}",
        "speech without words, s": None
        if call.speech_without_words_s is None
        else round(call.speech_without_words_s, 1),
        "transcript": call.document,
    }


def quality(run_id: int, calls: Sequence[RunCall], removed: Mapping[str, int]) -> str:
    """The figures of a run as Markdown: confidence and estimated word error rate are weighted by words."""
    states = Counter(call.state for call in calls)
    done = [call for call in calls if call.state is RecordingState.PUBLISHED]
    words = sum(call.words or 0 for call in done)
    confidence = sum((call.mean_confidence or 0.0) * (call.words or 0) for call in done) / words if words else 0.0
    estimated = [(call.estimated_wer, call.words or 0) for call in done if call.estimated_wer is not None]
    heard = sum(count for _, count in estimated)
    twice = sum(call.second_words or 0 for call in done)
    otherwise = sum(call.second_errors or 0 for call in done)
    silent_s = sum(call.speech_without_words_s or 0.0 for call in done)
    figures = {
        **{f"recordings {state.value}": f"{count}" for state, count in sorted(states.items())},
        "audio": clock(sum(call.length_s or 0.0 for call in done)),
        "words": f"{words}",
        "mean confidence": f"{confidence:.3f}",
        **({"estimated WER": f"{sum(wer * count for wer, count in estimated) / heard:.1%}"} if heard else {}),
        **({"heard otherwise by the second model": f"{otherwise / twice:.1%}"} if twice else {}),
        "speech without words": f"{silent_s:.1f} s",
        **{f"removed: {entity}": f"{count}" for entity, count in removed.items()},
    }
    rows = "\n".join(f"| {name} | {figure} |" for name, figure in figures.items())
    return f"# Run {run_id}\n\n| figure | value |\n|---|---:|\n{rows}\n"
