"""Work that goes through stages in batches, on several threads at once."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from math import inf
from threading import Condition
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stage(Generic[T]):
    """What is done to a batch of at most `size` items; it gives back those that the next stage is to have, in order.

    A part-filled batch goes when its first item has waited `most_wait_s`, though more might come. Batches then depend
    on time, which they else do not.
    """

    size: int
    work: Callable[[Sequence[T]], Sequence[T]]
    most_wait_s: float = inf


@dataclass(slots=True, eq=False)
class _Batch(Generic[T]):
    items: Sequence[T]
    left: Sequence[T] | None = None
    """None until it is done."""


@dataclass(slots=True)
class _Line(Generic[T]):
    """A stage at work: items that wait for it, each with when it came, and its batches under way, oldest first."""

    stage: Stage[T]
    waiting: deque[tuple[float, T]] = field(default_factory=deque)
    under_way: deque[_Batch[T]] = field(default_factory=deque)

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is under way."""
        return not self.waiting and not self.under_way

    @property
    def due_s(self) -> float:
        """When a part-filled batch of what waits has to go."""
        return self.waiting[0][0] + self.stage.most_wait_s if self.waiting else inf

    def add(self, items: Iterable[T]) -> None:
        """These wait from now on."""
        now_s = time.monotonic()
        self.waiting.extend((now_s, item) for item in items)


class Conveyor(Generic[T]):
    """Items pass from stage to stage in the order in which they came, so that a batch does not depend on which thread
    was quicker: a full one goes as soon as it is there, a part-filled one when no more can come, or when it has waited
    as long as its stage lets it. Of what can be done, the latest stage's is done first."""

    def __init__(self, items: Sequence[T], stages: Sequence[Stage[T]]) -> None:
        self._lines = [_Line(stage) for stage in stages]
        self._lines[0].add(items)
        self._changed = Condition()
        self._failed = False

    def run(self, pool: ThreadPoolExecutor, workers: int) -> None:
        """Do all of it. What a stage raises ends the work and is raised."""
        for done in [pool.submit(self._work) for _ in range(workers)]:
            done.result()

    def _work(self) -> None:
        try:
            while (job := self._next()) is not None:
                number, batch = job
                left = self._lines[number].stage.work(batch.items)
                self._pass_on(number, batch, left)
        except BaseException:
            with self._changed:
                self._failed = True
                self._changed.notify_all()
            raise

    def _next(self) -> tuple[int, _Batch[T]] | None:
        with self._changed:
            while True:
                if self._failed or all(line.idle for line in self._lines):
                    return None
                for number in reversed(range(len(self._lines))):
                    if batch := self._take(number):
                        return number, batch
                due_s = min(line.due_s for line in self._lines)
                self._changed.wait(None if due_s == inf else max(0.0, due_s - time.monotonic()))

    def _take(self, number: int) -> _Batch[T] | None:
        line = self._lines[number]
        more_to_come = not all(earlier.idle for earlier in self._lines[:number])
        may_wait = more_to_come and time.monotonic() < line.due_s
        if not line.waiting or (may_wait and len(line.waiting) < line.stage.size):
            return None
        batch = _Batch([line.waiting.popleft()[1] for _ in range(min(line.stage.size, len(line.waiting)))])
        line.under_way.append(batch)
        return batch

    def _pass_on(self, number: int, batch: _Batch[T], left: Sequence[T]) -> None:
        with self._changed:
            batch.left = left
            line = self._lines[number]
            while line.under_way and line.under_way[0].left is not None:
                passed = line.under_way.popleft().left or ()
                if number + 1 < len(self._lines):
                    self._lines[number + 1].add(passed)
            self._changed.notify_all()
