"""A batch of short calls and everything that a run needs but a speech model: that one says what it is told to."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import soundfile

from asr.decode import identify
from asr.engines.scripted import ScriptedEngine
from asr.types import Channel, Hypothesis, Provenance, Recording, Samples
from asr.vad import SileroVad
from compliance.certificate import UsedModel
from compliance.redactor import Redactor
from compliance.render import documents
from compliance.types import RedactedTranscript, RedactedTurn, RedactedWord, Redaction
from configs.load import load as load_settings
from configs.settings import Settings
from flows.custody import Custody, open_custody
from flows.keep import certifier
from flows.prefect_server import prefect_server
from flows.wiring import Archive, Models, open_archive
from llm.types import Finding, Summary
from storage.types import AudioFacts, Publication

SAMPLES = Path(__file__).parents[3] / "sample_audio"
CUTS = {"bank": (3.0, 6.0), "clinic": (12.0, 5.0), "order": (8.0, 7.0)}
"""Where each short call begins in the sample of its name, and how many seconds it lasts."""

DAY = date(2026, 9, 24)

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
        monkeypatch.setattr("flows.work.load_models", lambda *_: Models(detector, engine, redactor))
        return engine

    return with_engine


@dataclass(frozen=True, slots=True)
class Kept:
    """Published calls: their source files, and where what is kept of them rests."""

    sources: Path
    data_dir: Path
    archive: Archive
    recordings: dict[str, Recording]

    def custody(self, *overrides: str) -> Custody:
        settings = load_settings(None, overrides, {}, Path(os.devnull))
        return open_custody(self.archive.database, self.archive.objects, settings, self.data_dir)

    def rules(self, text: str) -> str:
        """The override for rules of retention."""
        path = self.data_dir / "rules.toml"
        path.write_text(text)
        return f"retention.file={path}"

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(self.data_dir / "callwright.db")
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()


def a_call(name: str, path: Path) -> RedactedTranscript:
    words = (RedactedWord("marzipan", 0.0, 0.5, 0.9), RedactedWord("[PERSON]", 0.6, 1.0, 0.9, "PERSON"))
    said = RedactedWord(f"marzipan-{name}", 1.2, 1.5, 0.9)
    return RedactedTranscript(
        audio=path.name,
        duration_s=2.0,
        channels=(Channel.AGENT,),
        turns=(RedactedTurn("agent", Channel.AGENT, words), RedactedTurn("agent", Channel.AGENT, (said,))),
        regions=(),
        redactions=(Redaction("PERSON", Channel.AGENT, 0, 1, 1, 0.6, 1.0),),
        policy="all",
        provenance=Provenance("m", "ab" * 32, "scripted", "int8", "f" * 16, "1"),
    )


def keep_four(folder: Path) -> Kept:
    """Four calls, published with summary, renderings and certificate; their sources lie in a folder."""
    sources, data_dir = folder / "in", folder / "var"
    sources.mkdir()
    archive = open_archive(Settings(), data_dir)
    found = Kept(sources, data_dir, archive, {})
    certify = certifier(found.custody(), UsedModel("spacy", "ef" * 32, "names"))
    run_id = archive.repository.begin_run("f", "1")
    for name in ("ada", "bob", "eve", "kim"):
        path = sources / f"{name}.wav"
        path.write_bytes(f"sound of {name}".encode())
        recording = identify(path)
        transcript = a_call(name, path)
        keys = {document.kind: archive.objects.put(document, DAY) for document in documents(transcript)}
        certificate = archive.objects.put(certify(recording, transcript, keys), DAY)
        summary = Summary("extractive", Finding("marzipan", (0,)), None, (), ("billing",) if name == "ada" else ())
        facts = AudioFacts(2.0, "WAV", "PCM_16", 8_000)
        archive.repository.publish(run_id, Publication(recording, facts, transcript, summary, keys, {}, certificate))
        found.recordings[name] = recording
    return found


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    """See keep_four."""
    found = keep_four(tmp_path)
    yield found
    found.archive.database.dispose()
