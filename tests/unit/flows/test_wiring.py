"""What is loaded, and what is refused before it is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from asr.errors import ConfigError, ModelError
from configs.load import load
from configs.settings import Settings
from flows.wiring import fetch_model, load_models


def settings(*overrides: str) -> Settings:
    return load(None, overrides, {}, Path("/dev/null"))


def test_a_model_file_that_changed_is_refused_and_not_mended_in_silence(vad_model_path: Path, tmp_path: Path) -> None:
    shutil.copytree(vad_model_path.parent, tmp_path / vad_model_path.parent.name)
    spoilt = tmp_path / vad_model_path.parent.name / vad_model_path.name
    body = bytearray(spoilt.read_bytes())
    body[1_000] ^= 1
    spoilt.write_bytes(body)
    chosen = settings(f"models.cache_dir={tmp_path}", "models.offline=true")
    with pytest.raises(ModelError, match=rf"{vad_model_path.name}.*models get silero-vad --force"):
        fetch_model(chosen, "silero-vad")
    assert spoilt.read_bytes() == bytes(body)


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("transcribe.model=silero-vad", r"transcribe\.model is silero-vad, a model of kind vad and not asr"),
        ("redact.ner_model=whisper-base", r"redact\.ner_model is whisper-base, a model of kind asr and not ner"),
    ],
)
def test_a_model_of_the_wrong_kind_is_refused(override: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        load_models(settings(override))
