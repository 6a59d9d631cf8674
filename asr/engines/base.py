"""What an engine is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from asr.types import Hypothesis, Samples


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """Which engine it is, what it runs, and in which precision: recorded with every transcript."""

    name: str
    model_id: str
    model_sha256: str
    precision: str


class Engine(Protocol):
    """A loaded speech model. Loading it is the constructor's work, done once in a process."""

    @property
    def info(self) -> EngineInfo:
        """What is loaded."""
        ...

    @property
    def weight_bytes(self) -> int:
        """Bytes of the parameters as the runtime was given them, scales of quantised matrices included; what it makes
        of them besides, copies in another precision or order, is not counted."""
        ...

    def transcribe(
        self,
        batch: Sequence[Samples],
        on_audio: Callable[[float], None] = ...,
        after: Sequence[int | None] = ...,
    ) -> list[Hypothesis]:
        """What is said in each item, in the order given; the more items, the better they share the work.

        `on_audio` is told, from any thread, of seconds of audio as they are done. An item is (n_samples,) float32
        at 16 kHz, at most 30 s; empty and silent items give no words. `after` holds for each item the index of the
        one that comes before it in its channel, or None; with transcribe.condition_on_previous an item is heard
        after that one and told its text, and else `after` changes nothing. But for that the result for an item does
        not depend on what else is in the batch, save for the last bits of its floats.
        Raises RetryableError when memory runs out, FatalError when the runtime fails.
        """
        ...
