"""What a batch remembers, in NumPy's memory: keys and values of its audio, and of the tokens that each row has had."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asr.whisper.network import MASKED, Step
from asr.whisper.weights import Dimensions

_ROOM = 32
"""Tokens that room is made for at a time: a runtime then meets few shapes, and reads little that is empty."""


def name_of(at: int) -> str:
    """What graphs call the keys (even) or values (odd) of a layer."""
    return f"{'value' if at % 2 else 'key'}_{at // 2}"


class AudioMemory:
    """Each layer's keys (slots, H, D, P) and values (slots, H, P, D), in turn, of the windows that were heard.

    `unheard` (slots, 1, 1, P) masks what is no audio of a window.
    """

    def __init__(self, size: Dimensions, item: np.dtype[Any], slots: int, positions: int) -> None:
        """Raises MemoryError."""
        keys = (slots, size.heads, size.head_width, positions)
        values = (slots, size.heads, positions, size.head_width)
        self._rooms = [np.zeros(values if at % 2 else keys, item) for at in range(2 * size.decoder_layers)]
        self._unheard = np.full((slots, 1, 1, positions), MASKED, np.float32)
        self._used = 0
        self.moved = True

    @property
    def rooms(self) -> list[NDArray[Any]]:
        """The keys and values of the slots in use, and of no more."""
        return [room[: self._used] for room in self._rooms]

    @property
    def unheard(self) -> NDArray[np.float32]:
        """The mask of the slots in use."""
        return self._unheard[: self._used]

    def write(self, slot: int, heard: Iterable[NDArray[Any]], positions: int) -> None:
        """Keep what an encoder made of a window of so many positions: keys (H, D, p) and values (H, p, D) in turn."""
        for at, (room, new) in enumerate(zip(self._rooms, heard, strict=True)):
            filled, empty = slice(positions), slice(positions, None)
            room[(slot, ..., filled, slice(None)) if at % 2 else (slot, ..., filled)] = new
            room[(slot, ..., empty, slice(None)) if at % 2 else (slot, ..., empty)] = 0
        self._unheard[slot, ..., :positions] = 0
        self._unheard[slot, ..., positions:] = MASKED
        self._used = max(self._used, slot + 1)
        self.moved = True

    def keep(self, slots: Sequence[int]) -> None:
        """See Batch.keep."""
        for to, slot in enumerate(slots):
            if to != slot:
                for room in (*self._rooms, self._unheard):
                    room[to] = room[slot]
        self._used = len(slots)
        self.moved = True


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
