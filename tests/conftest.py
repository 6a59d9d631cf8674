"""What all tests share: markers from folders, and the real models."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

from asr.diarize.diarizer import WindowDiarizer
from asr.diarize.openvino import load_openvino
from asr.diarize.options import DiarizeOptions
from asr.fetch import Access, fetch
from asr.models import LocalModel, Registry, cache_folder
from configs.load import load

TESTS = Path(__file__).parent
NO_FILE = Path(os.devnull)
"""In place of the callwright.toml of whoever runs the tests: it must not change what they say."""

FOLDERS = {"unit", "property", "golden", "conformance", "external"}
settings.register_profile("no deadlines", deadline=None)  # on a busy machine a slow example says nothing
settings.load_profile("no deadlines")

REAL_MODELS = {
    "diarizer",
    "ner_model_dir",
    "vad_model_path",
    "whisper_model",
    "whisper_dir",
    "whisper_base",
    "whisper_base_dir",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with the folder that it lies in; tests that use a real model are external too."""
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0]
        if folder in FOLDERS:
            item.add_marker(folder)
        fixtures = getattr(item, "fixturenames", ())
        if not REAL_MODELS.isdisjoint(fixtures):
            item.add_marker("external")


def _model(model_id: str) -> LocalModel:
    options = load(None, [], os.environ, NO_FILE).models
    return fetch(
        Registry.load(Path(options.registry) if options.registry else None).get(model_id),
        cache_folder(options),
        Access(offline=options.offline),
    )


@pytest.fixture(scope="session")
def ner_model_dir() -> Path:
    """The folder of spaCy's small English pipeline."""
    return _model("spacy-en-core-web-sm").folder


@pytest.fixture(scope="session")
def vad_model_path() -> Path:
    """Silero VAD's sequence model; the window by window model lies beside it."""
    return _model("silero-vad").folder / "silero_vad_16k_sequence.onnx"


@pytest.fixture(scope="session")
def segmentation_dir() -> Path:
    """The folder of the segmentation that tells speakers apart."""
    return _model("pyannote-segmentation-3.0").folder


@pytest.fixture(scope="session")
def diarizer() -> WindowDiarizer:
    """The default diarizer with its defaults."""
    folders = [_model(name).folder for name in ("pyannote-segmentation-3.0", "campplus-zh-en")]
    return load_openvino(*folders, DiarizeOptions(), 2)


@pytest.fixture(scope="session")
def whisper_model() -> LocalModel:
    """Whisper tiny.en: the smallest, for speed."""
    return _model("whisper-tiny.en")


@pytest.fixture(scope="session")
def whisper_dir(whisper_model: LocalModel) -> Path:
    """The folder of Whisper tiny.en."""
    return whisper_model.folder


@pytest.fixture(scope="session")
def whisper_base() -> LocalModel:
    """Whisper base, multilingual: the default."""
    return _model("whisper-base")


@pytest.fixture(scope="session")
def whisper_base_dir(whisper_base: LocalModel) -> Path:
    """The folder of Whisper base."""
    return whisper_base.folder
