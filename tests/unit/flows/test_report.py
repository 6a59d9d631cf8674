from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from asr.types import Channel, Finding, FindingEffect, FindingKind, Provenance, Transcript, Turn, Word
from flows.report import clock, print_json, print_table, rttm_of, sound


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0:00"), (0.4, "0:00"), (59.6, "1:00"), (75.4, "1:15"), (3599.5, "1:00:00"), (4000, "1:06:40")],
)
def test_clock(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


def test_times_in_json_are_iso_8601(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "name": "caf\N{LATIN SMALL LETTER E WITH ACUTE}"})
    out = capsys.readouterr().out
    assert json.loads(out)["at"] == "2026-01-02T03:04:05+00:00"
    assert "\N{LATIN SMALL LETTER E WITH ACUTE}" in out


def test_a_table_shows_what_looks_like_markup_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("[bold]",), [("[CREDIT_CARD] :smile:",), (None,), (3,)])
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines == ["[bold]", "[CREDIT_CARD] :smile:", "", "3"]


def test_nothing_of_a_wide_row_is_lost(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("text",), [("x" * 500,)])
    assert capsys.readouterr().out.count("x") == 501  # one is in the heading


def test_a_finding_is_a_line() -> None:
    leak = Finding(FindingKind.CROSSTALK, Channel.AGENT, -20.04, "dB", FindingEffect.SUPPRESSED, 40.0)
    assert sound(leak) == "agent: crosstalk, -20 dB, 40 ms late: suppressed"
    swapped = Finding(FindingKind.SWAPPED_CHANNELS, None, 1.0, "greetings", FindingEffect.REPORTED)
    assert sound(swapped) == "swapped channels, 1 greetings: reported"


def test_rttm_is_named_as_the_file_and_tells_each_stretch() -> None:
    turn = Turn("agent", Channel.AGENT, (Word("hello", 0.5, 1.0, 0.9), Word("there", 1.5, 2.0, 0.9)))
    made_by = Provenance("m", "h", "scripted", "int8", "f", "0")
    assert rttm_of(Transcript("call 1.wav", 3.0, (Channel.AGENT,), (turn,), (), made_by)).splitlines() == [
        "SPEAKER call_1 1 0.500 0.500 <NA> <NA> agent <NA> <NA>",
        "SPEAKER call_1 1 1.500 0.500 <NA> <NA> agent <NA> <NA>",
    ]
