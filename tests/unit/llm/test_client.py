from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from asr.errors import ConfigError
from llm.asking import Asker
from llm.client import HttpChat, answer_of
from llm.dialects import DIALECTS, DialectMemory
from llm.errors import AnswerError, UnavailableError
from llm.form import SummaryForm, summary_schema
from llm.options import LlmOptions, Sampling
from llm.types import Answer, Message
from tests.chat_server import (
    COMPLETION_TOKENS,
    PROMPT_TOKENS,
    SUMMARY,
    Body,
    ChatServer,
    Reply,
    chat_server,
    completion,
)

SPOKEN = "marzipan"
ASKED = (Message("system", "You summarise."), Message("user", f"[0] customer: {SPOKEN}"))
SCHEMA = summary_schema(("order",))
GOOD = Reply(completion(json.dumps(SUMMARY)))


OPEN: list[HttpChat] = []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while OPEN:
        OPEN.pop().close()


def chat(server: ChatServer, path: Path | None = None, **options: Any) -> HttpChat:
    set_ = {"base_url": server.url, "timeout_s": 5.0, **options}
    OPEN.append(HttpChat(LlmOptions(**set_), Sampling(max_tokens=99), DialectMemory(path)))
    return OPEN[-1]


def ask(server: ChatServer, tries: int = 3, max_wait_s: float = 0.05, **options: Any) -> SummaryForm:
    return Asker(chat(server, **options), tries, max_wait_s).ask(ASKED, SCHEMA, SummaryForm)


def then(*replies: Reply) -> Any:
    """Answers in turn, and the last one for ever."""
    return lambda _body, number: replies[min(number, len(replies)) - 1]


def test_a_question_says_all_that_the_protocol_wants() -> None:
    with chat_server(then(GOOD)) as server:
        form = ask(server, api_key="k-1")
        assert form.outcome is not None
        assert form.outcome.turns == [4]
        body = server.asked[0]
        assert (body["model"], body["stream"], body["max_tokens"]) == ("fake-1", False, 99)
        assert (body["temperature"], body["top_p"], body["presence_penalty"]) == (0.1, 0.9, 0.0)
        assert [message["role"] for message in body["messages"]] == ["system", "user"]
        assert body["response_format"]["json_schema"]["schema"] == SCHEMA


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_is_found_out_once_and_remembered(dialect: str, tmp_path: Path) -> None:
    with chat_server(then(GOOD), knows=(dialect,)) as server:
        memory = tmp_path / "dialects.json"
        first = chat(server, memory)
        first.ask(ASKED, SCHEMA)
        assert first.dialect == dialect
        assert server.probes == DIALECTS.index(dialect) + 1  # type: ignore[arg-type]
        probes = server.probes
        chat(server, memory).ask(ASKED, SCHEMA)
        assert server.probes == probes
        assert SPOKEN not in memory.read_text()
        assert server.url not in memory.read_text()
        told = server.asked[-1]["messages"][-1]["content"]
        assert ("after this schema" in told) == (dialect == "text")


def test_a_dialect_that_the_server_no_longer_knows_is_found_out_anew(tmp_path: Path) -> None:
    memory = tmp_path / "dialects.json"

    def refuse_schemas(body: Body, _: int) -> Reply:
        return Reply({}, 400) if body.get("response_format", {}).get("type") == "json_schema" else GOOD

    with chat_server(refuse_schemas, knows=("json_object",)) as server:
        DialectMemory(memory).remember(server.url, "fake-1", "json_schema")
        assert chat(server, memory).ask(ASKED, SCHEMA).complete
        assert DialectMemory(memory).recall(server.url, "fake-1") == "json_object"


HEALED = {
    "429": Reply({}, 429, {"Retry-After": "0"}),
    "500": Reply({"error": SPOKEN}, 500),
    "503": Reply(b"busy", 503),
    "dropped": Reply(drop=True),
    "truncated": Reply(json.dumps(completion("{}")).encode()[:20]),
    "cut off": Reply(completion('{"reason": {"turns": [1], "te', "length")),
    "not JSON": Reply(completion("I am happy to help.")),
    "wrong schema": Reply(completion(json.dumps({**SUMMARY, "refund": SPOKEN}))),
    "wrong type": Reply(completion(json.dumps({**SUMMARY, "reason": SPOKEN}))),
    "no choice": Reply({"choices": []}),
}


@pytest.mark.parametrize("fault", HEALED)
def test_what_passes_is_asked_again(fault: str) -> None:
    with chat_server(then(HEALED[fault], GOOD)) as server:
        assert ask(server, dialect="json_schema").sentiment == "positive"
        assert len(server.asked) == 2


def test_every_answer_is_counted_with_its_tokens_and_time() -> None:
    heard: list[tuple[int, int, float]] = []
    times = iter((1.0, 3.0, 4.0, 9.0))

    def on_answer(answer: Answer, took_s: float) -> None:
        heard.append((answer.prompt_tokens, answer.completion_tokens, took_s))

    with chat_server(then(HEALED["wrong schema"], GOOD)) as server:
        asked = chat(server, dialect="json_schema")
        Asker(asked, 2, 0.0, clock=lambda: next(times), on_answer=on_answer).ask(ASKED, SCHEMA, SummaryForm)
    assert heard == [(PROMPT_TOKENS, COMPLETION_TOKENS, 2.0), (PROMPT_TOKENS, COMPLETION_TOKENS, 5.0)]


@pytest.mark.parametrize("usage", [None, [], {}, {"prompt_tokens": "many", "completion_tokens": -3}])
def test_a_server_that_counts_nothing_or_nonsense_counts_as_none(usage: Any) -> None:
    answer = answer_of({**completion("{}"), "usage": usage})
    assert (answer.prompt_tokens, answer.completion_tokens) == (0, 0)


@pytest.mark.parametrize("fault", HEALED)
def test_what_stays_is_raised_after_so_many_tries_without_a_word_of_the_call(fault: str) -> None:
    with chat_server(then(HEALED[fault])) as server:
        with pytest.raises((UnavailableError, AnswerError)) as raised:
            ask(server, dialect="json_schema")
        assert len(server.asked) == 3
        assert SPOKEN not in f"{raised.value!r} {raised.value}"
        assert raised.value.__cause__ is None


def test_a_late_answer_is_given_up() -> None:
    with chat_server(then(Reply(completion("{}"), wait_s=2.0))) as server:
        began_s = time.monotonic()
        with pytest.raises(UnavailableError, match="did not answer within"):
            ask(server, 1, timeout_s=0.3, dialect="json_schema", model="m")
        assert time.monotonic() - began_s < 1.9


def test_an_answer_without_end_is_given_up() -> None:
    with (
        chat_server(then(Reply(endless=True))) as server,
        pytest.raises(AnswerError, match="does not end"),
    ):
        ask(server, 1, dialect="json_schema")


class Waits(threading.Event):
    """Is waited for without any waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.asked.append(timeout or 0.0)
        return False


@pytest.mark.parametrize(
    ("header", "most_s", "low_s", "high_s"),
    [("3", 60.0, 3.0, 3.75), ("900", 60.0, 60.0, 60.0), (None, 60.0, 0.5, 0.625)],
)
def test_retry_after_is_kept_to_and_bounded(header: str | None, most_s: float, low_s: float, high_s: float) -> None:
    busy = Reply({}, 429, {"Retry-After": header} if header else {})
    with chat_server(then(busy, GOOD)) as server:
        waits = Waits()
        Asker(chat(server, dialect="json_schema", model="m"), 2, most_s, waits).ask(ASKED, SCHEMA, SummaryForm)
    assert len(waits.asked) == 1
    assert low_s <= waits.asked[0] <= high_s


def test_waits_grow_where_the_server_names_none() -> None:
    with chat_server(then(Reply({}, 500))) as server:
        waits = Waits()
        with pytest.raises(UnavailableError):
            Asker(chat(server, dialect="json_schema", model="m"), 4, 60.0, waits).ask(ASKED, SCHEMA, SummaryForm)
    assert len(waits.asked) == 3
    assert waits.asked[0] < 1.0 <= waits.asked[1] < 2.0 <= waits.asked[2]


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_key_is_a_setting_to_mend_and_asked_once(status: int) -> None:
    with chat_server(then(Reply({}, status))) as server:
        with pytest.raises(ConfigError, match="api_key"):
            ask(server, dialect="json_schema", api_key="hush-1")
        assert len(server.asked) == 1


def test_a_server_that_is_not_there() -> None:
    gone = LlmOptions(base_url="http://127.0.0.1:9/v1", model="m")
    OPEN.append(HttpChat(gone, Sampling(), DialectMemory(None)))
    asker = Asker(OPEN[-1], 2, 0.01)
    with pytest.raises(UnavailableError, match=r"cannot be reached: ConnectError.*Is the server running"):
        asker.ask(ASKED, SCHEMA, SummaryForm)


def test_stop_ends_a_wait() -> None:
    with chat_server(then(Reply({}, 429, {"Retry-After": "30"}))) as server:
        stop = threading.Event()
        asker = Asker(chat(server, dialect="json_schema", model="m"), 5, 60.0, stop)
        threading.Timer(0.3, stop.set).start()
        began_s = time.monotonic()
        with pytest.raises(UnavailableError):
            asker.ask(ASKED, SCHEMA, SummaryForm)
        assert time.monotonic() - began_s < 20.0


@pytest.mark.parametrize("path", ["/tokenize", "/extras/tokenize/count", None])
def test_tokens_are_counted_by_the_server_where_it_can(path: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    with chat_server(then(GOOD)) as server:
        reply = server.reply
        answers = {"/tokenize": {"tokens": [1, 2, 3]}, "/extras/tokenize/count": {"count": 3}}
        monkeypatch.setattr(
            server, "reply", lambda at, body: Reply(answers[at]) if at == path else reply(at, body), raising=True
        )
        assert chat(server).count_tokens("abc def ghi") == (3 if path else 4)


def test_the_key_shows_nowhere() -> None:
    options = LlmOptions(base_url="http://127.0.0.1:9/v1", api_key="hush-1")
    assert "hush-1" not in repr(options)
