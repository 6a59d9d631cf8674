"""A language model behind OpenAI's chat protocol: vLLM, TGI, Ollama, TensorRT-LLM, llama.cpp and their like.

One try a call; who tries again is llm.asking. No error quotes what a server answered, which may repeat what was asked.
"""

from __future__ import annotations

import json
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from asr.errors import ConfigError
from llm.dialects import DIALECTS, PROBE, PROBE_SCHEMA, DialectMemory, fields, holds, told
from llm.errors import AnswerError, UnavailableError
from llm.options import DialectName, LlmOptions, Sampling
from llm.types import Answer, Message, Schema

_MOST_BYTES = 4 * 1024 * 1024
"""Of one answer; 32,768 tokens are a twentieth of it."""

_CONNECT_S = 10.0
_BYTES_PER_TOKEN = 3.0
"""Where no tokenizer can be asked. English has 4 or more, so that a call is cut rather too often than too late."""

_PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_NO_DIALECT = frozenset({400, 404, 415, 422, 500, 501})
"""What servers say to a schema in words that they do not know."""


class HttpChat:
    """A model at a server. Connections are shared by all threads that ask, and closed with the object."""

    def __init__(
        self,
        options: LlmOptions,
        sampling: Sampling,
        memory: DialectMemory,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._options = options
        self._sampling = sampling
        self._memory = memory
        self._clock = clock
        self._lock = threading.Lock()
        self._name = options.model
        self._dialect: DialectName | None = None if options.dialect == "auto" else options.dialect
        self._recalled = False
        self._counter: str | None = None
        """The path that counts tokens: "" if the server has none, None until it was asked."""
        self._http = httpx.Client(
            headers={"Authorization": f"Bearer {options.api_key}"} if options.api_key else {},
            timeout=httpx.Timeout(options.timeout_s, connect=min(_CONNECT_S, options.timeout_s)),
            verify=options.base_url.startswith("https"),  # reading all certificates takes half a second
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=256),
        )
        # For who holds it as long as the process lasts, and has nobody who closes it.
        weakref.finalize(self, self._http.close)

    @property
    def name(self) -> str:
        """The model's name; the server is asked for it if none is set. Raises UnavailableError or ConfigError."""
        if not self._name:
            if not (listed := self.models()):
                raise ConfigError(f"the server at {self._base} lists no model", "Set llm.model")
            self._name = listed[0]
        return self._name

    def models(self) -> list[str]:
        """The models that the server lists. Raises UnavailableError, ConfigError or AnswerError."""
        found = self._exchange("GET", f"{self._base}/models", None)
        listed = found.get("data") if isinstance(found, dict) else None
        return [str(one.get("id", "")) for one in listed or () if isinstance(one, dict)]

    @property
    def context_tokens(self) -> int:
        """Tokens that question and answer may have together."""
        return self._options.context_tokens

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def ask(self, messages: Sequence[Message], schema: Schema) -> Answer:
        """Ask once, in the server's dialect, which is found out first. Errors are those of llm.types.Chat."""
        dialect = self._settled()
        try:
            return self._complete(messages, schema, dialect, self._sampling.max_tokens)
        except AnswerError:
            # A server that was changed since its dialect was remembered refuses it.
            if not self._recalled:
                raise
        with self._lock:
            self._recalled, self._dialect = False, None
            self._memory.remember(self._base, self.name, None)
        return self._complete(messages, schema, self._settled(), self._sampling.max_tokens)

    def count_tokens(self, text: str) -> int:
        """Tokens by the server's own tokenizer, or by the text's length where the server has no path for that."""
        root = self._base.removesuffix("/v1")
        # llama.cpp, vLLM and TGI each look for the text under a name of their own.
        asks: dict[str, dict[str, Any]] = {
            f"{root}/tokenize": {"content": text, "prompt": text, "inputs": text, "model": self.name},
            f"{root}/extras/tokenize/count": {"input": text, "model": self.name},
        }
        for path in asks if self._counter is None else {self._counter} & asks.keys():
            if (counted := self._counted(path, asks[path])) is not None:
                self._counter = path
                return counted
        self._counter = self._counter or ""
        return round(len(text.encode()) / _BYTES_PER_TOKEN)

    @property
    def dialect(self) -> DialectName:
        """How the server is held to a schema. Raises UnavailableError or ConfigError if it has to be found out."""
        return self._settled()

    @property
    def _base(self) -> str:
        return self._options.base_url.rstrip("/")

    def _counted(self, path: str, body: dict[str, Any]) -> int | None:
        try:
            found: Any = self._exchange("POST", path, body)
        except (AnswerError, ConfigError):
            return None
        if isinstance(found, dict):
            found = found.get("count", found.get("tokens"))
        if isinstance(found, list):
            return len(found)
        return found if isinstance(found, int) else None

    def _settled(self) -> DialectName:
        with self._lock:
            if self._dialect is None:
                self._dialect = self._memory.recall(self._base, self.name)
                self._recalled = self._dialect is not None
            if self._dialect is None:
                self._dialect = self._probe()
                self._memory.remember(self._base, self.name, self._dialect)
            return self._dialect

    def _probe(self) -> DialectName:
        """The first dialect that holds the model to a schema; the last one, which does not, if it answers at all."""
        for dialect in DIALECTS:
            try:
                answer = self._complete(PROBE, PROBE_SCHEMA, dialect, 48)
            except UnavailableError as error:
                if error.status not in _NO_DIALECT or dialect == DIALECTS[-1]:
                    raise
                continue
            except AnswerError:
                continue
            if holds(answer.text):
                return dialect
        return DIALECTS[-1]

    def _complete(self, messages: Sequence[Message], schema: Schema, dialect: DialectName, most: int) -> Answer:
        body = {
            "model": self.name,
            "messages": told(dialect, messages, schema),
            "temperature": self._sampling.temperature,
            "top_p": self._sampling.top_p,
            "presence_penalty": self._sampling.presence_penalty,
            "max_tokens": most,
            "stream": False,
            **fields(dialect, schema),
        }
        return answer_of(self._exchange("POST", f"{self._base}/chat/completions", body))

    def _exchange(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        """One request; its JSON if the server took it."""
        deadline_s = self._clock() + self._options.timeout_s
        remedy = "Is the server running, and llm.base_url its address?"
        try:
            with self._http.stream(method, path, json=body) as response:
                read = self._read(response, deadline_s)
        except httpx.TimeoutException:
            late = f"{self._base} did not answer within {self._options.timeout_s:g} s"
            raise UnavailableError(
                late, "Raise llm.timeout_s, or ask for less at once: summarise.concurrency"
            ) from None
        except httpx.TransportError as error:
            raise UnavailableError(f"{self._base} cannot be reached: {type(error).__name__}", remedy) from None
        if response.status_code != 200:
            raise self._refused(response)
        try:
            return json.loads(read)
        except (ValueError, RecursionError):
            raise AnswerError("the server's answer is not JSON, or was cut off", remedy) from None

    def _read(self, response: httpx.Response, deadline_s: float) -> bytes:
        """The body, as long as it ends in time and within bounds."""
        pieces, held = [], 0
        for piece in response.iter_bytes():
            pieces.append(piece)
            held += len(piece)
            if held > _MOST_BYTES or self._clock() > deadline_s:
                raise AnswerError("the server's answer does not end", "Lower max_tokens of the preset")
        return b"".join(pieces)

    def _refused(self, response: httpx.Response) -> Exception:
        status = response.status_code
        said = f"{self._base} answered with status {status}"
        if status in (401, 403):
            return ConfigError(said, "Check llm.api_key")
        if status in _PASSING:
            return UnavailableError(
                said, "The server's log says why", _wait_s(response.headers.get("retry-after")), status
            )
        return AnswerError(said, "Check llm.base_url, llm.model, and that llm.context_tokens is what the server has")


def answer_of(completion: Any) -> Answer:
    """What a chat completion of OpenAI's protocol tells. Raises AnswerError if it is none, or holds no text."""
    try:
        choice = completion["choices"][0]
        text, ended = choice["message"]["content"], choice.get("finish_reason")
    except (KeyError, IndexError, TypeError, AttributeError):
        raise AnswerError("the server's answer is not a chat completion", "Check llm.base_url") from None
    if not isinstance(text, str):
        raise AnswerError("the server's answer holds no text", "Check llm.model")
    usage = completion.get("usage")
    prompt, written = (_count(usage, f"{part}_tokens") for part in ("prompt", "completion"))
    return Answer(text, ended != "length", prompt, written)


def _count(usage: Any, name: str) -> int:
    """A count of an answer's usage; 0 if the server does not tell it, or nonsense."""
    count = usage.get(name) if isinstance(usage, dict) else None
    return count if isinstance(count, int) and count > 0 else 0


def _wait_s(retry_after: str | None) -> float | None:
    """Seconds that a Retry-After header asks for (RFC 9110, 10.2.3: seconds or a date), None if it says neither.

    >>> _wait_s("2"), _wait_s("soon"), _wait_s("Wed, 21 Oct 2015 07:28:00 GMT")
    (2.0, None, 0.0)
    """
    if retry_after is None:
        return None
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        until = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, (until - datetime.now(UTC)).total_seconds())
