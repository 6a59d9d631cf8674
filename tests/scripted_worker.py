"""`callwright watch` as it is, in a process of its own, but for the models: those hear what they are told to.

Decoding, redaction, the flow on Prefect's server, storage and leases are the real ones. Speech is everywhere, and the
engine takes so long for each recording and says the same of all. One that is longer than 2 s kills its process, as a
codec that crashes would. Processes are forked from one in which all is loaded, so that they work within a moment.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from asr.engines.scripted import ScriptedEngine
from asr.timebase import to_seconds
from asr.types import Hypothesis, Samples, Word
from compliance.analyzer import Analyzer, Readings
from compliance.findings import Finding
from compliance.redactor import Redactor
from compliance.utterance import Utterance
from configs.load import load
from configs.settings import Settings

RATE_HZ = 8_000
CALL_S = 1.0
POISON_S = 3.0
SAID = tuple(f"word{number}" for number in range(4))
"""What everybody says."""

SETTINGS = ("ingest.complete=rename", "ingest.poll_s=0.1", "ingest.stable_s=0", "batch.group_recordings=2")


def recording(number: int, length_s: float = CALL_S, channels: int = 1) -> bytes:
    """A WAV file of quiet noise, another one for each number."""
    samples = np.random.default_rng(number).normal(0.0, 0.01, (int(length_s * RATE_HZ), channels))
    file = io.BytesIO()
    soundfile.write(file, samples, RATE_HZ, format="WAV", subtype="ULAW")
    return file.getvalue()


class Everywhere:
    """A detector that hears speech in all there is."""

    def __init__(self) -> None:
        self._unheard = 0

    def listen(self) -> Everywhere:
        """Begin with a channel."""
        return Everywhere()

    def hear(self, samples: Samples) -> NDArray[np.float32]:
        """One for each whole window of 512 samples."""
        windows, self._unheard = divmod(self._unheard + len(samples), 512)
        return np.full(windows, 0.95, np.float32)

    def end(self) -> NDArray[np.float32]:
        """One for what is left."""
        return np.full(int(self._unheard > 0), 0.95, np.float32)


class NoNames(Analyzer):
    """What finds names, without the model that takes seconds to load: all else of redaction is the real one."""

    def __init__(self) -> None:
        pass

    def find(self, calls: Sequence[Sequence[Utterance]], _readings: Readings) -> Iterator[list[Finding]]:
        """None in any call."""
        return iter([[] for _ in calls])


class PacedEngine(ScriptedEngine):
    """Says SAID of every chunk, and takes so long for it; of one that is longer than 2 s it dies."""

    def __init__(self, each_s: float) -> None:
        super().__init__(self._answer_in_time)
        self._each_s = each_s

    def _answer_in_time(self, samples: Samples) -> Hypothesis:
        length_s = to_seconds(len(samples))
        if 2.0 < length_s < 4.0:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(self._each_s)
        step_s = length_s / len(SAID)
        words = tuple(Word(word, at * step_s, (at + 0.9) * step_s, 0.9) for at, word in enumerate(SAID))
        return Hypothesis(words, "en", -0.2, 0.0, 1.0, 0.0)


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker is to do, and where."""

    url: str
    data_dir: Path
    sources: Sequence[str]
    each_s: float = 0.0
    overrides: Sequence[str] = ()
    once: bool = False
    environ: Mapping[str, str] = field(default_factory=dict)
    log: Path | None = None


Jump = Synchronized  # type: ignore[type-arg]
"""By how many seconds a worker's clock, and the one that workers share, are wrong."""


def load_these(each_s: float, settings: Settings) -> None:
    """Let this process load these models, whatever it is asked for."""
    import flows.work
    from flows.wiring import Models

    made = Models(Everywhere(), PacedEngine(each_s), Redactor(NoNames(), settings.redact))
    flows.work.load_models = lambda *_: made


FORKS = multiprocessing.get_context("forkserver")


def start(order: Order, jump: Jump | None = None) -> ForkServerProcess:
    """Start a worker; it looks for the first time as this returns."""
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])
    FORKS.set_forkserver_preload(["tests.preloaded"])
    looking, tell = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=_work, args=(order, tell, jump))
    process.start()
    tell.close()
    assert looking.recv() == "looking"
    return process


def _work(order: Order, tell: Connection, jump: Jump | None) -> None:
    os.environ |= order.environ
    if order.log is not None:
        log = order.log.open("a", buffering=1)
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    from prefect.context import refresh_global_settings_context

    import flows.watch
    import flows.work
    from flows.inlets.opening import open_inlet
    from flows.meter import Bar

    refresh_global_settings_context()
    settings = load(None, (f"storage.database_url={order.url}", *SETTINGS, *order.overrides), {}, Path(os.devnull))
    load_these(order.each_s, settings)
    if jump is not None:
        flows.work.shared_clock = flows.watch.shared_clock = lambda _: _jumping(jump)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())

    def told(cycle: flows.watch.Cycle) -> None:
        for trouble in cycle.troubles:
            sys.stderr.write(f"{datetime.now(UTC):%H:%M:%S.%f} {trouble}\n")

    inlets = [open_inlet(source, settings) for source in order.sources]
    with flows.watch.watching(inlets, settings, order.data_dir, stop, lambda: Bar(quiet=True)) as watcher:
        tell.send("looking")
        flows.watch.watch(watcher, stop, told, once=order.once)


def _jumping(jump: Jump) -> Callable[[], datetime]:
    return lambda: datetime.now(UTC) + timedelta(seconds=jump.value)
