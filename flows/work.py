"""A worker at work: its leases, its heartbeat, and what is loaded once and serves all that it does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from asr.errors import PipelineError
from configs.settings import Settings, fingerprint
from flows.analyses import read_analyses
from flows.batch import BATCH, Batch, Leased, Progress
from flows.custody import Custody, note_configuration, open_custody
from flows.evidence import write_anchor
from flows.ingest import Source
from flows.language_model import check_model, model_summariser
from flows.limits import LLM, slot
from flows.metrics import Purpose
from flows.monitor.tally import Tally, counting
from flows.outage import prefect_reached
from flows.plan import plan
from flows.prefect_server import prefect_server
from flows.presence import Worker, clear, dead, worker
from flows.summaries import CATCH_UP, Summarised, Wish, free_of_the_dead, summaries_of, summarise_with
from flows.wiring import Archive, Models, code_version, load_models, load_redactor
from storage.leases import Leases, shared_clock
from storage.types import Failure, RunState

_BEATS = 3
"""Heartbeats in the time of a lease: two may be missed."""


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


@dataclass(slots=True)
class Processed:
    """What came of some recordings: failures by SHA-256, and which of them others had in hand or took over."""

    failures: dict[str, Failure] = field(default_factory=dict)
    elsewhere: set[str] = field(default_factory=set)
    wall_s: float = 0.0
    summarised: Summarised | None = None
    """What a language model made of the calls that were to be summarised, if one is to."""


@dataclass(slots=True)
class Work:
    """What a worker has. Models are loaded, and Prefect's server started, with the first recordings."""

    archive: Archive
    leases: Leases
    worker: Worker
    settings: Settings
    data_dir: Path
    stop: threading.Event
    tally: Tally
    _opened: ExitStack
    on_beat: list[Callable[[], None]] = field(default_factory=list)
    """What else is to hear that this worker is alive."""
    _custody: Custody | None = None
    _wait_for_server: Callable[[], None] | None = None
    _models: Models | None = None

    @property
    def custody(self) -> Custody:
        """What may be kept, erased or proved; a changed configuration is written in the trail first."""
        if self._custody is None:
            archive = self.archive
            self._custody = open_custody(archive.database, archive.objects, self.settings, self.data_dir)
            note_configuration(self._custody)
        return self._custody

    def process(self, sources: Sequence[Source], meter: Meter, *, again: bool) -> Processed:
        """Run the flow over the recordings, up to the end of the group during which `stop` is set.

        Raises FatalError or RetryableError when the work has to stop; what was done by then is kept.
        """
        began_s = time.monotonic()
        check_model(self.settings)
        read_analyses(self.settings)  # a mistake in it is told before any work is done
        done, repository, custody = Processed(), self.archive.repository, self.custody
        wait_for_server = self._ready()
        run_id = repository.begin_run(fingerprint(self.settings), code_version(), self.leases.term())
        ended = RunState.FAILED
        try:
            wait_for_server()
            suspects = {} if again else self.leases.suspects([source.recording.sha256 for source in sources])
            groups = plan(sources, suspects, self.settings.batch)
            with prefect_reached(), meter:
                meter.expect(len(sources), sum(source.length_s for source in sources))
                progress = Progress(
                    meter.audio_done, meter.recording_done, done.failures.__setitem__, done.elsewhere.add
                )
                self._run_flow(run_id, groups, progress, again=again)
                # Published before: whatever becomes of it, the transcripts are there.
                done.summarised = self._summarise()
                if done.summarised:
                    self.tally.summarised(done.summarised.made, len(done.summarised.failed))
            ended = RunState.INTERRUPTED if self.stop.is_set() else RunState.COMPLETED
        except KeyboardInterrupt:
            ended = RunState.INTERRUPTED
            raise
        finally:
            self.leases.release()
            self.tally.ran(ended)
            repository.finish_run(run_id, ended, time.monotonic() - began_s)
            write_anchor(custody)
        done.wall_s = time.monotonic() - began_s
        return done

    def _run_flow(self, run_id: int, groups: Sequence[tuple[Source, ...]], progress: Progress, *, again: bool) -> None:
        """In this process, or, as service.task_runner says, in others, which load the models themselves."""
        # Prefect reads its settings when it is imported, which is why that happens here.
        from prefect import tags

        from flows.automations import BATCH_TAG
        from flows.process_calls import process_calls

        leased = Leased(self.leases, self.stop, again, self.data_dir)
        with tags(BATCH_TAG):
            if self._models is not None:
                with_what = (self._models, self.archive, self.custody, self.settings)
                BATCH.set(Batch(tuple(groups), *with_what, progress, leased, self.tally))
                process_calls(run_id)
                return
            from flows.fan_out import JOB, Job, flow_over_processes

            JOB.set(Job(tuple(groups), progress, self.archive, self.settings, leased))
            flow_over_processes(self.settings, self.data_dir)(run_id)

    def _ready(self) -> Callable[[], None]:
        """Start the server, and load the models while it comes up, unless others are to; returns what waits for it."""
        if self._wait_for_server is None:
            self._wait_for_server = self._opened.enter_context(prefect_server(self.data_dir))
            if self.settings.service.task_runner == "threads":
                self._models = load_models(self.settings, self.tally.answers(Purpose.REDACTION))
        return self._wait_for_server

    def _summarise(self) -> Summarised | None:
        """Ask the language model, if one is to summarise, about what was published of late.

        Whatever goes wrong with that is told, and raised never.
        """
        if self.settings.summarise.method != "model" or self.stop.is_set():
            return None
        wish = Wish(published_since=self.leases.term().now - CATCH_UP)
        try:
            redactor = self._models.redactor if self._models else load_redactor(self.settings)
            on_answer = self.tally.answers(Purpose.SUMMARY)
            with (
                slot(LLM, self.settings),
                model_summariser(self.settings, self.data_dir, redactor, on_answer) as summariser,
            ):
                summaries = summaries_of(self.archive, self.worker.owner)
                return summarise_with(summaries, summariser, wish, self.settings.summarise.concurrency, self.stop)
        except PipelineError as error:
            return Summarised(why=str(error))


@contextmanager
def at_work(archive: Archive, settings: Settings, data_dir: Path, stop: threading.Event) -> Iterator[Work]:
    """Be a worker on an archive. What workers of this data folder had in hand who have died since is free at once."""
    with worker(data_dir) as me, counting(data_dir) as tally, ExitStack() as opened:
        leases = Leases(archive.database, me.owner, settings.ingest.lease_s, shared_clock(archive.database))
        leases.bury(dead(data_dir, leases.owners()))
        free_of_the_dead(archive, data_dir)
        clear(data_dir)
        work = Work(archive, leases, me, settings, data_dir, stop, tally, opened)
        with _beating(work):
            yield work


def bury(leases: Leases, data_dir: Path) -> None:
    """Take from workers of this data folder that are dead what they had in hand, and remove what they had fetched."""
    gone = dead(data_dir, leases.owners() - {leases.owner})
    if gone:
        leases.bury(gone)
    clear(data_dir)


@contextmanager
def _beating(work: Work) -> Iterator[None]:
    over = threading.Event()

    def beat() -> None:
        while not over.wait(work.leases.lease_s / _BEATS):
            # A database or queue that is away: the next beat may reach it.
            for each in (work.leases.heartbeat, *work.on_beat):
                with suppress(PipelineError):
                    each()

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
