from __future__ import annotations

import time
from pathlib import Path

import pytest

from asr.errors import FatalError, RetryableError, SkippableError
from asr.types import Recording
from compliance.errors import UnprovenError
from configs.options import CostOptions
from flows.costs import price
from flows.desk import Desk, kind_of
from flows.metrics import ErrorKind

SHORT, LONG, BROKEN = (Recording(digit * 64, Path(f"{digit}.wav"), 1) for digit in "abc")


def work(cpu_s: float) -> None:
    until = time.thread_time() + cpu_s
    while time.thread_time() < until:
        pass


def test_a_call_costs_its_time_at_the_prices_that_are_set() -> None:
    cpu_s, stage_s = {"prepare": 900.0, "transcribe": 2700.0}, {"transcribe": 1500.0, "prove": 300.0, "redact": 99.0}
    both = CostOptions(cpu_hour=0.04, gpu_hour=2.0)
    assert price(cpu_s, stage_s, both, has_gpu=False) == pytest.approx(0.04)
    assert price(cpu_s, stage_s, both, has_gpu=True) == pytest.approx(0.04 + 1.0)
    assert price(cpu_s, stage_s, CostOptions(), has_gpu=True) is None


def test_a_stages_cpu_time_is_divided_by_what_each_contributed() -> None:
    desk = Desk()
    with desk.spending("transcribe") as weights:
        work(0.2)
        weights.update({SHORT.sha256: 1.0, LONG.sha256: 3.0})
    whole_s = desk.stage_cpu_s["transcribe"]
    assert 0.2 <= whole_s < 0.4
    assert desk.call_cpu_s[SHORT.sha256]["transcribe"] == pytest.approx(whole_s / 4)
    assert desk.call_cpu_s[LONG.sha256]["transcribe"] == pytest.approx(whole_s * 3 / 4)


def test_a_stage_within_itself_is_counted_once() -> None:
    desk = Desk()
    with desk.spending("prove") as weights:
        desk.each("prove", [SHORT], lambda one: one, lambda _: work(0.1))
        weights[LONG.sha256] = 1.0
    assert 0.1 <= desk.stage_cpu_s["prove"] < 0.2
    assert desk.call_cpu_s[LONG.sha256]["prove"] == desk.stage_cpu_s["prove"]


def test_each_recording_bears_what_it_took_and_a_failed_one_too() -> None:
    desk = Desk()

    def prepare(recording: Recording) -> None:
        work(0.3 if recording is LONG else 0.1)
        if recording is BROKEN:
            raise SkippableError("it is broken", "mend it")

    desk.each("prepare", [SHORT, LONG, BROKEN], lambda one: one, prepare)
    spent = {one: desk.call_cpu_s[one.sha256]["prepare"] for one in (SHORT, LONG, BROKEN)}
    assert sum(spent.values()) == pytest.approx(desk.stage_cpu_s["prepare"])
    assert spent[LONG] > spent[SHORT] > 0.0
    assert spent[BROKEN] > 0.0
    assert desk.errors == {("prepare", ErrorKind.SKIPPABLE): 1}


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (SkippableError("a"), ErrorKind.SKIPPABLE),
        (UnprovenError("a"), ErrorKind.UNPROVEN),
        (RetryableError("a"), ErrorKind.RETRYABLE),
        (FatalError("a"), ErrorKind.FATAL),
        (KeyError("a"), ErrorKind.FAULT),
    ],
)
def test_errors_are_counted_by_kind(error: Exception, kind: ErrorKind) -> None:
    assert kind_of(error) is kind
