"""Time is counted to the stage that it went into."""

from __future__ import annotations

import time

import pytest

from asr.timings import FrontEndStage, Timings


def _work(cpu_s: float) -> None:
    until = time.thread_time() + cpu_s
    while time.thread_time() < until:
        pass


def test_what_is_done_inside_is_counted_even_if_it_fails() -> None:
    timings = Timings()

    def fail() -> None:
        with timings.of(FrontEndStage.VAD):
            _work(0.01)
            raise ValueError("no")

    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            fail()
    assert 0.02 <= timings.cpu_s[FrontEndStage.VAD] < 0.1
    assert sum(timings.cpu_s.values()) == timings.cpu_s[FrontEndStage.VAD]


def test_of_a_generator_the_making_is_counted_and_not_the_use() -> None:
    def made():
        for number in range(3):
            _work(0.01)
            yield number

    timings = Timings()
    found = []
    for number in timings.each(FrontEndStage.DECODE, made()):
        _work(0.03)
        found.append(number)
    assert found == [0, 1, 2]
    assert 0.03 <= timings.cpu_s[FrontEndStage.DECODE] < 0.08
