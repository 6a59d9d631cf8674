"""The front end by itself, timed on one core: everything before an engine hears a call."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from asr.decode import identify
from asr.timebase import to_seconds
from asr.timings import FrontEndStage, Timings
from asr.vad import SpeechDetector
from configs.settings import Settings
from flows import preparation, wiring


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """CPU seconds on one core: of each stage, and `cpu_s` of all, which holds what no stage counts too.

    `audio_s` is recorded time, whatever the number of channels.
    """

    calls: int
    audio_s: float
    channel_s: float
    speech_s: float
    stage_s: dict[FrontEndStage, float]
    cpu_s: float

    @property
    def rest_s(self) -> float:
        """What no stage counts: opening files, hashing, collecting what pass one keeps."""
        return max(0.0, self.cpu_s - sum(self.stage_s.values()))

    def realtime(self, cpu_s: float) -> float:
        """Recorded time over CPU time; infinite for what took none that a clock shows."""
        return self.audio_s / cpu_s if cpu_s > 0.0 else float("inf")


def measure(calls: Sequence[Path], settings: Settings) -> FrontEnd:
    """Run calls through both passes, one after another, on one core. Raises what the stages raise."""
    with one_core():
        detector = wiring.detector(settings)
        _run(calls[:1], detector, settings, Timings())  # What a runtime does once, it has done by then.
        timings = Timings()
        began_s = time.process_time()
        prepared = _run(calls, detector, settings, timings)
        cpu_s = time.process_time() - began_s
    return FrontEnd(
        calls=len(calls),
        audio_s=sum(item.facts.duration_s for item in prepared),
        channel_s=sum(item.facts.duration_s * len(item.channels) for item in prepared),
        speech_s=to_seconds(sum(len(chunk) for item in prepared for chunk in item.chunks)),
        stage_s=timings.cpu_s,
        cpu_s=cpu_s,
    )


def _run(
    calls: Sequence[Path], detector: SpeechDetector, settings: Settings, timings: Timings
) -> list[preparation.Prepared]:
    prepared = [preparation.prepare(identify(call), detector, settings, timings=timings) for call in calls]
    for item in prepared:
        for _ in preparation.read_chunks(item, settings, timings):
            pass
    return prepared


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this thread, and those that it starts, on one of the cores that it may use."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)
