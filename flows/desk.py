"""A group of recordings on its way through the stages: which of them failed, and which are done."""

from __future__ import annotations

import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from asr.errors import FatalError, RetryableError, SkippableError
from asr.types import Recording
from compliance.errors import UnprovenError
from flows.metrics import ErrorKind
from storage.types import Failure

T = TypeVar("T")
R = TypeVar("R")


@dataclass(slots=True)
class Desk:
    """What has become of a group's recordings so far. A stage that is tried again goes on from here."""

    failures: dict[Recording, Failure] = field(default_factory=dict)
    settled: set[Recording] = field(default_factory=set)
    tokens: dict[str, int] = field(default_factory=dict)
    """The fencing token of each recording's lease, by SHA-256."""
    lost: set[str] = field(default_factory=set)
    """By SHA-256, those that another worker has taken over."""
    errors: Counter[tuple[str, ErrorKind]] = field(default_factory=Counter)
    """How often a stage met an error of a kind, tried again or not."""
    stage_cpu_s: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    """CPU time by stage, of all recordings together."""
    call_cpu_s: defaultdict[str, defaultdict[str, float]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(float))
    )
    """CPU time of each recording, by SHA-256, and stage."""
    _spending: set[str] = field(default_factory=set)

    def each(
        self,
        stage: str,
        items: Sequence[T],
        recording: Callable[[T], Recording],
        work: Callable[[T], R],
        threads: int = 1,
    ) -> list[R]:
        """The work's results for the items that it succeeds on, in order; the others' recordings fail at this stage.

        What goes wrong with one recording stops no other, be it a fault of ours: of that, only type and place
        are told, since its message may hold what was said. Retryable and fatal errors are raised.
        """

        def attempt(item: T) -> list[R]:
            began_s = time.perf_counter()
            try:
                result = work(item)
            except Exception as error:
                self.note(stage, error)
                if isinstance(error, RetryableError | FatalError):
                    raise
                self.failures[recording(item)] = _failure(stage, recording(item), error)
                return []
            finally:
                weights[recording(item).sha256] = time.perf_counter() - began_s
            self.failures.pop(recording(item), None)  # of an earlier try
            return [result]

        wanted = [item for item in items if recording(item) not in self.settled]
        with self.spending(stage) as weights:
            if threads == 1:
                return [result for item in wanted for result in attempt(item)]
            with ThreadPoolExecutor(threads) as pool:
                return [result for results in pool.map(attempt, wanted) for result in results]

    def together(self, stage: str, work: Callable[[dict[str, float]], R]) -> R | None:
        """What `work` gives for all of a group at once; it fills the weights as `spending` says.

        None if that went wrong: whose fault it was shows when each is done alone. Retryable and fatal errors are
        raised.
        """
        try:
            with self.spending(stage) as weights:
                return work(weights)
        except (RetryableError, FatalError) as error:
            self.note(stage, error)
            raise
        except Exception:  # noqa: BLE001 - met again, and noted, where each is done alone
            return None

    @contextmanager
    def spending(self, stage: str) -> Iterator[dict[str, float]]:
        """Count the CPU time of all threads of this process in the block to a stage, and divide it among recordings by
        the weights that the block gives them, by SHA-256. Within a stage's block another of its own counts nothing."""
        weights: dict[str, float] = {}
        if stage in self._spending:
            yield weights
            return
        self._spending.add(stage)
        began_s = time.process_time()
        try:
            yield weights
        finally:
            spent_s, whole = time.process_time() - began_s, sum(weights.values())
            self._spending.discard(stage)
            self.stage_cpu_s[stage] += spent_s
            for sha256, weight in weights.items() if whole > 0.0 else ():
                self.call_cpu_s[sha256][stage] += spent_s * weight / whole

    def note(self, stage: str, error: Exception) -> None:
        """Count an error that a stage met."""
        self.errors[stage, kind_of(error)] += 1


def kind_of(error: Exception) -> ErrorKind:
    """What sort of error it is."""
    kinds = {
        UnprovenError: ErrorKind.UNPROVEN,
        SkippableError: ErrorKind.SKIPPABLE,
        RetryableError: ErrorKind.RETRYABLE,
        FatalError: ErrorKind.FATAL,
    }
    return next((kind for sort, kind in kinds.items() if isinstance(error, sort)), ErrorKind.FAULT)


def fault(error: Exception) -> str:
    """An unexpected error's type and place, as in "KeyError in merge.py, line 30": its message may hold text."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}"


def _failure(stage: str, recording: Recording, error: Exception) -> Failure:
    if isinstance(error, SkippableError):
        return Failure(stage, error.reason, error.remedy)
    return Failure(stage, f"{recording.name} met a fault in callwright: {fault(error)}", "Report it as a bug")
