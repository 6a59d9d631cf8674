from __future__ import annotations

import pytest

from flows import meter
from flows.meter import Bar


def drive(bar: Bar) -> None:
    with bar:
        bar.expect(2, 7_200.0)
        bar.audio_done(3_600.0)
        bar.recording_done()
        bar.audio_done(4_000.0)  # decoding found more than the headers had said
        bar.recording_done()


def test_without_a_terminal_a_line_is_printed_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meter, "_LOG_EVERY_S", 0.0)
    drive(Bar())
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert lines[1].startswith("0/2 calls  1.00/2.00 audio hours")
    assert lines[-1].startswith("2/2 calls  2.11/2.00 audio hours")
    assert lines[-1].endswith(" 0:00 left")


def test_short_work_without_a_terminal_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    drive(Bar())
    assert capsys.readouterr() == ("", "")


def test_quiet_prints_nothing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meter, "_LOG_EVERY_S", 0.0)
    drive(Bar(quiet=True))
    assert capsys.readouterr() == ("", "")
