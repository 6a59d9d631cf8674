"""What the processes of a machine have done, counted in files of the data folder that all of them share.

Each process writes a file of its own (prometheus_client's multiprocess mode), so that nobody waits for another, and
whoever is asked adds them all up. Files of processes that have ended are put together into one: what is counted
goes on from run to run. Nothing here raises: what cannot be counted stops no call.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import socket
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import prometheus_client
from prometheus_client import values
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from flows.metrics import PREFIX, ErrorKind, Guard, Home, Metric, Outcome, Part, Purpose, Series, Shape, Stage
from flows.monitor.engine_counts import EngineCounts
from llm.asking import OnAnswer
from llm.types import Answer
from storage.types import Publication, RunState

_FOLDER = "metrics"
_ENDED = "ended"
"""In place of a process in the name of the file of all that have ended."""

_FILE_BYTES = 1 << 17
"""Room for all series with all values of their labels, three times over."""

_UNREADABLE = (OSError, RuntimeError, ValueError, struct.error)
"""What reading a file raises that was cut off or spoilt."""

_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


@dataclass(frozen=True, slots=True)
class Tally:
    """Counters and histograms of this process, by what they count. Made by `counting`."""

    _series: Mapping[Metric, MetricWrapperBase] = field(default_factory=dict, repr=False)

    def published(self, publication: Publication) -> None:
        """A call was published: how long its stages took, and what is in it."""
        transcript, stage_s = publication.transcript, publication.stage_s
        audio_s, took_s = publication.audio.duration_s, sum(stage_s.values())
        for stage, stage_took_s in stage_s.items():
            self._observe(Metric.STAGE_SECONDS, stage_took_s, stage)
        self._observe(Metric.CALL_SECONDS, took_s)
        if audio_s > 0.0:
            self._observe(Metric.REALTIME, took_s / audio_s)
        self._add(Metric.AUDIO, audio_s)
        self._add(Metric.WORDS, sum(len(turn.words) for turn in transcript.turns))
        self._add(Metric.REDACTIONS, len(transcript.redactions))
        for guard in Guard:
            self._add(Metric.GUARDED, getattr(transcript.guards, guard), guard)
        self.came(Outcome.PUBLISHED)

    def came(self, outcome: Outcome) -> None:
        """That came of a recording."""
        self._add(Metric.RECORDINGS_DONE, 1, outcome)

    def transcribed(self, audio_s: float) -> None:
        """So many more seconds of recorded time are transcribed."""
        self._add(Metric.TRANSCRIBED, audio_s)

    def errors(self, counts: Mapping[tuple[str, ErrorKind], int]) -> None:
        """So many errors, by stage and kind."""
        for (stage, kind), count in counts.items():
            self._add(Metric.ERRORS, count, stage, kind)
            if kind is ErrorKind.UNPROVEN:
                self._add(Metric.UNVERIFIED, count, stage)

    def spent(self, stage_cpu_s: Mapping[str, float]) -> None:
        """So much CPU time by stage, for all calls of a group."""
        for stage, cpu_s in stage_cpu_s.items():
            self._add(Metric.CPU, cpu_s, stage)

    def engine(self, stage: Stage, counts: EngineCounts) -> None:
        """What an engine did for a stage."""
        for metric, count in (
            (Metric.WINDOWS, counts.windows),
            (Metric.ENCODED, counts.encoded_s),
            (Metric.PADDING, counts.padding_s),
            (Metric.TOKENS, counts.tokens),
            (Metric.TOKEN_SLOTS, counts.token_slots),
            (Metric.HALVED, counts.halved),
        ):
            self._add(metric, count, stage)
        for part in Part:
            self._add(Metric.ENGINE, getattr(counts, f"{part}_s"), stage, part)

    def ran(self, state: RunState) -> None:
        """A run ended."""
        self._add(Metric.RUNS, 1, state)

    def summarised(self, made: int, failed: int) -> None:
        """What a language model made of calls."""
        self._add(Metric.SUMMARISED, made)
        self._add(Metric.UNSUMMARISED, failed)

    def answers(self, purpose: Purpose) -> OnAnswer:
        """What counts a language model's answers that were asked for with this purpose."""

        def answered(answer: Answer, took_s: float) -> None:
            for metric, count in (
                (Metric.LLM_ANSWERS, 1),
                (Metric.LLM_SECONDS, took_s),
                (Metric.LLM_READ, answer.prompt_tokens),
                (Metric.LLM_WRITTEN, answer.completion_tokens),
            ):
                self._add(metric, count, purpose)

        return answered

    def _add(self, metric: Metric, count: float, *labels: str) -> None:
        found: Any = self._of(metric, labels)
        if found is not None and count > 0:
            found.inc(count)

    def _observe(self, metric: Metric, value: float, *labels: str) -> None:
        found: Any = self._of(metric, labels)
        if found is not None:
            found.observe(value)

    def _of(self, metric: Metric, labels: tuple[str, ...]) -> MetricWrapperBase | None:
        """The series with these labels; None where nothing is counted, or for a value that no label takes."""
        series = self._series.get(metric)
        if series is None or not labels:
            return series
        known = all(
            label.values is None or value in set(label.values)
            for label, value in zip(metric.value.labels, labels, strict=True)
        )
        return series.labels(*labels) if known else None


@contextmanager
def counting(data_dir: Path) -> Iterator[Tally]:
    """Count for this process until the block ends, every series from the start, so that what grows is seen to.

    Where the files cannot be written, nothing is counted.
    """
    folder = tally_folder(data_dir)
    with ExitStack() as opened:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with _held(folder, fcntl.LOCK_EX):
                _put_together(folder)
                tally = Tally(_made_in(folder, opened))
        except _UNREADABLE:
            tally = Tally()
        yield tally


def tally_folder(data_dir: Path) -> Path:
    """Where processes of this machine count: machines that share a data folder have process ids of their own."""
    return data_dir / _FOLDER / socket.gethostname()


def processes(folder: Path) -> list[int]:
    """The ids of the processes that count in a folder now."""
    files = [path for path in folder.glob(f"{Shape.COUNTER}_*-*.db") if _works(path)]
    return sorted(int(path.stem.rpartition("_")[2].partition("-")[0]) for path in files)


class TallyCollector(Collector):
    """What all processes of a folder have counted, for a registry."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterator[prometheus_client.Metric]:
        """See Collector.collect. Nothing is told where nothing was counted yet."""
        try:
            with _held(self._folder, fcntl.LOCK_SH):
                files = [str(path) for path in self._folder.glob("*.db")]
                yield from MultiProcessCollector.merge(files)
        except _UNREADABLE:
            return


def _made(series: Series) -> MetricWrapperBase:
    names = [label.label for label in series.labels]
    name = PREFIX + series.name
    made: MetricWrapperBase
    if series.shape is Shape.HISTOGRAM:
        made = prometheus_client.Histogram(name, series.text, names, buckets=series.buckets, registry=None)
    else:
        made = prometheus_client.Counter(name, series.text, names, registry=None)
    # Files are opened and grow here alone, under the lock, and not in the midst of work.
    for labels in product(*(label.values or () for label in series.labels)) if names else ():
        made.labels(*labels)
    return made


def _made_in(folder: Path, opened: ExitStack) -> dict[Metric, MetricWrapperBase]:
    """All series of work, their values in files of this process, which are locked while `opened` is.

    That is what `values.ValueClass` is documented for; Prefect's own series, made at other times, stay where they are.
    """
    identity = f"{os.getpid()}-{secrets.token_hex(4)}"  # in containers ids of processes are told twice
    for shape in (Shape.COUNTER, Shape.HISTOGRAM):
        file = opened.enter_context((folder / f"{shape}_{identity}.db").open("ab"))
        fcntl.flock(file, fcntl.LOCK_EX)
        # Reserved now: a full disk is an error here, and would kill whoever writes to a mapped file later.
        os.posix_fallocate(file.fileno(), 0, _FILE_BYTES)
    before_class, before = values.ValueClass, os.environ.get(_VARIABLE)
    values.ValueClass = values.MultiProcessValue(lambda: identity)
    os.environ[_VARIABLE] = str(folder)
    try:
        return {metric: _made(metric.value) for metric in Metric if metric.value.home is Home.WORK}
    finally:
        values.ValueClass = before_class
        del os.environ[_VARIABLE]
        if before is not None:
            os.environ[_VARIABLE] = before


def _put_together(folder: Path) -> None:
    """Add what ended processes have counted to the file of all that have, and remove theirs."""
    for shape in (Shape.COUNTER, Shape.HISTOGRAM):
        whole = folder / f"{shape}_{_ENDED}.db"
        ended = [path for path in sorted(folder.glob(f"{shape}_*.db")) if path != whole and not _works(path)]
        if ended:
            _add_up([*([whole] if whole.exists() else []), *ended], whole)
            for path in ended:
                path.unlink()


def _add_up(files: Sequence[Path], whole: Path) -> None:
    new = whole.with_suffix(".new")
    new.unlink(missing_ok=True)
    together = MmapedDict(str(new))
    for file in files:
        # One that was cut off when its process was killed is left out, and goes.
        with suppress(*_UNREADABLE):
            counts = [(key, value) for key, value, _, _ in MmapedDict.read_all_values_from_file(str(file))]
            for key, value in counts if all(json.loads(key) for key, _ in counts) else ():
                together.write_value(key, together.read_value(key)[0] + value, 0.0)
    together.close()
    new.replace(whole)


def _works(file: Path) -> bool:
    """Whether the process that counts in a file is alive: the kernel lets go of its lock when it ends, however."""
    try:
        with file.open("rb") as opened:
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False  # gone
    return False


@contextmanager
def _held(folder: Path, how: int) -> Iterator[None]:
    with (folder / "lock").open("a") as lock:
        fcntl.flock(lock, how)
        yield
