"""The last stage of a group: what is kept of its recordings, and what is set aside."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from asr.decode import check_unchanged
from asr.types import Recording
from compliance.types import Document
from flows import stages
from flows.batch import BATCH, Batch
from flows.costs import price
from flows.desk import Desk
from flows.keep import certifier
from flows.limits import GPU_ASR, asr_tag
from flows.metrics import Outcome
from flows.preparation import Prepared
from flows.stages import Heard, Redacted
from flows.wiring import names_model
from storage.errors import LeaseLostError
from storage.objects import Shelf
from storage.types import Publication

_PUTS_AT_ONCE = 8
"""Objects of so many recordings are put at a time: a disk, or S3, takes several as quickly as one."""


@dataclass(frozen=True, slots=True)
class _Made:
    """What is about to be kept of a recording: rows, documents for its shelf, a redacted copy, CPU time so far."""

    publication: Publication
    documents: tuple[Document, ...]
    copy: Path | None
    shelf: Shelf
    cpu_s: float


def publish_group(run_id: int, redacted: Sequence[tuple[Prepared, Heard, Redacted]], desk: Desk) -> None:
    """Summarise and keep what came through a group's stages, in one transaction; quarantine what failed.

    Raises RetryableError and FatalError of the database and the objects' store; what was kept by then stays so.
    """
    batch = BATCH.get()
    repository, objects = batch.archive.repository, batch.archive.objects
    certify = certifier(batch.custody, names_model(batch.settings))
    has_gpu = asr_tag(batch.settings, batch.models.engine.info.model_sha256) == GPU_ASR
    left = [item for item in redacted if item[0].recording.sha256 not in desk.lost]
    days = repository.days([item[0].recording.sha256 for item in left])

    def gather(item: tuple[Prepared, Heard, Redacted]) -> _Made:
        check_unchanged(item[0].recording)
        shelf = Shelf(objects, days[item[0].recording.sha256])
        began_s = time.thread_time()
        made = stages.publication(*item, shelf, batch.settings, certify)
        return _Made(*made, item[2].copy, shelf, time.thread_time() - began_s)

    def put(made: _Made) -> Publication:
        publication, sha256 = made.publication, made.publication.recording.sha256
        began_s = time.thread_time()
        made.shelf.put(made.documents, made.copy)
        publish_s = made.cpu_s + time.thread_time() - began_s
        cpu_s = {**desk.call_cpu_s[sha256], "publish": publish_s}
        cost = price(cpu_s, publication.stage_s, batch.settings.costs, has_gpu=has_gpu)
        return replace(publication, cpu_s=cpu_s, cost=cost)

    gathered = desk.each("publish", left, lambda item: item[0].recording, gather)
    rows = [made.publication for made in gathered]
    repository.announce([(row.recording.sha256, row.documents, row.certificate) for row in rows])
    lying = desk.each("publish", gathered, lambda made: made.publication.recording, put, threads=_PUTS_AT_ONCE)
    if desk.together("publish", partial(_keep, run_id, desk, lying)) is None:
        desk.each("publish", lying, lambda one: one.recording, partial(_keep_alone, run_id, desk))
    _set_aside(run_id, desk)


def _keep(run_id: int, desk: Desk, publications: Sequence[Publication], weights: dict[str, float]) -> int:
    """Publish, all or none; return how many."""
    batch = BATCH.get()
    weights |= {one.recording.sha256: 1.0 for one in publications}
    if publications:
        finished = [(one, desk.tokens[one.recording.sha256]) for one in publications]
        batch.archive.repository.publish_all(run_id, finished)
    for one in publications:
        desk.settled.add(one.recording)
        batch.tally.published(one)
        batch.progress.on_recording()
    return len(publications)


def _keep_alone(run_id: int, desk: Desk, publication: Publication) -> None:
    with _unless_lost(desk, publication.recording, BATCH.get()):
        _keep(run_id, desk, [publication], {})


def _set_aside(run_id: int, desk: Desk) -> None:
    batch = BATCH.get()
    for recording, failure in list(desk.failures.items()):
        if recording not in desk.settled and recording.sha256 not in desk.lost:
            with _unless_lost(desk, recording, batch):
                batch.archive.repository.quarantine(run_id, recording, failure, token=desk.tokens[recording.sha256])
                desk.settled.add(recording)
                batch.tally.came(Outcome.QUARANTINED)
                batch.progress.on_failure(recording.sha256, failure)
                batch.progress.on_recording()


@contextmanager
def _unless_lost(desk: Desk, recording: Recording, batch: Batch) -> Iterator[None]:
    """Leave a recording to the worker who has taken it over: what was made of it here is dropped."""
    try:
        yield
    except LeaseLostError:
        desk.failures.pop(recording, None)
        desk.lost.add(recording.sha256)
        batch.tally.came(Outcome.ELSEWHERE)
        batch.progress.on_elsewhere(recording.sha256)
        batch.progress.on_recording()
