"""How servers are held to a JSON schema: each in its own words, found out once by asking and then remembered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

from llm.gbnf import grammar
from llm.options import DialectName
from llm.types import Message, Schema

DIALECTS: tuple[DialectName, ...] = get_args(DialectName)
"""In the order in which they are tried: what most servers know first, and what holds nobody to anything last."""

PROBE_SCHEMA: Schema = {
    "type": "object",
    "properties": {"probe": {"type": "string", "enum": ["k7-held"], "maxLength": 9}},
    "required": ["probe"],
    "additionalProperties": False,
}
"""With what our schemas use, so that a dialect in which a server refuses that is not chosen."""
PROBE = (Message("user", "Say hello to me in one short sentence."),)
"""Nobody who is not held to the schema answers this as the schema wants it."""


def fields(dialect: DialectName, schema: Schema) -> dict[str, Any]:
    """What a request says beside its messages to have its answer after the schema."""
    asked: dict[str, Any]
    match dialect:
        case "json_schema":  # OpenAI; llama.cpp, vLLM, TGI 3, Ollama, TensorRT-LLM
            named = {"name": "answer", "strict": True, "schema": schema}
            asked = {"response_format": {"type": "json_schema", "json_schema": named}}
        case "json_object":  # llama.cpp, llama-cpp-python
            asked = {"response_format": {"type": "json_object", "schema": schema}}
        case "structured_outputs":  # vLLM from 0.11
            asked = {"structured_outputs": {"json": schema}}
        case "guided_json":  # vLLM before
            asked = {"guided_json": schema}
        case "tgi":  # TGI before 3
            asked = {"response_format": {"type": "json", "value": schema}}
        case "gbnf":  # llama.cpp from its first days
            asked = {"grammar": grammar(schema)}
        case "text":
            asked = {}
    return asked


def told(dialect: DialectName, messages: Sequence[Message], schema: Schema) -> list[dict[str, str]]:
    """The messages of a request; a server that cannot be held to the schema is at least told of it."""
    plain = [{"role": message.role, "content": message.content} for message in messages]
    if dialect == "text":
        plain[-1]["content"] += f"\n\nAnswer with JSON alone, after this schema: {json.dumps(schema)}"
    return plain


def holds(text: str) -> bool:
    """Whether the probe's answer is what only the schema can have brought about."""
    with suppress(ValueError):
        return bool(json.loads(text) == {"probe": "k7-held"})
    return False


class DialectMemory:
    """Which dialect a server's model was found to keep to, in a file that may be deleted at any time."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def recall(self, base_url: str, model: str) -> DialectName | None:
        """The dialect that was found, None if none was."""
        found = self._read().get(_key(base_url, model))
        return next((name for name in DIALECTS if name == found), None)

    def remember(self, base_url: str, model: str, dialect: DialectName | None) -> None:
        """Keep what was found, or forget it."""
        if self._path is None:
            return
        known = {key: value for key, value in self._read().items() if key != _key(base_url, model)}
        if dialect is not None:
            known[_key(base_url, model)] = dialect
        with suppress(OSError):  # it is asked again then
            self._path.parent.mkdir(parents=True, exist_ok=True)
            half = self._path.with_suffix(".new")
            half.write_text(json.dumps(known, indent=1), encoding="utf-8")
            half.replace(self._path)

    def _read(self) -> Mapping[str, str]:
        if self._path is None:
            return {}
        with suppress(OSError, ValueError):
            known = json.loads(self._path.read_text(encoding="utf-8"))
            return known if isinstance(known, dict) else {}
        return {}


def _key(base_url: str, model: str) -> str:
    return hashlib.sha256(f"{base_url}|{model}".encode()).hexdigest()[:16]
