"""llama.cpp's own server with SmolLM2-135M-Instruct, over the wire and in this process.

The model is weak, and its words differ from CPU to CPU: nothing here hangs on them. Schemas bound its answers' length.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from asr.errors import ConfigError
from asr.fetch import Access, fetch
from asr.models import Registry, cache_folder
from compliance.options import RedactionOptions
from compliance.redactor import Redactor
from compliance.tagging import Tagger
from configs.load import load
from flows.language_model import chat_of
from llm.asking import Asker
from llm.client import HttpChat
from llm.dialects import PROBE, PROBE_SCHEMA, DialectMemory, holds
from llm.embedded import EmbeddedChat
from llm.errors import AnswerError
from llm.form import AnswerForm, SummaryForm, answer_schema, summary_schema
from llm.ground import Grounds
from llm.options import LlmOptions, Sampling
from llm.summarise import ModelSummariser
from llm.types import Answer, Message
from tests.benchmarks.grounding.samples import transcript
from tests.llama_server import llama_server

CALL = "[0] customer: I would like to order a bench.\n[1] agent: I have placed your order."
ASKED = (Message("system", "You summarise a call as JSON."), Message("user", CALL))
GREEDY = Sampling(temperature=0.0, max_tokens=2_000)
CONTEXT = 4_096


@pytest.fixture(scope="module")
def gguf() -> Path:
    options = load(None, [], os.environ, Path(os.devnull)).models
    local = fetch(Registry.load(None).get("smollm2-135m-instruct"), cache_folder(options), Access(options.offline))
    return next(local.folder.glob("*.gguf"))


@pytest.fixture(scope="module")
def server(gguf: Path) -> Iterator[str]:
    with llama_server(gguf, CONTEXT) as served:
        yield served.url


@pytest.fixture
def chat(server: str) -> Iterator[HttpChat]:
    with closing(chat_at(server)) as made:
        yield made


def chat_at(server: str, dialect: str = "auto") -> HttpChat:
    set_ = {"base_url": server, "context_tokens": CONTEXT, "timeout_s": 300.0, "dialect": dialect}
    return HttpChat(LlmOptions.model_validate(set_), GREEDY, DialectMemory(None))


def embedded(gguf: Path, context_tokens: int = 2_048, kv_cache: str = "f16") -> EmbeddedChat:
    set_ = {"gguf": str(gguf), "context_tokens": context_tokens, "kv_cache": kv_cache, "timeout_s": 300.0}
    return EmbeddedChat.load(LlmOptions.model_validate(set_), GREEDY, threads=1)


def test_the_model_is_listed_and_its_dialect_found_out(chat: HttpChat, gguf: Path) -> None:
    assert chat.name == gguf.stem
    assert chat.dialect == "json_schema", "the first of the three that this server keeps to"


@pytest.mark.parametrize("dialect", ["json_schema", "json_object", "gbnf"])
def test_it_is_held_to_our_schemas(server: str, dialect: str) -> None:
    with closing(chat_at(server, dialect)) as chat:
        assert holds(chat.ask(PROBE, PROBE_SCHEMA).text)
        form = Asker(chat, 1, 0.0).ask(ASKED, answer_schema(), AnswerForm)
    assert form.answer is None or form.answer.turns


def test_by_words_alone_it_is_not(server: str) -> None:
    with closing(chat_at(server, "text")) as chat:
        assert not holds(chat.ask(PROBE, PROBE_SCHEMA).text)


def test_a_summary_is_after_the_schema_and_its_tokens_are_told(chat: HttpChat) -> None:
    told: list[Answer] = []
    asker = Asker(chat, 1, 0.0, on_answer=lambda answer, _: told.append(answer))
    form = asker.ask(ASKED, summary_schema(("order",)), SummaryForm)
    assert set(form.categories) <= {"order"}
    [answer] = told
    letters = len(answer.text.encode())
    assert 0.8 * chat.count_tokens(answer.text) < answer.completion_tokens <= letters + 1, (
        "held to a form, words are cut"
    )
    assert answer.prompt_tokens > chat.count_tokens(CALL)


def test_tokens_are_the_models_own(chat: HttpChat) -> None:
    assert chat.count_tokens("order order order order") == 4


def test_a_question_that_is_too_long_is_refused(chat: HttpChat) -> None:
    with pytest.raises(AnswerError, match=r"llm\.context_tokens"):
        chat.ask((Message("user", "order " * (CONTEXT + 10)),), answer_schema())


@pytest.mark.long
def test_nothing_that_it_invents_is_published(chat: HttpChat, ner_model_dir: Path) -> None:
    """However weak the model: what is left of its answer is borne out, and the rest is marked."""
    said = transcript(
        [
            ("agent", "Green Valley Garden Supply, how can I help?"),
            ("customer", "I would like to order the wooden garden bench."),
            ("agent", "I have placed your order. It is two hundred and forty dollars, and it comes on Thursday."),
        ]
    )
    tagger = Tagger.load(ner_model_dir)
    rewrite = Redactor.load(ner_model_dir, RedactionOptions()).rewrite
    summarise = ModelSummariser(Asker(chat, 2, 0.0), tagger, rewrite, ("order",), "greedy", GREEDY.max_tokens)
    summary = summarise(said)
    assert summary.method == f"model:{chat.name}/summary-1/greedy"
    grounds = Grounds.of(said, tagger)
    assert all(grounds.faults(name, finding) == () for name, finding in summary.findings())


@pytest.mark.parametrize("kv_cache", ["f16", "q8_0", "q4_0"])
def test_the_same_model_in_a_process_of_ours(gguf: Path, kv_cache: str) -> None:
    with closing(embedded(gguf, kv_cache=kv_cache)) as chat:
        Asker(chat, 1, 0.0).ask(ASKED, answer_schema(), AnswerForm)
        assert (chat.name, chat.count_tokens("order order")) == (gguf.stem, 2)
        with pytest.raises(AnswerError):
            chat.ask((Message("user", "order " * 3_000),), answer_schema())


def test_two_in_one_process_end_each_for_itself(gguf: Path) -> None:
    """As where the second reader and the summaries have the same model."""
    with closing(embedded(gguf, 512)) as first:
        with closing(embedded(gguf, 512)) as second:
            assert second.count_tokens("order") == 1
        Asker(first, 1, 0.0).ask(PROBE, answer_schema(), AnswerForm)


def test_nobody_else_is_answered(gguf: Path) -> None:
    with closing(embedded(gguf, 512)) as chat:
        url = chat._http._options.base_url
        for path, body in (("/chat/completions", {"messages": []}), ("/completions", {"prompt": "order"})):
            assert httpx.post(url + path, json=body, timeout=60.0).status_code == 401
        root = url.removesuffix("/v1")
        assert url.startswith("http://127.0.0.1:")
        assert httpx.get(f"{root}/slots", timeout=60.0).status_code == 401
        assert httpx.get(root, timeout=60.0).status_code in (401, 404), "no page to ask by"


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF, and then nothing of the kind")
    for path in (broken, tmp_path / "nowhere.gguf"):
        with pytest.raises(ConfigError, match=path.name):
            embedded(path)


def test_without_the_extra_it_is_said_what_to_install(gguf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(ConfigError, match="Install the extra"):
        embedded(gguf)


def test_settings_name_the_file_by_the_models_id(tmp_path: Path) -> None:
    named = ["llm.gguf=smollm2-135m-instruct", "llm.threads=1", "llm.context_tokens=512"]
    settings = load(None, named, os.environ, Path(os.devnull))
    with chat_of(settings, tmp_path, GREEDY) as chat:
        assert chat.count_tokens("order") == 1
