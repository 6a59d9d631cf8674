"""The flow that a batch of recordings goes through, as Prefect tasks over groups.

Only the run's id goes in: Prefect keeps parameters, and refuses them over 512 kB, which the hashes of 8,000
recordings are. What passes between tasks stays in this process's memory, wrapped in `quote` so that Prefect neither
looks into it nor keeps it. What outlives a kill is the ledger in the database: a recording is published, or still to
be done.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import TagsContext
from prefect.tasks import Task
from prefect.utilities.annotations import quote

from asr.cores import cores
from asr.errors import RetryableError
from asr.types import Transcript
from flows import preparation, proof, stages
from flows.artifacts import show_run
from flows.batch import BATCH
from flows.desk import Desk
from flows.hearing.call_quality import call_quality
from flows.ingest import Source
from flows.keep import keep_unredacted
from flows.limits import asr_tag, slot
from flows.metadata import sound
from flows.metrics import Outcome, Stage
from flows.monitor.engine_counts import EngineCounts
from flows.preparation import Prepared
from flows.presence import working_in
from flows.proof import Case, Listening
from flows.publishing import publish_group
from flows.report import clock
from flows.run_here import run_here
from flows.site import named
from flows.stages import Heard, Redacted
from flows.wiring import provenance


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


def run_of(groups: Sequence[tuple[Source, ...]]) -> str:
    """What a run over some groups is called: how much it is, and no name of any of it."""
    sources = [source for group in groups for source in group]
    return f"{len(sources)} call{'s' * (len(sources) != 1)}, {clock(sum(source.length_s for source in sources))}"


def _run_name() -> str:
    batch = BATCH.get(None)
    return named("process-calls")() if batch is None else run_of(batch.groups)


@flow(name="process-calls", flow_run_name=_run_name, persist_result=False, validate_parameters=False)
def process_calls(run_id: int | None = None) -> str:
    """Process the groups of the batch that is set. A deployment's run has none: it does what `callwright run` would.

    Returns a line that says how many recordings were published and how many quarantined.
    """
    if run_id is None:
        return run_here()
    batch = BATCH.get()
    published = quarantined = 0
    for group in batch.groups:
        if batch.leased.stop.is_set():
            break
        with working_in(batch.leased.data_dir, batch.settings.ingest.let_go_s):
            done = process_group(run_id, group)
        published, quarantined = published + done[0], quarantined + done[1]
    show_run(run_id, batch.archive, batch.settings, batch.leased.data_dir)
    return f"{published} published, {quarantined} quarantined"


def process_group(run_id: int, group: tuple[Source, ...]) -> tuple[int, int]:
    """One group through all stages; returns how many of its recordings were published and how many quarantined."""
    desk = Desk()
    try:
        # Without the run's tags: for each that a task has, Prefect asks its server for a slot.
        with TagsContext(current_tags=set()):
            _through_stages(run_id, group, desk)
    finally:
        tally = BATCH.get().tally
        tally.errors(desk.errors)
        tally.spent(desk.stage_cpu_s)
    return len(desk.settled) - len(desk.failures), len(desk.failures)


def _through_stages(run_id: int, group: tuple[Source, ...], desk: Desk) -> None:
    if mine := claim(run_id, quote(group), quote(desk)):
        prepared = prepare(quote(mine), quote(desk))
        heard = _transcribe_by_tag(prepared, desk)
        transcripts = assemble(quote(heard), quote(desk))
        redacted = redact(quote(transcripts), quote(desk))
        _publish_proven(run_id, redacted, desk)


def _transcribe_by_tag(prepared: list[Prepared], desk: Desk) -> list[tuple[Prepared, Heard]]:
    """Transcribe under the limit of this machine's kind, if there is one."""
    batch = BATCH.get()
    tag = asr_tag(batch.settings, batch.models.engine.info.model_sha256)
    tagged: Callable[..., list[tuple[Prepared, Heard]]] = cast("Any", transcribe).with_options(tags={tag})
    with slot(tag, batch.settings):
        return tagged(quote(prepared), quote(desk))


def _publish_proven(run_id: int, redacted: list[tuple[Prepared, Heard, Redacted]], desk: Desk) -> None:
    """The last stages: where copies of the sound are kept, they are made and heard again before anything is kept."""
    batch = BATCH.get()
    if batch.settings.redact.audio == "off":
        publish(run_id, quote(redacted), quote(desk))
        return
    with batch.archive.objects.scratch() as folder:
        copied = bleep(quote(redacted), folder, quote(desk))
        proven = prove(quote(copied), quote(desk))
        publish(run_id, quote(proven), quote(desk))


@_stage("claim")
def claim(run_id: int, group: tuple[Source, ...], desk: Desk) -> tuple[Source, ...]:
    """Lease the group's recordings; those that others have in hand, or have done meanwhile, are left to them."""
    batch = BATCH.get()
    options, leased = batch.settings.ingest, batch.leased
    recordings = [source.recording for source in group]
    claimed = leased.leases.claim(run_id, recordings, options.max_tries, again=leased.again)
    desk.tokens.update(claimed.tokens)
    for recording in recordings:
        if recording.sha256 in claimed.tokens:
            continue
        if recording.sha256 in claimed.exhausted:
            desk.failures[recording] = claimed.exhausted[recording.sha256]
            desk.settled.add(recording)
            batch.tally.came(Outcome.QUARANTINED)
            batch.progress.on_failure(recording.sha256, desk.failures[recording])
        else:
            batch.tally.came(Outcome.ELSEWHERE)
            batch.progress.on_elsewhere(recording.sha256)
        batch.progress.on_recording()
    return tuple(source for source in group if source.recording.sha256 in claimed.tokens)


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
    engine = batch.models.engine

    def on_audio(audio_s: float) -> None:
        batch.tally.transcribed(audio_s)
        batch.progress.on_audio(audio_s)

    def hear(members: list[Prepared]) -> list[Heard]:
        before = EngineCounts.of(engine)
        try:
            return stages.hear(members, engine, batch.settings, on_audio)
        finally:
            batch.tally.engine(Stage.TRANSCRIBE, EngineCounts.of(engine) - before)

    def hear_all(weights: dict[str, float]) -> list[Heard]:
        heard = hear(prepared)
        weights |= {item.recording.sha256: said.transcribe_s for item, said in zip(prepared, heard, strict=True)}
        return heard

    heard = desk.together("transcribe", hear_all)
    if heard is None:
        return desk.each("transcribe", prepared, lambda item: item.recording, lambda item: (item, hear([item])[0]))
    if (second := batch.models.second) is not None:
        heard = [
            replace(answer, second=second.hear(item, answer.hypotheses, batch.settings))
            for item, answer in zip(prepared, heard, strict=True)
        ]
    return list(zip(prepared, heard, strict=True))


@_stage("assemble")
def assemble(heard: list[tuple[Prepared, Heard]], desk: Desk) -> list[tuple[Prepared, Heard, Transcript]]:
    """Words to turns, and how well they were heard."""
    batch = BATCH.get()
    made_by = provenance(batch.models.engine, batch.settings)

    def work(item: tuple[Prepared, Heard]) -> tuple[Prepared, Heard, Transcript]:
        prepared, answer = item
        transcript = stages.assemble(prepared, answer, made_by, batch.settings)
        quality = call_quality(prepared, answer.hypotheses, transcript, answer.second)
        return prepared, replace(answer, quality=quality), transcript

    return desk.each("assemble", heard, lambda item: item[0].recording, work)


@_stage("redact")
def redact(transcripts: list[tuple[Prepared, Heard, Transcript]], desk: Desk) -> list[tuple[Prepared, Heard, Redacted]]:
    """Take out what must not rest; what the settings keep of it all the same goes into the vault."""
    redactor, custody = BATCH.get().models.redactor, BATCH.get().custody
    has_copy = BATCH.get().settings.redact.audio != "off"

    def work(item: tuple[Prepared, Heard, Transcript]) -> tuple[Prepared, Heard, Redacted]:
        prepared, heard, transcript = item
        keep_unredacted(prepared.recording, transcript, redactor, custody)
        redacted = stages.redact(transcript, redactor)
        return prepared, heard, stages.sound_to_remove(prepared, transcript, redacted) if has_copy else redacted

    return desk.each(
        "redact",
        transcripts,
        lambda item: item[0].recording,
        work,
    )


@_stage("bleep")
def bleep(redacted: list[tuple[Prepared, Heard, Redacted]], folder: Path, desk: Desk) -> list[tuple[Heard, Case]]:
    """Write redacted copies of the recordings to a folder."""
    settings = BATCH.get().settings
    return desk.each(
        "bleep",
        redacted,
        lambda item: item[0].recording,
        lambda item: (item[1], proof.begin(item[0], item[2], folder, settings)),
        threads=cores(settings.transcribe),
    )


@_stage("prove")
def prove(copied: list[tuple[Heard, Case]], desk: Desk) -> list[tuple[Prepared, Heard, Redacted]]:
    """Hear the copies again; those that still hold what was removed are done anew, and fail in the end."""
    batch = BATCH.get()
    listeners = batch.models.listeners
    heard = {case.recording: answer for answer, case in copied}
    cases, engines = [case for _, case in copied], [listener.engine for listener in listeners]
    before = [EngineCounts.of(engine) for engine in engines]
    began_s = time.perf_counter()
    with desk.spending("prove") as weights:
        proven = proof.prove(cases, Listening(listeners, batch.models.redactor, batch.settings), desk)
        weights.update({case.recording.sha256: case.heard_s for case in cases})
    took_s, heard_s = time.perf_counter() - began_s, sum(case.heard_s for case in cases)
    for engine, earlier in zip(engines, before, strict=True):
        batch.tally.engine(Stage.PROVE, EngineCounts.of(engine) - earlier)
    shares = {case.recording: case.heard_s / heard_s if heard_s else 0.0 for case in cases}
    return [
        (case.prepared, heard[case.recording], proof.proven(case, listeners, took_s * shares[case.recording]))
        for case in proven
    ]


@_stage("publish")
def publish(run_id: int, redacted: list[tuple[Prepared, Heard, Redacted]], desk: Desk) -> None:
    """Summarise and keep what came through, in one transaction; quarantine what failed."""
    publish_group(run_id, redacted, desk)
