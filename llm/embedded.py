"""A GGUF model in this process, behind llama.cpp's own server, which the extra `llama` brings (xllamacpp)."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from asr.errors import ConfigError
from llm.client import HttpChat
from llm.dialects import DialectMemory
from llm.options import LlmOptions, Sampling
from llm.types import Answer, Message, Schema


class EmbeddedChat:
    """A model of a file. One question at a time: it has one context, and `llm.timeout_s` is an answer's own.

    Its server listens on this machine alone, on a port that is free, and asks for a key that nobody else knows.
    """

    def __init__(self, server: Any, http: HttpChat) -> None:
        self._server = server  # ends with the last that holds it
        self._http = http
        self._lock = threading.Lock()

    @classmethod
    def load(cls, options: LlmOptions, sampling: Sampling, threads: int) -> EmbeddedChat:
        """Map the file into memory. Raises ConfigError if it is none that llama.cpp reads, or the extra is missing."""
        try:
            import xllamacpp
        except ImportError:
            raise ConfigError(
                "llm.gguf needs the package xllamacpp", "Install the extra: pip install '.[llama]' (docs/summaries.md)"
            ) from None
        kv = getattr(xllamacpp.ggml_type, f"GGML_TYPE_{options.kv_cache.upper()}")
        key = secrets.token_hex(16)
        params = xllamacpp.CommonParams()
        params.model.path = options.gguf
        params.n_ctx, params.n_parallel = options.context_tokens, 1
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
        params.cache_type_k = params.cache_type_v = kv
        params.cache_ram_mib = 0  # calls have nothing in common but the prompt, which the context itself keeps
        params.port, params.api_keys = 0, [key]
        params.ui, params.endpoint_slots, params.verbosity = False, False, -1
        try:
            server = xllamacpp.Server(params)
        except (RuntimeError, ValueError) as error:
            raise ConfigError(f"llama.cpp cannot load {options.gguf}", "Set llm.gguf to a GGUF file") from error
        served = {"base_url": f"{server.listening_address}/v1", "api_key": key, "model": Path(options.gguf).stem}
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
        self._server = None
