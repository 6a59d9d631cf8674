"""No check can stop another, whatever becomes of it; and what a speed means."""

from __future__ import annotations

import doctest
import os
import threading
from pathlib import Path

import pytest

from asr.errors import FatalError
from configs.load import load
from flows.doctor import servers, speed
from flows.doctor.examine import CHECKS, examine, is_sound
from flows.doctor.finding import Check, Finding, Patient, Status, Verdict, ok, warning

ROOT = Path(__file__).parents[4]


@pytest.fixture
def patient(tmp_path: Path) -> Patient:
    return Patient(load(None, (), {}, Path(os.devnull)), tmp_path / "var", {})


def test_what_hangs_raises_or_is_at_fault_is_a_failure_and_the_next_is_asked(patient: Patient) -> None:
    forever = threading.Event()

    def hangs(_: Patient) -> Verdict:
        forever.wait()
        return ok("never")

    def raises(_: Patient) -> Verdict:
        raise FatalError("the disk is gone", "Bring it back")

    def is_at_fault(_: Patient) -> Verdict:
        raise ValueError("hunter2")

    asked = [Check("hangs", hangs, 0.05), Check("raises", raises), Check("fault", is_at_fault), Check("ok", ok_)]
    findings = list(examine(patient, asked))
    forever.set()
    assert findings[0].found == "no answer within 0.05 s"
    assert findings[1] == Finding("raises", Status.FAILURE, "the disk is gone", "Bring it back")
    assert "ValueError in test_examine.py" in findings[2].found
    assert "hunter2" not in findings[2].found
    assert findings[3] == Finding("ok", Status.OK, "well", "")
    assert not is_sound(findings)
    assert is_sound(findings[3:])


def ok_(_: Patient) -> Verdict:
    return ok("well")


def test_warnings_are_sound(patient: Patient) -> None:
    assert is_sound(list(examine(patient, [Check("slow", lambda _: warning("slow", "Wait"))])))


def test_every_check_has_its_row_in_the_docs() -> None:
    page = (ROOT / "docs" / "doctor.md").read_text()
    rows = [line.split("|")[1].strip() for line in page.splitlines() if line.startswith("| ")]
    assert [row for row in rows if row not in ("check", "---")] == [check.name for check in CHECKS]


@pytest.mark.parametrize(
    ("rate", "expected", "status", "said"),
    [
        (47.0, 50.0, Status.OK, ""),
        (21.0, 50.0, Status.OK, ""),
        (19.0, 50.0, Status.WARNING, "cores, load, threads"),
        (8.0, 9.0, Status.WARNING, "a smaller transcribe.model"),
        (0.9, 1.0, Status.FAILURE, "a smaller transcribe.model"),
        (30.0, None, Status.OK, ""),
        (8.0, None, Status.WARNING, "a smaller transcribe.model"),
    ],
)
def test_what_a_speed_means(rate: float, expected: float | None, status: Status, said: str) -> None:
    verdict = speed._judged("x", rate, expected)
    assert verdict.status is status
    assert said in verdict.remedy


def test_an_address_is_shown_without_its_password() -> None:
    assert doctest.testmod(servers).attempted == 1
    assert doctest.testmod(servers).failed == 0
