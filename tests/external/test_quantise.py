"""Quantising for real: the command on tiny.en, and the shipped card of Whisper base measured again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import openvino as ov
import pytest

from asr.card import shipped_card
from asr.engines.openvino_calibrate import calibrate
from asr.models import LocalModel
from asr.scoring.errors import EditErrors
from asr.vad import SileroVad
from asr.whisper.weights import load_weights
from configs.settings import Settings
from flows.benches.benchmark import find_calls
from flows.cli import call
from flows.quantise import _digest, _Trial

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "sample_audio"
TELEPHONE = ROOT.parent / "shared" / "data" / "phone"


def test_the_command_writes_graphs_and_a_card_that_the_engine_takes(
    tmp_path: Path, whisper_model: LocalModel, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["quantise", "--model", "whisper-tiny.en", "--calibration", str(SAMPLES), "--method", "weights"]
    code = call([*asked, "--out", str(tmp_path), "--json", "--set", "transcribe.model=whisper-tiny.en"])
    card = json.loads(capsys.readouterr().out)
    assert code == (1 if card["refusals"] else 0)
    assert card["model_sha256"] == whisper_model.sha256
    assert card["before"]["errors"]["reference_length"] > 1_000
    assert card["after"]["weight_bytes"] < 0.3 * card["before"]["weight_bytes"]
    del card["refusals"]
    assert json.loads((tmp_path / "card.json").read_text()) == card
    for name in ("encoder", "decoder"):
        assert ov.Core().read_model(tmp_path / f"{name}.xml").outputs


def test_matrices_that_would_hurt_are_left_out(whisper_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = load_weights(whisper_dir)
    noise = np.random.default_rng(1).standard_normal((2, 80, 400)).astype(np.float32)
    monkeypatch.setattr("asr.engines.openvino_calibrate._TOLERANCE", 1e-3)
    ranges, left_out = calibrate(weights, list(noise), "minmax", lambda _: None)
    assert ranges
    assert left_out
    assert not set(ranges) & set(left_out)
    assert max(left_out.values()) > 1e-4
    monkeypatch.setattr("asr.engines.openvino_calibrate._TOLERANCE", float("inf"))
    everything, nothing = calibrate(weights, list(noise[:1]), "percentile", lambda _: None)
    assert set(everything) == set(ranges) | set(left_out)
    assert not nothing


@pytest.mark.skipif(not TELEPHONE.exists(), reason="the telephone calls of the card are not on this machine")
@pytest.mark.long
def test_the_shipped_card_of_whisper_base_is_what_is_measured(whisper_base: LocalModel, vad_model_path: Path) -> None:
    """Within what one CPU's arithmetic differs from another's."""
    card = shipped_card("whisper-base")
    assert card is not None
    calls = tuple(find_calls(TELEPHONE))
    assert card.evaluation_sha256 == _digest(calls)
    found = _Trial(whisper_base, SileroVad(vad_model_path), calls, Settings()).outcome("int8", card.ranges)
    assert found.errors.reference_length == card.after.errors.reference_length
    assert found.errors.rate - card.before.errors.rate < 0.01
    assert abs(found.words / card.after.words - 1) < 0.02


def test_errors_of_a_card_are_plain_numbers() -> None:
    card = shipped_card("whisper-base")
    assert card is not None
    assert isinstance(card.before.errors, EditErrors)
