"""`redact.second_reader`: who reads, what happens without a model, and what certificates tell."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from asr.engines.scripted import ScriptedEngine
from asr.errors import ConfigError, RetryableError
from asr.types import Hypothesis, Recording, Samples, Word
from asr.vad import SileroVad
from compliance.analyzer import Analyzer
from compliance.certificate import UsedModel, redaction
from compliance.options import RedactionOptions
from compliance.redactor import Redactor
from configs.load import load
from configs.settings import Settings
from flows import cli, stages
from flows.language_model import check_model, second_reader
from flows.wiring import Models, load_redactor
from llm.asking import OnAnswer
from tests.chat_server import Body, Reply, chat_server, completion
from tests.unit.compliance.test_second_reader import call
from tests.unit.flows.monitor.test_tally import told

ON = "redact.second_reader=true"


def test_as_shipped_nobody_reads_again() -> None:
    assert second_reader(load(None, [], {}, None)) is None


def test_without_a_model_no_work_is_begun() -> None:
    settings = load(None, [ON], {}, None)
    with pytest.raises(ConfigError, match="no language model"):
        check_model(settings)
    with pytest.raises(ConfigError, match="no language model"):
        load_redactor(settings)


def test_a_call_is_read_and_its_certificate_tells_by_whom() -> None:
    spans = {"spans": [{"turn": 0, "text": "pumpkin", "entity": "PERSON"}, {"turn": 0, "text": "x", "entity": "URL"}]}
    with chat_server(lambda *_: Reply(completion(json.dumps(spans)))) as server:
        settings = load(None, [ON, f"llm.base_url={server.url}"], {}, None)
        redacted = stages.redact(call("Ask for wee pumpkin."), load_redactor(settings)).transcript
    assert redacted.turns[0].text == "Ask for wee [PERSON]."
    recording = Recording("0" * 64, Path("call.wav"), 1)
    body = redaction(recording, redacted, {}, UsedModel("names", "", "names"), datetime(2026, 1, 1, tzinfo=UTC))
    assert body["second_reader"] == {"reader": "model:fake-1/redaction-1", "added": 1, "dropped": 1}


def test_a_model_that_is_away_has_the_call_wait() -> None:
    """Retryable: the flow tries again, then stops with the call unpublished, and the next run does it."""
    with chat_server(lambda *_: Reply(status=503)) as server:
        options = [ON, f"llm.base_url={server.url}", "llm.max_tries=1"]
        redactor = load_redactor(load(None, options, {}, None))
        with pytest.raises(RetryableError):
            stages.redact(call("Hello."), redactor)


SAID = "please note the code word is marzipan elephant tomorrow"


def heard(_: Samples) -> Hypothesis:
    words = tuple(Word(word, at / 5, at / 5 + 0.15, 0.9) for at, word in enumerate(SAID.split()))
    return Hypothesis(words, "en", -0.2, 0.0, 1.0, 0.0)


@pytest.fixture
def models(prefect_home: Path, detector: SileroVad, ner_model_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scripted engine; the redactor is the one that the settings ask for."""
    analyzer = Analyzer.load(ner_model_dir, RedactionOptions().min_score)

    def loaded(settings: Settings, on_reading: OnAnswer) -> Models:
        redactor = Redactor(analyzer, settings.redact, second_reader(settings, on_reading))
        return Models(detector, ScriptedEngine(heard), redactor)

    monkeypatch.setenv("CALLWRIGHT_GUARDS__ENABLED", "false")
    monkeypatch.setattr("flows.work.load_models", loaded)
    monkeypatch.setattr("flows.process_calls.redact.retries", 0)


@pytest.mark.usefixtures("models")
def test_nothing_is_published_unread_and_the_next_run_goes_on(calls: Path, tmp_path: Path) -> None:
    found = {"spans": [{"turn": turn, "text": "marzipan elephant", "entity": "PERSON"} for turn in range(2)]}
    down = True

    def answer(_body: Body, _number: int) -> Reply:
        return Reply(status=503) if down else Reply(completion(json.dumps(found)))

    with chat_server(answer) as server:
        line = ["run", str(calls), "--data-dir", str(tmp_path), "--set", ON, "--set", f"llm.base_url={server.url}"]
        line += ["--set", "llm.max_tries=1"]
        assert cli.call(line) == 3
        assert not list((tmp_path / "objects").rglob("*.json")), "nothing was read, nothing is published"
        down = False
        assert cli.call(line) == 0
    certificates = [path.read_bytes() for path in tmp_path.rglob("*.certificate")]
    assert len(certificates) == 3
    assert told(tmp_path, "callwright_llm_answers_total", purpose="redaction") == 3
    assert all(b"model:fake-1/redaction-1" in body for body in certificates)
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and b"marzipan" in path.read_bytes()]
    assert kept == [], "what the second reader found rests nowhere"
