"""One run over what lies under some paths: the ledger, the flow, and what came of it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from asr.decode import identify
from asr.errors import SkippableError
from asr.types import Recording
from configs.settings import Settings
from flows.ingest import discover
from flows.intake import take_in
from flows.metadata import gather
from flows.monitor.exposition import exposed
from flows.presence import working_in
from flows.summaries import summary_notes
from flows.wiring import open_archive
from flows.work import Meter, Processed, at_work
from storage.types import CallRow, Failure, RecordingState


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


def run(paths: Sequence[Path], settings: Settings, data_dir: Path, meter: Meter, *, again: bool) -> Result:
    """Process every recording under the paths that is not published yet; all of them if `again`.

    What is told of them beside their sound is kept in any case, but what is told to be without consent not transcribed.
    Nothing is loaded and no server started if there is nothing to do. Raises ConfigError for a path that does not
    exist, and FatalError or RetryableError when the run has to stop: what was done by then is kept, and the same
    call goes on from there.
    """
    files = discover(paths, settings.metadata, settings.decode.headerless)
    gathered = gather(files, paths, settings.metadata)
    with working_in(data_dir):
        archive = open_archive(settings, data_dir)
        recordings, unreadable = _identified(files)
        with (
            at_work(archive, settings, data_dir, threading.Event()) as work,
            exposed(archive, settings, data_dir),
        ):
            intake = take_in(recordings, gathered.told, archive, settings, again=again)
            sources = intake.wanted
            done = work.process(sources, meter, again=again) if sources else Processed()
        calls = archive.repository.calls(list(dict.fromkeys(r.sha256 for r in recordings)))
    wanted = {source.recording.sha256 for source in sources}
    published = [call for call in calls if call.sha256 in wanted and call.state is RecordingState.PUBLISHED]
    elsewhere = [f"{len(done.elsewhere)} are in the hands of another worker"] if done.elsewhere else []
    return Result(
        tuple(calls),
        tuple(unreadable),
        tuple((intake.failures | done.failures).items()),
        (*intake.notes, *gathered.notes, *elsewhere, *summary_notes(done.summarised)),
        len(wanted - done.elsewhere),
        sum(call.length_s or 0.0 for call in published),
        done.wall_s,
    )


def _identified(files: Sequence[Path]) -> tuple[list[Recording], list[Unreadable]]:
    recordings, unreadable = [], []
    for path in files:
        try:
            recordings.append(identify(path))
        except SkippableError as error:
            unreadable.append(Unreadable(path, str(error)))
    return recordings, unreadable
