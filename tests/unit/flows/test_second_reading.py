"""`redact.second_reader`: who reads, what happens without a model, and what certificates tell."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from asr.errors import ConfigError, RetryableError
from asr.types import Recording
from compliance.certificate import UsedModel, redaction
from configs.load import load
from flows import stages
from flows.language_model import check_model, second_reader
from flows.wiring import load_redactor
from tests.chat_server import Reply, chat_server, completion
from tests.unit.compliance.test_second_reader import call

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
