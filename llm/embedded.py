"""A GGUF model of this machine, behind llama.cpp's own server."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence
from pathlib import Path

from llm.client import HttpChat
from llm.dialects import DialectMemory
from llm.llama_server import LlamaServer, Serving
from llm.options import LlmOptions, Sampling
from llm.types import Answer, Message, Schema


class EmbeddedChat:
    """A model of a file. One question at a time: it has one context, and `llm.timeout_s` is an answer's own.

    Its server listens on this machine alone, on a port that is free, and asks for a key that nobody else knows.
    """

    def __init__(self, server: LlamaServer, http: HttpChat) -> None:
        self._server = server
        self._http = http
        self._lock = threading.Lock()

    @classmethod
    def load(cls, options: LlmOptions, sampling: Sampling, threads: int) -> EmbeddedChat:
        """Map the file into memory. Raises ConfigError if it is none that llama.cpp reads, or the extra is missing."""
        key = secrets.token_hex(16)
        server = LlamaServer(Serving(options.gguf, options.context_tokens, options.kv_cache, threads, key=key))
        served = {"base_url": server.url, "api_key": key, "model": Path(options.gguf).stem}
        own = options.model_copy(update={**served, "dialect": "json_schema"})
        return cls(server, HttpChat(own, sampling, DialectMemory(None)))

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self._http.name

    @property
    def context_tokens(self) -> int:
        """Tokens that question and answer may have together."""
        return self._http.context_tokens

    def ask(self, messages: Sequence[Message], schema: Schema) -> Answer:
        """Answer after the schema. Errors are those of llm.types.Chat."""
        with self._lock:
            return self._http.ask(messages, schema)

    def count_tokens(self, text: str) -> int:
        """Tokens by the model's own tokenizer."""
        return self._http.count_tokens(text)

    def close(self) -> None:
        """End the server."""
        self._http.close()
        self._server.close()
