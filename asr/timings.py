"""Where the time of the front end goes, told by the code that does the work."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TypeVar

_T = TypeVar("_T")


class FrontEndStage(StrEnum):
    """What is done to a recording before an engine hears it: pass one to `CHUNKING`, pass two from `CUTTING` on."""

    DECODE = "decode"
    LEVELS = "levels"
    CHECKS = "channel checks"
    SOUNDS = "tones, keys, music"
    RESAMPLE = "resample"
    VAD = "VAD"
    REGIONS = "regions"
    CHUNKING = "chunking"
    CUTTING = "second pass: decode, resample, cut"
    TREATMENT = "second pass: noise, loudness"


class Timings:
    """CPU seconds of each stage, all threads together. What a runtime does on threads of its own is not seen."""

    def __init__(self) -> None:
        self.cpu_s = dict.fromkeys(FrontEndStage, 0.0)
        self._lock = threading.Lock()

    @contextmanager
    def of(self, stage: FrontEndStage) -> Iterator[None]:
        """Count what this thread does inside to a stage."""
        began_s = time.thread_time()
        try:
            yield
        finally:
            took_s = time.thread_time() - began_s
            with self._lock:
                self.cpu_s[stage] += took_s

    def each(self, stage: FrontEndStage, items: Iterator[_T]) -> Iterator[_T]:
        """The items, the making of each counted to a stage."""
        while True:
            with self.of(stage):
                item = next(items, None)
            if item is None:
                return
            yield item
