"""Peers: how they are asked for, what they are asked to do, and whose seconds are counted."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from asr.errors import ConfigError
from configs.load import load
from configs.settings import Settings
from flows.benches.peers import _clocked, faster_whisper, faster_whisper_batched, is_peer, openvino_genai

CALL = Path(__file__).parents[4] / "sample_audio" / "wrong_number.wav"
FILES = ("openvino_encoder_model", "openvino_decoder_model", "openvino_tokenizer")


@pytest.fixture
def converted(tmp_path: Path) -> Path:
    """A folder that looks like a converted model's: 300 bytes of weights."""
    for name in FILES:
        (tmp_path / f"{name}.xml").touch()
        (tmp_path / f"{name}.bin").write_bytes(bytes(150))
    (tmp_path / "generation_config.json").touch()
    return tmp_path


def settings(*overrides: str) -> Settings:
    return load(None, ["transcribe.model=whisper-tiny.en", "transcribe.threads=2", *overrides], {}, None)


def test_a_folder_is_asked_for_whole(converted: Path) -> None:
    assert is_peer("openvino-genai", str(converted))
    assert not is_peer("openvino-genai", "")
    (converted / "openvino_decoder_model.xml").unlink()
    with pytest.raises(ConfigError, match=r"openvino_decoder_model\.xml.*docs/performance\.md says how"):
        is_peer("openvino-genai", str(converted))


def test_the_reference_is_asked_for_with_a_beam_or_without() -> None:
    assert is_peer("openai-whisper", "")
    assert is_peer("openai-whisper", "beam")
    assert not is_peer("openai-whisper", "greedy")


@pytest.mark.parametrize("multilingual", [True, False])
def test_openvino_genai_hears_whole_channels_with_our_beam_and_cores(
    converted: Path, monkeypatch: pytest.MonkeyPatch, *, multilingual: bool
) -> None:
    """By a stand-in: the package needs a folder that is converted elsewhere."""
    heard: list[Any] = []
    config = SimpleNamespace(is_multilingual=multilingual, language=None, task=None, num_beams=1)

    class Pipeline:
        def __init__(self, folder: str, device: str, **properties: int) -> None:
            heard.append((folder, device, properties))

        def get_generation_config(self) -> SimpleNamespace:
            return config

        def generate(self, samples: Any, asked: SimpleNamespace) -> SimpleNamespace:
            heard.append((samples.dtype, len(samples), asked))
            return SimpleNamespace(texts=[" hello"])

    module = ModuleType("openvino_genai")
    module.WhisperPipeline = Pipeline  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "openvino_genai", module)
    answer = openvino_genai(settings("transcribe.beam_size=3"), str(converted))([CALL])
    assert answer.texts == [[" hello", " hello"]]
    assert (answer.window_s, answer.weight_bytes) == ([], 300)
    made, *channels = heard
    assert made == (str(converted), "CPU", {"INFERENCE_NUM_THREADS": 2})
    assert [dtype for dtype, _, _ in channels] == [np.float32, np.float32]
    assert all(length > 16_000 * 40 for _, length, _ in channels)
    assert config.num_beams == 3
    assert (config.language, config.task) == (("<|en|>", "transcribe") if multilingual else (None, None))


@pytest.mark.external
@pytest.mark.parametrize("system", [faster_whisper, faster_whisper_batched])
def test_faster_whisper_hears_and_shows_its_windows(system: Any, whisper_dir: Path) -> None:
    answer = system(settings("transcribe.beam_size=1"), "")([CALL])
    assert "wrong number" in " ".join(answer.texts[0]).lower()
    # Two channels of 45 s, of which speech is less than 30 s each or more.
    assert 2 <= len(answer.window_s) <= 6
    assert min(answer.window_s) > 0.0
    assert answer.weight_bytes == (whisper_dir / "model.bin").stat().st_size


def test_a_clocked_method_does_what_it_did_and_counts_its_windows() -> None:
    model = SimpleNamespace(forward=lambda batch, extra: (time.sleep(0.01), len(batch) + extra)[1])
    window_s = _clocked(model, "forward", windows=len)
    assert model.forward([1, 2], 3) == 5
    assert model.forward([1], 0) == 1
    assert len(window_s) == 3
    assert window_s[0] == window_s[1] >= 0.01
