"""The groups of a run done by several processes, on this machine or on a cluster's: service.task_runner says whose.

Each process is a worker of its own, with leases, heartbeat and models that it loads once. What goes to it are names of
files and hashes, what comes back are counts: no word of a call passes between processes.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from contextlib import ExitStack
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.flows import Flow
from prefect.futures import PrefectFuture, as_completed
from prefect.task_runners import ProcessPoolTaskRunner, TaskRunner

from asr.cores import cores
from asr.errors import ConfigError, PipelineError, RetryableError
from asr.numa import bind
from configs.settings import Settings
from flows.artifacts import show_run
from flows.batch import BATCH, Batch, Leased, Progress
from flows.children import die_with, turn
from flows.ingest import Source
from flows.metrics import Purpose
from flows.presence import working_in
from flows.process_calls import process_group, run_of
from flows.site import data_dir_here, environment, settings_here
from flows.wiring import Archive, Models, load_models, open_archive
from flows.work import Work, at_work
from storage.types import Failure

_SILENT_RAY = {"log_to_driver": False, "logging_level": logging.WARNING}
"""Ray as it comes puts what its processes print on the command's standard output: that stays in its own logs."""


@dataclass(frozen=True, slots=True)
class GroupDone:
    """What came of a group: how many were published, what failed and what others have in hand, by SHA-256, and how
    many seconds of recorded time were transcribed."""

    published: int
    failures: tuple[tuple[str, Failure], ...]
    elsewhere: tuple[str, ...]
    audio_s: float


@dataclass(frozen=True, slots=True)
class Job:
    """What one run of the flow has done, who is told how it goes, and what ends it early."""

    groups: tuple[tuple[Source, ...], ...]
    progress: Progress
    archive: Archive
    settings: Settings
    leased: Leased


JOB: ContextVar[Job] = ContextVar("job")
"""Set by whoever starts the flow."""


def _run_name() -> str:
    return run_of(JOB.get().groups)


def flow_over_processes(settings: Settings, data_dir: Path) -> Flow[[int], str]:
    """The flow that has groups done elsewhere. Raises ConfigError if an extra is missing.

    Processes that it starts find these settings in their environment; those of a running cluster have their own.
    """
    service, threads = settings.service, max(1, cores(settings.transcribe) // settings.service.processes)
    if not (settings.transcribe.threads or service.cluster):
        fewer = settings.transcribe.model_copy(update={"threads": threads})
        settings = settings.model_copy(update={"transcribe": fewer})
    os.environ.update(environment(settings, data_dir))
    flow_elsewhere: Flow[[int], str] = process_elsewhere.with_options(task_runner=_runner(settings))
    return flow_elsewhere


@flow(
    name="process-calls",
    flow_run_name=_run_name,
    persist_result=False,
    validate_parameters=False,
)
def process_elsewhere(run_id: int) -> str:
    """Have the groups of the job that is set done, some at once; a line says how many were published and quarantined.

    Raises RetryableError if a process died: what it had in hand is tried again, by fewer at a time.
    """
    return _have_done(run_id)


@task(name="group", task_run_name="group", cache_policy=NO_CACHE, persist_result=False)
def group_elsewhere(run_id: int, group: tuple[Source, ...], *, again: bool) -> GroupDone:
    """One group through all stages, in a process of the task runner."""
    return _do(run_id, group, again=again)


def _have_done(run_id: int) -> str:
    # Not in the flow itself, which is sent to the processes with all that it names: the job stays here.
    job, running, done = JOB.get(), list[PrefectFuture[GroupDone]](), [0, 0]

    def collect() -> None:
        # Not in their order: long groups come first, and would keep all that come after them from the other processes.
        first = next(as_completed(running))
        running.remove(first)
        came = _result(first)
        job.progress.on_audio(came.audio_s)
        for sha256, failure in came.failures:
            job.progress.on_failure(sha256, failure)
        for sha256 in came.elsewhere:
            job.progress.on_elsewhere(sha256)
        for _ in range(came.published + len(came.failures) + len(came.elsewhere)):
            job.progress.on_recording()
        done[0], done[1] = done[0] + came.published, done[1] + len(came.failures)

    for group in job.groups:
        if job.leased.stop.is_set():
            break
        running.append(group_elsewhere.submit(run_id, group, again=job.leased.again))
        if len(running) > job.settings.service.processes:
            collect()
    while running:
        collect()
    show_run(run_id, job.archive, job.settings, job.leased.data_dir)
    return f"{done[0]} published, {done[1]} quarantined"


def _do(run_id: int, group: tuple[Source, ...], *, again: bool) -> GroupDone:
    work, models = _bench()
    failures: dict[str, Failure] = {}
    elsewhere: list[str] = []
    heard_s: list[float] = []
    progress = Progress(heard_s.append, lambda: None, failures.__setitem__, elsewhere.append)
    leased = Leased(work.leases, work.stop, again, work.data_dir)
    batch = Batch((group,), models, work.archive, work.custody, work.settings, progress, leased, work.tally)
    token = BATCH.set(batch)
    try:
        with working_in(work.data_dir, work.settings.ingest.let_go_s):
            published, _ = process_group(run_id, group)
    finally:
        BATCH.reset(token)
        work.leases.release()
    return GroupDone(published, tuple(failures.items()), tuple(elsewhere), sum(heard_s))


@cache
def _bench() -> tuple[Work, Models]:
    """What this process has: loaded with its first group, and let go when it ends. Where the machine has several NUMA
    nodes it is bound to one first."""
    die_with(os.getppid())
    bind(turn())
    settings, data_dir, opened = settings_here(), data_dir_here(), ExitStack()
    work = opened.enter_context(at_work(open_archive(settings, data_dir), settings, data_dir, threading.Event()))
    atexit.register(opened.close)
    return work, load_models(settings, work.tally.answers(Purpose.REDACTION))


def _runner(settings: Settings) -> TaskRunner[Any]:
    service = settings.service
    if service.task_runner == "processes":
        return ProcessPoolTaskRunner(max_workers=service.processes)
    try:
        library = import_module(f"prefect_{service.task_runner}")
    except ImportError as error:
        raise ConfigError(
            f"service.task_runner is {service.task_runner}, and prefect-{service.task_runner} is not installed",
            f"pip install -e '.[{service.task_runner}]'",
        ) from error
    runner: TaskRunner[Any]
    if service.task_runner == "dask":
        alone = {"n_workers": service.processes, "threads_per_worker": 1, "dashboard_address": None}
        where = {"address": service.cluster} if service.cluster else {"cluster_kwargs": alone}
        runner = library.DaskTaskRunner(**where)
    else:
        # Ray as it comes starts them with nice 15: on a machine with other work they hardly got anywhere.
        os.environ.setdefault("RAY_worker_niceness", "0")
        here = {} if service.cluster else {"num_cpus": service.processes, "include_dashboard": False}
        runner = library.RayTaskRunner(address=service.cluster or None, init_kwargs={**_SILENT_RAY, **here})
    return runner


def _result(future: PrefectFuture[GroupDone]) -> GroupDone:
    try:
        return future.result()
    except PipelineError:
        raise
    except Exception as error:  # noqa: BLE001
        raise RetryableError(
            f"a process of service.task_runner died: {type(error).__name__}",
            "What it had in hand is tried again; its log says more",
        ) from None
