"""`callwright inspect`: the table, the JSON and the picture."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.decode import identify
from asr.vad import SileroVad
from configs.settings import Settings
from flows.cli import call
from flows.commands.inspect import _print
from flows.inspection import envelopes, inspect

BANK = Path(__file__).parents[3] / "sample_audio" / "bank.wav"


def test_the_table_has_every_region_and_no_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["inspect", str(BANK)]) == 0
    out = capsys.readouterr().out
    assert "bank.wav  1:29  WAV ULAW  8000 Hz  2 channels" in out
    for kind in ("ringback", "music", "dtmf", "speech"):
        assert f" {kind}" in out
    assert "7306" not in out


def test_the_json_has_the_same_facts(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["inspect", str(BANK), "--json"]) == 0
    body = capsys.readouterr().out
    facts = json.loads(body)
    agent, customer = facts["channels"]
    assert (facts["container"], facts["sample_rate_hz"], facts["findings"]) == ("WAV", 8_000, [])
    assert {region["kind"] for region in customer["regions"]} == {"speech", "dtmf", "silence"}
    assert -30 < agent["level_dbfs"] < -15
    assert agent["snr_db"] > 20
    for channel in facts["channels"]:
        assert sum(channel["seconds"].values()) == pytest.approx(facts["duration_s"], abs=0.01)
        assert channel["regions"][-1]["end_s"] == pytest.approx(facts["duration_s"], abs=0.001)
    assert "7306" not in body
    assert "digits" not in body


def test_the_picture_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    assert call(["inspect", str(BANK), "--png", str(tmp_path / "bank.png")]) == 0
    assert (tmp_path / "bank.png").read_bytes().startswith(b"\x89PNG")
    assert "The picture is in" in capsys.readouterr().out


def test_a_picture_that_cannot_be_written_is_refused_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["inspect", str(BANK), "--png", str(tmp_path / "none" / "bank.png")]) == 2
    assert "--png" in capsys.readouterr().err


def test_what_is_no_call_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.wav").touch()
    assert call(["inspect", str(tmp_path / "empty.wav")]) == 3
    assert "empty.wav is empty" in capsys.readouterr().err


def test_findings_are_printed(detector: SileroVad, capsys: pytest.CaptureFixture[str]) -> None:
    found = inspect(identify(BANK), detector, Settings())
    _print(replace(found, findings=("Both channels carry the same voice.",)))
    assert capsys.readouterr().out.endswith("\nBoth channels carry the same voice.\n")


def test_envelopes_are_those_of_the_whole_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asr.files.readers._BLOCK_S", 0.77)
    samples = np.random.default_rng(1).uniform(-0.5, 0.5, (41_237, 2)).astype(np.float32)
    soundfile.write(tmp_path / "two.wav", samples, 8_000, subtype="FLOAT")
    found = envelopes(identify(tmp_path / "two.wav"), 41_237 / 8_000, Settings())
    width = -(-41_237 // 2_000)
    for channel in range(2):
        columns = [samples[at : at + width, channel] for at in range(0, 41_237, width)]
        assert np.array_equal(found.highest[channel], [max(0, column.max()) for column in columns])
        assert np.array_equal(found.lowest[channel], [min(0, column.min()) for column in columns])


def _beside(tmp_path: Path, told: str) -> Path:
    call_file = tmp_path / "call.wav"
    call_file.symlink_to(BANK)
    (tmp_path / "call.json").write_text(told)
    return call_file


def test_the_sidecar_names_the_channels_and_its_pauses_are_silent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_file = _beside(tmp_path, '{"channel_map": ["customer", "agent"], "pauses": [[0, 88]]}')
    assert call(["inspect", str(call_file), "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)["channels"]
    assert (first["channel"], second["channel"]) == ("customer", "agent")
    assert "speech" not in {region["kind"] for region in second["regions"] if region["end_s"] < 88}
    assert "ringback" in {region["kind"] for region in first["regions"]}


def test_an_ignored_channel_is_not_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_file = _beside(tmp_path, '{"channel_map": ["agent", "ignored"]}')
    assert call(["inspect", str(call_file)]) == 0
    assert "customer" not in capsys.readouterr().out


def test_a_sidecar_that_does_not_fit_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_file = _beside(tmp_path, '{"channel_map": ["agent", "customer", "ignored"]}')
    assert call(["inspect", str(call_file)]) == 3
    assert "channel_map names 3 channels, the file has 2" in capsys.readouterr().err
