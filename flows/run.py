"""One run over what lies under some paths: the ledger, the flow, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from asr.decode import identify
from asr.errors import SkippableError
from asr.types import Recording
from configs.settings import Settings, fingerprint
from flows.custody import note_configuration, open_custody
from flows.evidence import write_anchor
from flows.ingest import Source, discover, group
from flows.intake import take_in
from flows.metadata import gather
from flows.prefect_server import prefect_server
from flows.wiring import Archive, code_version, load_models, one_run_at_a_time, open_archive
from storage.types import CallRow, Failure, RecordingState, RunState


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A path whose bytes could not be read, so that it has no identity to keep it under."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Result:
    """What is known, after a run, of every recording that it was asked for, and what the run itself did."""

    calls: tuple[CallRow, ...]
    unreadable: tuple[Unreadable, ...]
    failures: tuple[tuple[str, Failure], ...]
    """What failed in this run, by SHA-256: a call that was published before keeps its transcript all the same."""
    notes: tuple[str, ...]
    """What somebody should know of the metadata, a sentence each."""
    processed: int
    audio_s: float
    wall_s: float

    @property
    def complete(self) -> bool:
        """Whether every recording is published, skipped for want of consent, or erased since, and none failed now."""
        done = (RecordingState.PUBLISHED, RecordingState.SKIPPED, RecordingState.ERASED)
        return not (self.unreadable or self.failures) and all(call.state in done for call in self.calls)


class Meter(Protocol):
    """Is told how a run goes."""

    def __enter__(self) -> object:
        """The work begins."""
        ...

    def __exit__(self, *_: object) -> None:
        """The work is over."""
        ...

    def expect(self, recordings: int, audio_s: float) -> None:
        """So many recordings, and seconds of recorded time, there are to do."""
        ...

    def audio_done(self, audio_s: float) -> None:
        """So many more seconds of recorded time are transcribed."""
        ...

    def recording_done(self) -> None:
        """One more recording is published or quarantined."""
        ...


def run(paths: Sequence[Path], settings: Settings, data_dir: Path, meter: Meter, *, again: bool) -> Result:
    """Process every recording under the paths that is not published yet; all of them if `again`.

    What is told of them beside their sound is kept in any case, but what is told to be without consent not transcribed.
    Nothing is loaded and no server started if there is nothing to do. Raises ConfigError for a path that does not
    exist, and FatalError or RetryableError when the run has to stop: what was done by then is kept, and the same
    call goes on from there.
    """
    files = discover(paths, settings.metadata, settings.decode.headerless)
    gathered = gather(files, paths, settings.metadata)
    with one_run_at_a_time(data_dir):
        archive = open_archive(settings, data_dir)
        archive.repository.end_stale_runs()
        recordings, unreadable = _identified(files)
        intake = take_in(recordings, gathered.told, archive, settings, again=again)
        sources = intake.wanted
        wall_s, failures = _process(sources, settings, data_dir, archive, meter) if sources else (0.0, {})
        calls = archive.repository.calls(list(dict.fromkeys(r.sha256 for r in recordings)))
    wanted = {source.recording.sha256 for source in sources}
    done = [call for call in calls if call.sha256 in wanted and call.state is RecordingState.PUBLISHED]
    return Result(
        tuple(calls),
        tuple(unreadable),
        tuple((intake.failures | failures).items()),
        (*intake.notes, *gathered.notes),
        len(wanted),
        sum(call.length_s or 0.0 for call in done),
        wall_s,
    )


def _identified(files: Sequence[Path]) -> tuple[list[Recording], list[Unreadable]]:
    recordings, unreadable = [], []
    for path in files:
        try:
            recordings.append(identify(path))
        except SkippableError as error:
            unreadable.append(Unreadable(path, str(error)))
    return recordings, unreadable


def _process(
    sources: list[Source], settings: Settings, data_dir: Path, archive: Archive, meter: Meter
) -> tuple[float, dict[str, Failure]]:
    """Run the flow over the sources; return its seconds, loading included, and what failed, by SHA-256."""
    began_s = time.monotonic()
    failures: dict[str, Failure] = {}
    repository = archive.repository
    custody = open_custody(archive.database, archive.objects, settings, data_dir)
    note_configuration(custody)
    with prefect_server(data_dir) as wait_for_server:
        models = load_models(settings)
        # Prefect reads its settings when it is imported, which is why that happens here.
        from flows.process_calls import BATCH, Batch, Progress, process_calls

        run_id = repository.begin_run(fingerprint(settings), code_version())
        ended = RunState.FAILED
        try:
            for source in sources:
                repository.attempt(source.recording)
            wait_for_server()
            with meter:
                meter.expect(len(sources), sum(source.length_s for source in sources))
                progress = Progress(meter.audio_done, meter.recording_done, failures.__setitem__)
                batch = Batch(tuple(group(sources, settings.batch)), models, archive, custody, settings, progress)
                BATCH.set(batch)
                process_calls(run_id)
            ended = RunState.COMPLETED
        except KeyboardInterrupt:
            ended = RunState.INTERRUPTED
            raise
        finally:
            repository.finish_run(run_id, ended, time.monotonic() - began_s)
            write_anchor(custody)
    return time.monotonic() - began_s, failures
