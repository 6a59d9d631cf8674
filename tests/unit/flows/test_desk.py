from __future__ import annotations

from pathlib import Path

import pytest

from asr.errors import FatalError, RetryableError, SkippableError
from asr.types import Recording
from flows.desk import Desk
from storage.types import Failure

GOOD, BAD = (Recording(digit * 64, Path(f"{digit}.wav"), 1) for digit in "ab")


def itself(recording: Recording) -> Recording:
    return recording


def test_a_skippable_error_keeps_its_reason_and_remedy_and_stops_nothing() -> None:
    def work(recording: Recording) -> str:
        if recording == BAD:
            raise SkippableError("b.wav is silent", "Check the line")
        return recording.name

    desk = Desk()
    assert desk.each("prepare", [BAD, GOOD], itself, work) == ["a.wav"]
    assert desk.failures == {BAD: Failure("prepare", "b.wav is silent", "Check the line")}


def test_of_a_fault_type_and_place_are_told_and_never_the_message() -> None:
    def work(_: Recording) -> str:
        raise KeyError("four one one one")

    desk = Desk()
    assert desk.each("redact", [BAD], itself, work) == []
    reason = desk.failures[BAD].reason
    line = work.__code__.co_firstlineno + 1
    assert reason == f"b.wav met a fault in callwright: KeyError in test_desk.py, line {line}"


@pytest.mark.parametrize("kind", [RetryableError, FatalError])
def test_what_concerns_the_run_is_raised(kind: type[Exception]) -> None:
    def work(_: Recording) -> str:
        raise kind("the disk is full")

    desk = Desk()
    with pytest.raises(kind):
        desk.each("publish", [GOOD], itself, work)
    assert desk.failures == {}


def test_a_second_try_that_succeeds_takes_the_failure_back_and_skips_what_is_settled() -> None:
    desk = Desk(failures={GOOD: Failure("prepare", "a fault")}, settled={BAD})
    assert desk.each("prepare", [GOOD, BAD], itself, lambda recording: recording.name) == ["a.wav"]
    assert desk.failures == {}


def test_what_goes_wrong_with_all_at_once_is_left_to_be_done_alone() -> None:
    desk = Desk()
    assert desk.together("publish", lambda weights: weights.update({GOOD.sha256: 1.0}) or 2) == 2
    assert desk.call_cpu_s[GOOD.sha256]["publish"] == desk.stage_cpu_s["publish"] > 0.0

    def work(_: dict[str, float]) -> str:
        raise KeyError("four one one one")

    assert desk.together("publish", work) is None
    assert (desk.failures, desk.errors) == ({}, {})


@pytest.mark.parametrize("kind", [RetryableError, FatalError])
def test_what_concerns_the_run_is_raised_for_all_at_once(kind: type[Exception]) -> None:
    def work(_: dict[str, float]) -> str:
        raise kind("the disk is full")

    desk = Desk()
    with pytest.raises(kind):
        desk.together("publish", work)
    assert desk.errors.total() == 1
