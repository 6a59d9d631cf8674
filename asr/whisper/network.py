"""What a runtime gives to the search: a loaded Whisper, and batches of windows that are decoded in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from asr.whisper.weights import Dimensions

MASKED = -1e9
"""Added to a score that must not count."""


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """A token for each of the R rows: the hypotheses of the batch's windows, window by window, as many for each.

    `tokens` are (R,) int64. `positions` (R,) int64 count a row's tokens, so that 0 begins a new text in its row.
    `parents` (R,) int64 says which row of the step before each row goes on from.
    """

    tokens: NDArray[np.int64]
    positions: NDArray[np.int64]
    parents: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """What may come next, and where the model looked. Arrays are valid until the next step.

    `top_ids` and `top_logprobs` are (R, K), the likeliest first, after suppression. `logits(row)` is (V,) float32
    without it. `attention` is (W, A, R/W, P) float16: what the last token of each row attended to, for the A
    alignment heads.
    """

    top_ids: NDArray[np.int64]
    top_logprobs: NDArray[np.float32]
    logits: Callable[[int], NDArray[np.float32]]
    attention: NDArray[np.float16]


class Batch(Protocol):
    """Windows that are decoded together. Not for two threads at once."""

    def encode(self, features: NDArray[np.float32]) -> Any:
        """What the encoder makes of log-mel features (n_mels, frames), as the runtime keeps it; any batch of the same
        network may hear it, more than once."""
        ...

    def hear(self, slot: int, encoded: Any) -> None:
        """Lay what was encoded before the decoder, in a slot: at most as many positions as the batch has."""
        ...

    def keep(self, slots: Sequence[int]) -> None:
        """Go on with the windows in these slots alone, in this order, ascending."""
        ...

    def step(self, step: Step) -> Scores:
        """One step of the decoder over the slots in use, which are all from the first to the last one heard."""
        ...


class Network(Protocol):
    """A loaded Whisper. Several threads may each decode batches of their own."""

    @property
    def dimensions(self) -> Dimensions:
        """Its size."""
        ...

    @property
    def weight_bytes(self) -> int:
        """See Engine.weight_bytes."""
        ...

    def batch(self, slots: int, positions: int) -> Batch:
        """Room for so many windows of so many audio positions (20 ms) each.

        Raises RetryableError if there is no memory for it.
        """
        ...
