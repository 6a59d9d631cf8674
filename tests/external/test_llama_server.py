"""The wire protocol against a real server of llama.cpp with SmolLM2-135M-Instruct, and the same model in a process.

llama-cpp-python is built from source in ten minutes, so it lies in an environment of its own: `make .venv-llama`, or
name its Python by CALLWRIGHT_LLAMA_PYTHON. Without it these tests are skipped.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from asr.fetch import Access, fetch
from asr.models import Registry, cache_folder
from compliance.options import RedactionOptions
from compliance.redactor import Redactor
from compliance.tagging import Tagger
from configs.load import load
from llm.asking import Asker
from llm.client import HttpChat
from llm.dialects import DialectMemory
from llm.form import SummaryForm, summary_schema
from llm.ground import Grounds
from llm.options import LlmOptions, Sampling
from llm.summarise import ModelSummariser
from llm.types import Message
from tests.benchmarks.grounding.samples import transcript

ROOT = Path(__file__).parents[2]
PYTHON = Path(os.environ.get("CALLWRIGHT_LLAMA_PYTHON", ROOT / ".venv-llama/bin/python"))
MODEL = "smollm2-135m-instruct"
ASKED = (
    Message("system", "You summarise a call as JSON. The categories are: order."),
    Message("user", "[0] customer: I would like to order a bench.\n[1] agent: I have placed your order."),
)
SCHEMA = summary_schema(("order",))

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason=f"no llama-cpp-python: {PYTHON} is not there")


@pytest.fixture(scope="module")
def gguf() -> Path:
    options = load(None, [], os.environ, Path(os.devnull)).models
    local = fetch(Registry.load(None).get(MODEL), cache_folder(options), Access(options.offline))
    return next(local.folder.glob("*.gguf"))


@pytest.fixture(scope="module")
def server(gguf: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [PYTHON, "-m", "llama_cpp.server", "--model", gguf, "--model_alias", "smollm2", "--port", str(port)]
    process = subprocess.Popen(
        [*map(str, command), "--n_ctx", "2048", "--n_threads", "2"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}/v1"
    try:
        for _ in range(600):
            assert process.poll() is None, "the server ended"
            try:
                if httpx.get(f"{url}/models", timeout=5.0).status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.2)
        yield url
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def chat(server: str, tmp_path: Path) -> Iterator[HttpChat]:
    options = LlmOptions(base_url=server, context_tokens=2_048, timeout_s=300.0)
    made = HttpChat(options, Sampling(temperature=0.0, max_tokens=160), DialectMemory(tmp_path / "dialects.json"))
    yield made
    made.close()


def test_the_model_is_listed_and_its_dialect_found_out(chat: HttpChat) -> None:
    assert chat.name == "smollm2"
    assert chat.dialect == "json_object", "the one of its two that this server keeps to"


def test_its_answers_are_after_the_schema(chat: HttpChat) -> None:
    form = Asker(chat, 3, 1.0).ask(ASKED, SCHEMA, SummaryForm)
    assert set(form.categories) <= {"order"}


def test_tokens_are_the_models_own(chat: HttpChat) -> None:
    assert chat.count_tokens("order order order order") in (4, 5)


def test_its_grammar_is_one_that_llama_cpp_reads() -> None:
    told = "import sys; from llama_cpp import LlamaGrammar; LlamaGrammar.from_string(sys.stdin.read(), verbose=False)"
    from llm.gbnf import grammar

    read = subprocess.run([PYTHON, "-c", told], input=grammar(SCHEMA), text=True, capture_output=True, check=False)
    assert read.returncode == 0, read.stderr


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
    summary = ModelSummariser(Asker(chat, 3, 1.0), tagger, rewrite, ("order",), "greedy", 160)(said)
    assert summary.method == "model:smollm2/summary-1/greedy"
    grounds = Grounds.of(said, tagger)
    assert all(grounds.faults(name, finding) == () for name, finding in summary.findings())


EMBEDDED = """
import json, sys
from llm.asking import Asker
from llm.embedded import EmbeddedChat
from llm.form import SummaryForm, summary_schema
from llm.options import LlmOptions, Sampling
from llm.types import Message
options = LlmOptions(gguf=sys.argv[1], context_tokens=2048, kv_cache=sys.argv[2])
chat = EmbeddedChat.load(options, Sampling(temperature=0.0, max_tokens=160), 2)
asked = (Message("user", "[0] customer: I would like to order a bench."),)
form = Asker(chat, 2, 0.0).ask(asked, summary_schema(("order",)), SummaryForm)
print(json.dumps([chat.name, chat.count_tokens("order order"), form.sentiment]))
"""


@pytest.mark.parametrize("kv_cache", ["f16", "q8_0"])
def test_the_same_model_in_a_process_of_ours(gguf: Path, kv_cache: str) -> None:
    told = subprocess.run(
        [PYTHON, "-c", EMBEDDED, gguf, kv_cache],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr[-2000:]
    name, tokens, sentiment = json.loads(told.stdout.splitlines()[-1])
    assert (name, sentiment in ("positive", "neutral", "negative")) == (gguf.stem, True)
    assert tokens in (2, 3)


def test_without_the_extra_it_is_said_what_to_install(gguf: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-c", EMBEDDED, gguf, "f16"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Install the extra" in told.stderr
