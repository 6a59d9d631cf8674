"""The whole pipeline over the same calls again and again: how long it takes, as its users see it.

Database, objects, keys and Prefect's server are the benchmark's own and gone with it, whatever the settings name: no
figure is worth a row in the ledger.
"""

from __future__ import annotations

import json
import os
import resource
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from asr.decode import identify
from asr.errors import ConfigError, FatalError
from configs.settings import Settings
from flows.ingest import Source, discover
from flows.intake import take_in
from flows.metadata import told_of
from flows.plan import plan
from flows.wiring import Archive, open_archive
from flows.work import Work, at_work
from storage.query import read_only


@dataclass(frozen=True, slots=True)
class Round:
    """One time over all calls: wall seconds, CPU seconds of this process alone, of each call the seconds from when its
    group was begun to its being published, and of each stage those that each call took, as transcripts keep them."""

    wall_s: float
    cpu_s: float
    call_s: tuple[float, ...]
    stage_s: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Rounds:
    """What was measured over all calls; `sha256s` are their recordings', in order, and `rss_mb` the most memory that
    the process ever had, in 2^20 bytes."""

    sha256s: tuple[str, ...]
    audio_s: float
    rounds: tuple[Round, ...]
    rss_mb: float


@dataclass(slots=True)
class _Stopwatch:
    """A meter that notes when each recording was done."""

    began_s: float = 0.0
    done_s: list[float] = field(default_factory=list)

    def __enter__(self) -> _Stopwatch:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def expect(self, _recordings: int, _audio_s: float) -> None:
        self.began_s = time.perf_counter()

    def audio_done(self, _audio_s: float) -> None:
        pass

    def recording_done(self) -> None:
        self.done_s.append(time.perf_counter())

    def latencies(self, groups: Sequence[int]) -> tuple[float, ...]:
        """Seconds of each recording of groups of these sizes, each of which begins when the one before is done.

        >>> _Stopwatch(1.0, [3.0, 4.0, 6.0]).latencies([2, 1])
        (2.0, 3.0, 2.0)
        """
        found, began_s, done_s = [], self.began_s, iter(self.done_s)
        for size in groups:
            ended = [next(done_s) for _ in range(size)]
            found += [at_s - began_s for at_s in ended]
            began_s = ended[-1]
        return tuple(found)


def measure(
    paths: Sequence[Path], settings: Settings, warm_up: int, rounds: int, on_round: Callable[[int], None]
) -> Rounds:
    """Do all calls below the paths so many times, after some that do not count; `on_round` is told of each, from 0 on.

    The first round loads the models and starts Prefect's server: without a warm-up it has that in its time. Raises
    ConfigError if there is no call, FatalError if one fails.
    """
    settings = _apart(settings)
    with tempfile.TemporaryDirectory(prefix="callwright-bench-") as folder, _own_server():
        data_dir = Path(folder)
        archive = open_archive(settings, data_dir)
        measured = []
        with at_work(archive, settings, data_dir, threading.Event()) as work:
            for number in range(warm_up + rounds):
                on_round(number)
                sources, one = _round(paths, work)
                measured.append(one)
        archive.database.dispose()
    return Rounds(
        tuple(sorted(source.recording.sha256 for source in sources)),
        sum(source.length_s for source in sources),
        tuple(measured[warm_up:]),
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def _round(paths: Sequence[Path], work: Work) -> tuple[Sequence[Source], Round]:
    """What a run over the paths does, published or not (flows/run.py)."""
    settings, stopwatch = work.settings, _Stopwatch()
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    files = discover(paths, settings.metadata, settings.decode.headerless)
    recordings = [identify(file) for file in files]
    told = told_of(files, paths, settings.metadata)
    sources = take_in(recordings, told, work.archive, settings, again=True).wanted
    if not sources:
        raise ConfigError("there is no call to measure", "Name a folder of recordings with --data")
    done = work.process(sources, stopwatch, again=True)
    wall_s, cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
    if failures := done.failures:
        first = next(iter(failures.values()))
        raise FatalError(f"{len(failures)} of {len(sources)} calls failed: {first.reason}", first.remedy)
    groups = [len(group) for group in plan(sources, {}, settings.batch)]
    return sources, Round(wall_s, cpu_s, stopwatch.latencies(groups), _stages(work.archive, len(sources)))


def _stages(archive: Archive, calls: int) -> dict[str, tuple[float, ...]]:
    kept = read_only(archive.database, "SELECT stage_s FROM transcripts", max_rows=calls).rows
    each = [json.loads(str(stages)) for (stages,) in kept]
    return {stage: tuple(stages[stage] for stages in each if stage in stages) for stage in sorted(set().union(*each))}


def _apart(settings: Settings) -> Settings:
    """The settings, with all that is kept in the data folder of the benchmark, and all work in this process."""
    elsewhere: dict[str, dict[str, object]] = {
        "storage": {"database_url": "", "objects_dir": "", "lock": "", "lock_days": 0},
        "vault": {"keep": (), "folder": ""},
        "audit": {"signing_key": "", "anchors": ""},
        "service": {"task_runner": "threads"},
    }
    changed = {name: getattr(settings, name).model_copy(update=update) for name, update in elsewhere.items()}
    return settings.model_copy(update=changed)


@contextmanager
def _own_server() -> Iterator[None]:
    """Without a server, home or database of Prefect's that the environment names: the runs are nobody's news."""
    named = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("PREFECT_")}
    try:
        yield
    finally:
        os.environ.update(named)
