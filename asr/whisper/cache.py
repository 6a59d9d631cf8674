"""The keys and values of the tokens that each row has had so far."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from asr.whisper.network import MASKED, Step
from asr.whisper.weights import Dimensions

_ROOM = 32
"""Tokens that room is made for at a time: a runtime then meets few shapes, and reads little that is empty."""


class TokenCache:
    """One block of memory (2L, R, H, T, D): each layer's keys, then its values. Rows may have begun at any step."""

    def __init__(self, size: Dimensions, item: np.dtype[Any]) -> None:
        self._size = size
        self._item = item
        self._length = 0
        self._block = np.zeros((2 * size.decoder_layers, 0, size.heads, 0, size.head_width), item)
        self.unfilled: NDArray[np.float32] = np.zeros((0, 1, 1, 0), np.float32)

    def begin(self, step: Step) -> None:
        """Put each row's parent in its place, and make room for a token."""
        if self._block.shape[1] < len(step.tokens) or self._length == self._block.shape[3]:
            self._grow(max(len(step.tokens), self._block.shape[1]))
        if self._length:
            moved = np.flatnonzero(step.parents != np.arange(len(step.parents)))
            self._block[:, moved, :, : self._length] = self._block[:, step.parents[moved], :, : self._length]
        room = self._block.shape[3]
        first = self._length - step.positions[:, None]
        at = np.arange(room)
        self.unfilled = np.where((at < first) | (at >= self._length), np.float32(MASKED), np.float32(0))[:, None, None]

    def past(self, at: int, rows: int) -> NDArray[Any]:
        """The keys (even) or values (odd) of a layer, (rows, H, T, D)."""
        return self._block[at, :rows]

    def add(self, at: int, present: NDArray[Any]) -> None:
        """Keep the key or value of this step's tokens, (rows, H, 1, D)."""
        self._block[at, : len(present), :, self._length] = present[:, :, 0]

    def end(self) -> None:
        """All that there is of this step was added."""
        self._length += 1

    def _grow(self, rows: int) -> None:
        layers, had, heads, room, width = self._block.shape
        grown = np.zeros((layers, rows, heads, room + _ROOM, width), self._item)
        grown[:, :had, :, :room] = self._block
        self._block = grown
