"""What older settings made, made again: from the recordings where they lie, or from what is kept of them.

What is published stays until the new one takes its place, in one transaction. What was brought up to date is known by
its fingerprint, so that whatever ends the work, the next one goes on from there.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from asr.conversation import conversation
from asr.decode import identify
from asr.errors import PipelineError, SkippableError
from asr.types import CallMetadata, Recording
from configs.settings import Settings, fingerprint
from flows.analyses import read_analyses
from flows.ingest import Source, length_s
from flows.presence import working_in
from flows.wiring import Archive, actor, open_archive, registry
from flows.work import Meter, Work, at_work
from llm.analyses import about
from llm.roles import by_role
from llm.summarise import summarise
from storage.backlog import Backlog, Due, Wish
from storage.buckets import fetch_version, list_versions
from storage.places import file_path
from storage.types import Failure, Place

_PAGE = 200
"""Calls whose transcripts are looked up at once; each is in memory alone."""

_BY_QUOTATION = "extractive"
"""How the method of a summary by quotation begins: that of a model is not replaced by one."""


class Stage(StrEnum):
    """From where on calls are made again."""

    TRANSCRIBE = "transcribe"
    REDACT = "redact"
    SUMMARISE = "summarise"
    ANALYSE = "analyse"


@dataclass(slots=True)
class Redone:
    """What came of it: how many calls were brought up to date and how many were so already, as far as looked at."""

    done: int = 0
    unchanged: int = 0
    left: dict[str, str] = field(default_factory=dict)
    """By name and SHA-256, why a call stays as it is: above all, where its recording is gone."""
    failures: dict[str, Failure] = field(default_factory=dict)
    """By SHA-256. A call that was published keeps what it has."""

    @property
    def complete(self) -> bool:
        """Whether every call that was asked for is up to date."""
        return not (self.left or self.failures)


def redo(
    wish: Wish, stage: Stage, settings: Settings, data_dir: Path, stop: threading.Event, meter: Callable[[], Meter]
) -> Redone:
    """Bring the calls that are wished for up to date, batch by batch, until `stop` is set.

    Raises FatalError or RetryableError when the work has to stop: what was done by then is kept, and the same call
    goes on from there.
    """
    with working_in(data_dir):
        archive = open_archive(settings, data_dir)
    backlog = Backlog(archive.database, actor=actor())
    if stage in (Stage.SUMMARISE, Stage.ANALYSE):
        with working_in(data_dir, settings.ingest.let_go_s):
            return _from_transcripts(backlog.published(wish, _PAGE), stage, archive, backlog, settings, stop)
    made_by, at_once = fingerprint(settings), settings.ingest.batch_recordings
    if stage is Stage.REDACT:
        batches = backlog.redacted_otherwise(wish, settings.redact.policy, made_by, at_once)
    else:
        model = registry(settings).get(settings.transcribe.model)
        batches = backlog.outdated(wish, made_by, model.sha256, at_once)
    with at_work(archive, settings, data_dir, stop) as work:
        return _from_recordings(batches, work, meter)


def _from_recordings(batches: Iterator[list[Due]], work: Work, meter: Callable[[], Meter]) -> Redone:
    redone = Redone()
    for batch in batches:
        if work.stop.is_set():
            break
        with working_in(work.data_dir, work.settings.ingest.let_go_s):
            sources = [source for number, due in enumerate(batch) if (source := _source(due, number, work, redone))]
        if sources:
            processed = work.process(sources, meter(), again=True)
            redone.failures |= processed.failures
            for source in sources:
                if source.recording.sha256 in processed.elsewhere:
                    redone.left[_label(source.recording.name, source.recording.sha256)] = "another worker has it"
            redone.done += len({source.recording.sha256 for source in sources} - {*processed.failures}) - len(
                processed.elsewhere
            )
        for folder in work.worker.scratch.iterdir():
            shutil.rmtree(folder, ignore_errors=True)
    return redone


def _source(due: Due, number: int, work: Work, redone: Redone) -> Source | None:
    """The recording of a call where it lies now, fetched if that is in S3; None, and why, if it cannot be done."""
    call = work.archive.repository.metadata(due.id) or CallMetadata()
    if call.consent is False and not work.settings.metadata.allow_without_consent:
        redone.left[_label(due.name, due.sha256)] = "there is no consent to its being transcribed"
        return None
    scratch = work.worker.scratch / f"redo-{number}"
    places, troubles = work.custody.ledger.places(due.id), []
    for place in places:
        try:
            path = file_at(place, due, scratch, work.settings.ingest.fetch_s)
        except PipelineError as error:
            troubles.append(error.reason)
            continue
        if path is not None:
            recording = Recording(due.sha256, path, due.size_bytes)
            return Source(recording, length_s(recording), call)
    gone = "its recording is gone" if not places else "its recording is no longer where it was"
    redone.left[_label(due.name, due.sha256)] = "; ".join(troubles) or gone
    return None


def file_at(place: Place, due: Due, scratch: Path, within_s: float) -> Path | None:
    """A file under a call's own name that holds its bytes, if they are at that place; None if not. `scratch` is a
    folder of its own, which is made if the file has to be."""
    named = scratch / (Path(due.name).name or due.sha256)
    if place.uri.startswith("s3://"):
        scratch.mkdir(mode=0o700, exist_ok=True)
        for version in list_versions(place.uri):
            if version.uri == place.uri and version.size_bytes == due.size_bytes:
                if fetch_version(place.uri, version.version_id, named, within_s) == due.sha256:
                    return named
                named.unlink(missing_ok=True)
        return None
    path = file_path(place.uri)
    with suppress(SkippableError):
        if path.exists() and identify(path).sha256 == due.sha256:
            if path.name == named.name:
                return path
            scratch.mkdir(mode=0o700, exist_ok=True)  # it was moved, and bears its hash
            named.symlink_to(path)
            return named
    return None


def _from_transcripts(
    pages: Iterator[Sequence[Due]],
    stage: Stage,
    archive: Archive,
    backlog: Backlog,
    settings: Settings,
    stop: threading.Event,
) -> Redone:
    redone, repository, analyses = Redone(), archive.repository, read_analyses(settings)
    for page in pages:
        for due in page:
            if stop.is_set():
                return redone
            transcript = repository.transcript(due.id)
            if stage is Stage.ANALYSE:
                now = conversation(transcript.turns, transcript.regions, transcript.duration_s)
                changed = now != repository.conversation(due.id) and backlog.keep_conversation(due.id, now)
            else:
                told = by_role(transcript, repository.conversation(due.id))
                categories = about(analyses.by_rules(told.turns, tuple(analyses.category)))
                summary, kept = summarise(told, settings.summarise, categories), repository.summary(due.id)
                replaced = kept is None or kept.method.startswith(_BY_QUOTATION)
                changed = summary is not None and replaced and summary != kept and backlog.keep_summary(due.id, summary)
            redone.done += changed
            redone.unchanged += not changed
    return redone


def _label(name: str, sha256: str) -> str:
    return f"{name} ({sha256[:12]})"
