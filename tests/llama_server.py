"""llama.cpp's own server, as tests and benchmarks ask it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from llm.llama_server import LlamaServer, Serving


@contextmanager
def llama_server(
    gguf: Path, context_tokens: int = 2_048, kv_cache: str = "f16", at_once: int = 1, threads: int = 1
) -> Iterator[LlamaServer]:
    """A server of that file until the block ends; each of `at_once` conversations has so many tokens.

    One thread, unless told: two that share a core with others wait for each other.
    """
    with closing(LlamaServer(Serving(str(gguf), context_tokens, kv_cache, threads, at_once))) as server:
        yield server
