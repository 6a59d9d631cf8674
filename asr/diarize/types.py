"""What passes between the steps of finding who spoke."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from asr.types import Samples, Span


@dataclass(frozen=True, slots=True)
class Speaking:
    """A stretch of a channel, in samples at 16 kHz, in which one speaker talks; speakers are counted from 0 in the
    order in which they are first heard. Stretches of several speakers may overlap."""

    span: Span
    speaker: int


class Diarizer(Protocol):
    """Anything that tells the speakers of one channel apart."""

    def diarize(self, sound: Iterable[Samples], speech: Sequence[Span], *, shared: bool = True) -> tuple[Speaking, ...]:
        """Who talks when, ordered by start, none of it outside `speech`.

        `sound` is the channel block by block from its beginning, each (n,) float32 at 16 kHz; `speech` are the spans in
        which somebody talks, in order. Unless it is `shared`, the channel is one side's, and has a second speaker only
        if the voice leaves no doubt.
        """
        ...
