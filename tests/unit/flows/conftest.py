"""A batch of short calls and everything that a run needs but a speech model: that one says what it is told to."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import soundfile

from asr.engines.scripted import ScriptedEngine
from asr.types import Hypothesis, Samples
from asr.vad import SileroVad
from compliance.redactor import Redactor
from configs.settings import Settings
from flows.prefect_server import prefect_server
from flows.wiring import Models

SAMPLES = Path(__file__).parents[3] / "sample_audio"
CUTS = {"bank": (3.0, 6.0), "clinic": (12.0, 5.0), "order": (8.0, 7.0)}
"""Where each short call begins in the sample of its name, and how many seconds it lasts."""

Load = Callable[[Callable[[Samples], Hypothesis]], ScriptedEngine]


@pytest.fixture(scope="session")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three calls of 5 to 7 s."""
    folder = tmp_path_factory.mktemp("calls")
    for name, (start_s, length_s) in CUTS.items():
        start, stop = int(start_s * 8_000), int((start_s + length_s) * 8_000)
        audio, rate_hz = soundfile.read(SAMPLES / f"{name}.wav", start=start, stop=stop, dtype="int16")
        soundfile.write(folder / f"{name}.wav", audio, rate_hz, subtype="ULAW")
    return folder


@pytest.fixture(scope="session")
def prefect_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of a real Prefect server, which all runs of the session share: Prefect reads its URL only once."""
    data_dir = tmp_path_factory.mktemp("prefect")
    with pytest.MonkeyPatch.context() as environ, open(2, "w", closefd=False) as stderr:
        for name in ("PREFECT_API_URL", "PREFECT_HOME"):
            environ.delenv(name, raising=False)
        with prefect_server(data_dir) as wait_for_server:
            wait_for_server()
            # Prefect logs to the standard error that it finds first, and that of a test is closed after it.
            with environ.context() as streams:
                streams.setattr(sys, "stderr", stderr)
                from prefect.logging.configuration import setup_logging

                setup_logging()
            yield data_dir / "prefect"


@pytest.fixture(scope="session")
def detector(vad_model_path: Path) -> SileroVad:
    return SileroVad(vad_model_path)


@pytest.fixture(scope="session")
def redactor(ner_model_dir: Path) -> Redactor:
    return Redactor.load(ner_model_dir, Settings().redact)


@pytest.fixture
def load(prefect_home: Path, detector: SileroVad, redactor: Redactor, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Let the runs of this test load an engine that answers as the given function does."""
    # What such an engine says leaves most of the speech out: each chunk would be heard again.
    monkeypatch.setenv("CALLWRIGHT_GUARDS__ENABLED", "false")

    def with_engine(answer: Callable[[Samples], Hypothesis]) -> ScriptedEngine:
        engine = ScriptedEngine(answer)
        monkeypatch.setattr("flows.run.load_models", lambda _: Models(detector, engine, redactor))
        return engine

    return with_engine
