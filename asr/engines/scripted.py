"""An engine that says what it was told to: for tests of everything around an engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from asr.engines.base import EngineInfo
from asr.timebase import to_seconds
from asr.types import Hypothesis, Samples


class ScriptedEngine:
    """Answers each item by a function of its samples; counts the batches that it was given, and keeps which items of
    the last one were said to follow which."""

    def __init__(self, answer: Callable[[Samples], Hypothesis]) -> None:
        self._answer = answer
        self.batch_sizes: list[int] = []
        self.after: list[int | None] = []

    @property
    def info(self) -> EngineInfo:
        """A made-up model."""
        return EngineInfo("scripted", "scripted", "0" * 64, "none")

    @property
    def weight_bytes(self) -> int:
        """It has none."""
        return 0

    def transcribe(
        self,
        batch: Sequence[Samples],
        on_audio: Callable[[float], None] = lambda _: None,
        after: Sequence[int | None] = (),
    ) -> list[Hypothesis]:
        """The scripted answers, in the order of the items."""
        self.batch_sizes.append(len(batch))
        self.after = list(after)
        on_audio(to_seconds(sum(map(len, batch))))
        return [self._answer(samples) for samples in batch]
