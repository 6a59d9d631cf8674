"""`callwright bench frontend`, on the product's own stages."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from asr.timings import FrontEndStage
from flows.benches.frontend import FrontEnd, one_core
from flows.cli import call

SAMPLES = Path(__file__).parents[4] / "sample_audio"


@pytest.fixture
def folder(tmp_path: Path, vad_model_path: Path) -> Path:
    """A folder with one call, and the detector's model on this machine."""
    shutil.copy(SAMPLES / "wrong_number.wav", tmp_path)
    return tmp_path


def test_the_stages_and_what_they_took_are_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["bench", "frontend", "--data", str(folder), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["calls"], round(found["audio_s"]), round(found["channel_s"])) == (1, 45, 91)
    assert 10 < found["speech_s"] < 90
    assert list(found["cpu_s"]) == [*FrontEndStage, "other", "together"]
    assert found["cpu_s"]["VAD"] > found["cpu_s"]["chunking"]
    assert found["realtime"] == pytest.approx(found["audio_s"] / found["cpu_s"]["together"])
    assert sum(found["cpu_s"][stage] for stage in [*FrontEndStage, "other"]) >= 0.99 * found["cpu_s"]["together"]


def test_the_table_has_a_line_a_stage(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["bench", "frontend", "--data", str(folder), "--set", "vad.runtime=onnxruntime"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("1 calls, 0.8 min of 2.0 channels, one core")
    assert [line.split("  ")[0] for line in lines[3:]] == [*FrontEndStage, "other", "together"]


def test_a_folder_without_calls_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["bench", "frontend", "--data", str(tmp_path)]) == 2
    assert "no .wav files" in capsys.readouterr().err


def test_one_core_is_kept_and_given_back() -> None:
    allowed = os.sched_getaffinity(0)

    def fail() -> None:
        with one_core():
            assert os.sched_getaffinity(0) == {max(allowed)}
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert os.sched_getaffinity(0) == allowed


def test_what_took_no_time_is_infinitely_fast() -> None:
    found = FrontEnd(1, 60.0, 120.0, 30.0, {FrontEndStage.VAD: 0.1}, 0.3)
    assert found.realtime(found.cpu_s) == pytest.approx(200.0)
    assert found.realtime(0.0) == float("inf")
    assert found.rest_s == pytest.approx(0.2)
