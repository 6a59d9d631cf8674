"""A GGUF model in this process, by llama-cpp-python, which the extra `llama` brings."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from asr.errors import ConfigError
from llm.errors import AnswerError
from llm.options import LlmOptions, Sampling
from llm.types import Answer, Message, Schema

_KV_TYPES = {"f16": 1, "q8_0": 8, "q4_0": 2}
"""ggml's numbers of these types (ggml.h, enum ggml_type)."""


class EmbeddedChat:
    """A model of a file. One question at a time: it has one context."""

    def __init__(self, llama: Any, name: str, options: LlmOptions, sampling: Sampling) -> None:
        self._llama = llama
        self._options = options
        self._sampling = sampling
        self._lock = threading.Lock()
        self.name = name

    @classmethod
    def load(cls, options: LlmOptions, sampling: Sampling, threads: int) -> EmbeddedChat:
        """Map the file into memory. Raises ConfigError if it is none that llama.cpp reads, or the extra is missing."""
        try:
            from llama_cpp import Llama
        except ImportError:
            raise ConfigError(
                "llm.gguf needs the package llama-cpp-python",
                "Install the extra: pip install '.[llama]' (docs/summaries.md)",
            ) from None
        kv = _KV_TYPES[options.kv_cache]
        try:
            llama = Llama(
                model_path=options.gguf,
                n_ctx=options.context_tokens,
                n_threads=threads,
                n_threads_batch=threads,
                type_k=kv,
                type_v=kv,
                flash_attn=options.kv_cache != "f16",  # llama.cpp keeps V in other types only with it
                use_mmap=True,
                verbose=False,
            )
        except (ValueError, OSError) as error:
            raise ConfigError(f"llama.cpp cannot load {options.gguf}", "Set llm.gguf to a GGUF file") from error
        return cls(llama, Path(options.gguf).stem, options, sampling)

    @property
    def context_tokens(self) -> int:
        """Tokens that question and answer may have together."""
        return self._options.context_tokens

    def ask(self, messages: Sequence[Message], schema: Schema) -> Answer:
        """Answer after the schema, by llama.cpp's grammar. Raises AnswerError if the question is too long."""
        try:
            with self._lock:
                found = self._llama.create_chat_completion(
                    [{"role": one.role, "content": one.content} for one in messages],
                    response_format={"type": "json_object", "schema": dict(schema)},
                    temperature=self._sampling.temperature,
                    top_p=self._sampling.top_p,
                    presence_penalty=self._sampling.presence_penalty,
                    max_tokens=self._sampling.max_tokens,
                )
        except (ValueError, RuntimeError) as error:
            # Its message says how many tokens, and nothing of the text; of others that is not known.
            raise AnswerError(
                f"llama.cpp refused the question: {type(error).__name__}", "Raise llm.context_tokens"
            ) from None
        choice = found["choices"][0]
        return Answer(choice["message"]["content"] or "", complete=choice["finish_reason"] != "length")

    def count_tokens(self, text: str) -> int:
        """Tokens by the model's own tokenizer."""
        with self._lock:
            return len(self._llama.tokenize(text.encode(), add_bos=False, special=False))
