"""The flow that a batch of recordings goes through, as Prefect tasks over groups.

Only the run's id goes in: Prefect keeps parameters, and refuses them over 512 kB, which the hashes of 8,000
recordings are. What passes between tasks stays in this process's memory, wrapped in `quote` so that Prefect neither
looks into it nor keeps it. What outlives a kill is the ledger in the database: a recording is published, or still to
be done.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task
from prefect.utilities.annotations import quote

from asr.engines.registry import cores
from asr.errors import FatalError, RetryableError
from asr.types import Transcript
from configs.settings import Settings
from flows import preparation, stages
from flows.custody import Custody
from flows.desk import Desk
from flows.ingest import Source
from flows.keep import certifier, keep_unredacted
from flows.metadata import sound
from flows.preparation import Prepared
from flows.stages import Heard, Redacted
from flows.wiring import Archive, Models, names_model, provenance
from storage.types import Failure


@dataclass(frozen=True, slots=True)
class Progress:
    """Who is told how a run goes: of recorded time transcribed, of recordings done, and of failures by SHA-256."""

    on_audio: Callable[[float], None]
    on_recording: Callable[[], None]
    on_failure: Callable[[str, Failure], None]


@dataclass(frozen=True, slots=True)
class Batch:
    """What one run of the flow does, and with what. It never leaves the process."""

    groups: tuple[tuple[Source, ...], ...]
    models: Models
    archive: Archive
    custody: Custody
    settings: Settings
    progress: Progress


BATCH: ContextVar[Batch] = ContextVar("batch")
"""Set by whoever starts the flow."""


def _is_retryable(_task: Task[Any, Any], _run: TaskRun, state: State[Any]) -> bool:
    return isinstance(state.result(raise_on_failure=False), RetryableError)


def _stage(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A Prefect task that keeps no result and is tried again only when that may help."""
    return task(
        name=name,
        task_run_name=name,
        cache_policy=NO_CACHE,
        persist_result=False,
        retries=2,
        retry_delay_seconds=[2, 20],
        retry_condition_fn=_is_retryable,
    )


@flow(name="process-calls", flow_run_name="run-{run_id}", persist_result=False, validate_parameters=False)
def process_calls(run_id: int) -> str:
    """Process the groups of the batch that is set.

    Returns a line that says how many recordings were published and how many quarantined.
    """
    groups = BATCH.get().groups
    quarantined = sum(_process_group(run_id, group) for group in groups)
    return f"{sum(map(len, groups)) - quarantined} published, {quarantined} quarantined"


def _process_group(run_id: int, group: tuple[Source, ...]) -> int:
    """One group through all stages; returns how many of its recordings were quarantined."""
    desk = Desk()
    prepared = prepare(quote(group), quote(desk))
    heard = transcribe(quote(prepared), quote(desk))
    transcripts = assemble(quote(heard), quote(desk))
    redacted = redact(quote(transcripts), quote(desk))
    publish(run_id, quote(redacted), quote(desk))
    return len(desk.failures)


@_stage("prepare")
def prepare(group: tuple[Source, ...], desk: Desk) -> list[Prepared]:
    """Decode, find speech, cut chunks."""
    batch = BATCH.get()
    return desk.each(
        "prepare",
        group,
        lambda source: source.recording,
        lambda source: preparation.prepare(
            source.recording,
            batch.models.detector,
            batch.settings,
            sound(source.call),
            diarizer=batch.models.diarizer,
        ),
        threads=cores(batch.settings.transcribe),
    )


@_stage("transcribe")
def transcribe(prepared: list[Prepared], desk: Desk) -> list[tuple[Prepared, Heard]]:
    """All chunks of the group through the engine, batched together; one by one if one of them breaks that."""
    batch = BATCH.get()

    def hear(members: list[Prepared]) -> list[Heard]:
        return stages.hear(members, batch.models.engine, batch.settings, batch.progress.on_audio)

    try:
        heard = hear(prepared)
    except (RetryableError, FatalError):
        raise
    except Exception:  # noqa: BLE001
        heard = None
    if heard is None:
        # Whose fault it was shows when each is heard alone. Not done above, where the next error would be
        # chained to this one, whose message may hold text.
        return desk.each("transcribe", prepared, lambda item: item.recording, lambda item: (item, hear([item])[0]))
    return list(zip(prepared, heard, strict=True))


@_stage("assemble")
def assemble(heard: list[tuple[Prepared, Heard]], desk: Desk) -> list[tuple[Prepared, Heard, Transcript]]:
    """Words to turns."""
    batch = BATCH.get()
    made_by = provenance(batch.models.engine, batch.settings)
    return desk.each(
        "assemble",
        heard,
        lambda item: item[0].recording,
        lambda item: (*item, stages.assemble(*item, made_by, batch.settings)),
    )


@_stage("redact")
def redact(transcripts: list[tuple[Prepared, Heard, Transcript]], desk: Desk) -> list[tuple[Prepared, Heard, Redacted]]:
    """Take out what must not rest; what the settings keep of it all the same goes into the vault."""
    redactor, custody = BATCH.get().models.redactor, BATCH.get().custody

    def work(item: tuple[Prepared, Heard, Transcript]) -> tuple[Prepared, Heard, Redacted]:
        keep_unredacted(item[0].recording, item[2], redactor, custody)
        return item[0], item[1], stages.redact(item[2], redactor)

    return desk.each(
        "redact",
        transcripts,
        lambda item: item[0].recording,
        work,
    )


@_stage("publish")
def publish(run_id: int, redacted: list[tuple[Prepared, Heard, Redacted]], desk: Desk) -> None:
    """Summarise and keep what came through, each recording in one transaction; quarantine what failed."""
    batch = BATCH.get()
    repository, objects = batch.archive.repository, batch.archive.objects
    certify = certifier(batch.custody, names_model(batch.settings))

    def keep(item: tuple[Prepared, Heard, Redacted]) -> None:
        repository.publish(run_id, stages.publication(*item, objects, batch.settings, certify))
        desk.settled.add(item[0].recording)
        batch.progress.on_recording()

    desk.each("publish", redacted, lambda item: item[0].recording, keep)
    for recording, failure in desk.failures.items():
        if recording not in desk.settled:
            repository.quarantine(run_id, recording, failure)
            desk.settled.add(recording)
            batch.progress.on_recording()
            batch.progress.on_failure(recording.sha256, failure)
