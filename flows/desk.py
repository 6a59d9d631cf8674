"""A group of recordings on its way through the stages: which of them failed, and which are done."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from asr.errors import FatalError, RetryableError, SkippableError
from asr.types import Recording
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
            try:
                result = work(item)
            except (RetryableError, FatalError):
                raise
            except SkippableError as error:
                self.failures[recording(item)] = Failure(stage, error.reason, error.remedy)
                return []
            except Exception as error:  # noqa: BLE001
                self.failures[recording(item)] = _failure(stage, recording(item), error)
                return []
            self.failures.pop(recording(item), None)  # of an earlier try
            return [result]

        wanted = [item for item in items if recording(item) not in self.settled]
        if threads == 1:
            return [result for item in wanted for result in attempt(item)]
        with ThreadPoolExecutor(threads) as pool:
            return [result for results in pool.map(attempt, wanted) for result in results]


def fault(error: Exception) -> str:
    """An unexpected error's type and place, as in "KeyError in merge.py, line 30": its message may hold text."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}"


def _failure(stage: str, recording: Recording, error: Exception) -> Failure:
    return Failure(stage, f"{recording.name} met a fault in callwright: {fault(error)}", "Report it as a bug")
