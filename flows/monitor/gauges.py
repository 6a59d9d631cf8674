"""What Prometheus is told of the ledger and of this machine, read when somebody asks."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import prometheus_client
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from asr.errors import PipelineError
from compliance.types import Kind
from compliance.vault import recordings_in
from configs.settings import Settings
from flows.custody import Custody, retention_policy
from flows.evidence import check_trail
from flows.metrics import Metric, Queue, Reading, Stage
from flows.monitor.memory import memory_used_ratio, resident_bytes, throttled_s
from flows.monitor.tally import processes, tally_folder
from flows.sweep import overdue
from flows.wiring import code_version
from storage.figures import Figures, Recent, Waiting, load_figures, load_recent, rechecks_with_faults
from storage.repository import Repository
from storage.session import Database

Source = Callable[[], Iterable[Reading]]
"""Gives values of gauges now. Raises PipelineError if they cannot be had."""

_NVIDIA_SMI_S = 5.0


@dataclass(slots=True, eq=False)
class Gauges(Collector):
    """Values of some sources, for a registry, read anew at most so often; what cannot be read is left out."""

    sources: Sequence[Source]
    every_s: float
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _read_s: float | None = None
    _readings: list[Reading] = field(default_factory=list)
    _in_background: bool = False

    def collect(self) -> Iterator[prometheus_client.Metric]:
        """See Collector.collect."""
        with self._lock:
            is_due = self._read_s is None or time.monotonic() - self._read_s >= self.every_s
            if is_due and not self._in_background:
                self._read()
        readings = self._readings
        families: dict[Metric, GaugeMetricFamily] = {}
        for one in readings:
            series = one.metric.value
            if one.metric not in families:
                names = [label.label for label in series.labels]
                families[one.metric] = GaugeMetricFamily(one.metric.full_name, series.text, labels=names)
            families[one.metric].add_metric(one.labels, one.value)
        yield from families.values()

    @contextmanager
    def in_background(self) -> Iterator[None]:
        """Read in a thread until the block ends: nobody who asks waits for it, and gets what was read last."""
        self._in_background, over = True, threading.Event()

        def go_on() -> None:
            self._read()
            while not over.wait(self.every_s):
                self._read()

        threading.Thread(target=go_on, name="checks", daemon=True).start()
        try:
            yield
        finally:
            over.set()

    def _read(self) -> None:
        self._readings = [reading for source in self.sources for reading in _read(source)]
        self._read_s = time.monotonic()


def _read(source: Source) -> list[Reading]:
    try:
        return list(source())
    except Exception:  # noqa: BLE001 - whatever it is, what is measured elsewhere is told all the same
        return []


def ledger_source(database: Database) -> Source:
    """The ledger's figures; where it cannot be read, that alone."""

    def read() -> Iterator[Reading]:
        try:
            figures = load_figures(database)
        except PipelineError:
            yield Reading(Metric.LEDGER_UP, 0.0)
            return
        yield Reading(Metric.LEDGER_UP, 1.0)
        yield from of_figures(figures, datetime.now(UTC))

    return read


def recent_source(database: Database, settings: Settings) -> Source:
    """Quality and cost of the calls that were published last."""
    return lambda: of_recent(load_recent(database), settings.costs.currency)


def of_figures(figures: Figures, now: datetime) -> Iterator[Reading]:
    """The readings of a database's figures."""
    for total in figures.totals:
        yield Reading(Metric.RECORDINGS, total.recordings, (total.state,))
        yield Reading(Metric.RECORDED, total.audio_s, (total.state,))
    for queue, waiting in ((Queue.ARRIVALS, figures.arrivals), (Queue.RECORDINGS, figures.recordings)):
        yield Reading(Metric.QUEUE_DEPTH, waiting.count, (queue,))
        yield Reading(Metric.QUEUE_AGE, _age_s(waiting, now), (queue,))
    yield Reading(Metric.IN_HAND, figures.in_hand)
    for stage in Stage:
        yield Reading(Metric.QUARANTINED, figures.quarantined.get(stage, 0), (stage,))
    for metric, at in ((Metric.LAST_SEEN, figures.last_seen_at), (Metric.LAST_PUBLISHED, figures.last_published_at)):
        if at is not None:
            yield Reading(metric, at.timestamp())
    yield Reading(Metric.ERASURES_OPEN, figures.erasures.count)
    yield Reading(Metric.ERASURES_AGE, _age_s(figures.erasures, now))
    yield Reading(Metric.AUDIT_EVENTS, figures.last_event)


def of_recent(recent: Recent, currency: str) -> Iterator[Reading]:
    """The readings of the calls that were published last."""
    if recent.confidence is not None:
        yield Reading(Metric.CONFIDENCE, recent.confidence)
        yield Reading(Metric.DOUBTFUL, recent.doubtful / max(1, recent.words))
    if recent.speech_s:
        yield Reading(Metric.WORDLESS, recent.wordless_s / recent.speech_s)
    if recent.cpu_audio_s:
        for stage, cpu_s in recent.cpu_s.items():
            yield Reading(Metric.CPU_PER_HOUR, 3600 * cpu_s / recent.cpu_audio_s, (stage,))
    if recent.cost is not None and recent.cost_audio_s:
        yield Reading(Metric.COST, 3600 * recent.cost / recent.cost_audio_s, (currency,))


def _age_s(waiting: Waiting, now: datetime) -> float:
    return 0.0 if waiting.since is None else max(0.0, (now - waiting.since).total_seconds())


def check_source(custody: Custody, repository: Repository) -> Source:
    """What is over its time and still there, and what is wrong with the trail: reads all of the ledger."""

    def read() -> Iterator[Reading]:
        now = custody.ledger.now()
        yield from _overdue(custody, now)
        yield Reading(Metric.AUDIT_FAULTS, len(check_trail(custody, repository, custody.signer.public)))
        yield Reading(Metric.RECHECK_FAULTS, rechecks_with_faults(custody.database))
        yield Reading(Metric.CHECKED, now.timestamp())

    return read


def _overdue(custody: Custody, now: datetime) -> Iterator[Reading]:
    policy, holds = retention_policy(custody.settings), custody.ledger.holds()
    counts, oldest_s = dict.fromkeys(Kind, 0), 0.0
    in_vault = set(recordings_in(custody.vault_folder))
    for stock in custody.ledger.stock():
        decisions = overdue(custody, stock, policy, holds, vaulted=stock.facts.sha256 in in_vault)
        for kind, decision in decisions.items():
            if decision.delete and decision.due_at is not None:
                counts[kind] += 1
                oldest_s = max(oldest_s, (now - decision.due_at).total_seconds())
    for kind, count in counts.items():
        yield Reading(Metric.RETENTION_DUE, count, (kind,))
    yield Reading(Metric.RETENTION_AGE, oldest_s)


def machine_source(data_dir: Path) -> Source:
    """This machine: the processes that count in the data folder, memory, disk and GPUs."""

    def read() -> Iterator[Reading]:
        yield Reading(Metric.BUILD, 1.0, (code_version(),))
        ids = processes(tally_folder(data_dir))
        yield Reading(Metric.PROCESSES, len(ids))
        yield Reading(Metric.RESIDENT, sum(map(resident_bytes, ids)))
        for metric, value in ((Metric.MEMORY, memory_used_ratio()), (Metric.THROTTLED, throttled_s())):
            if value is not None:
                yield Reading(metric, value)
        with suppress(OSError):
            disk = shutil.disk_usage(data_dir)
            yield Reading(Metric.DISK, disk.free / disk.total)
        gpus = _gpus()
        yield Reading(Metric.GPUS, len(gpus))
        for number, (used, whole) in enumerate(gpus):
            yield Reading(Metric.GPU_USED, used, (str(number),))
            yield Reading(Metric.GPU_MEMORY, whole, (str(number),))

    return read


def _gpus() -> list[tuple[float, float]]:
    """Bytes of memory in use, and of memory, of each GPU; none where nvidia-smi is not there or does not answer."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    line = [program, "--query-gpu=memory.used,memory.total", "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(line, capture_output=True, text=True, timeout=_NVIDIA_SMI_S, check=True).stdout  # noqa: S603
        rows = [[float(cell) * 2**20 for cell in row.split(",")] for row in told.splitlines() if row.strip()]
        return [(used, whole) for used, whole in rows]
    except (OSError, subprocess.SubprocessError, ValueError):
        return []
