"""A JSON schema as a grammar of llama.cpp, for servers that take nothing else.

The notation is that of llama.cpp's grammars/README.md. Of JSON Schema it knows what our own schemas use.
"""

from __future__ import annotations

import json
from typing import Any

from llm.types import Schema

_TERMINALS = r"""
char ::= [^"\\\x00-\x1F] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4})
integer ::= "-"? ([0-9] | [1-9] [0-9]{1,8})
boolean ::= "true" | "false"
null ::= "null"
ws ::= " "?
"""


def grammar(schema: Schema) -> str:
    """The grammar whose root is a value after the schema. Raises ValueError for a schema that it cannot tell.

    >>> print(grammar({"type": "boolean"}).splitlines()[0])
    root ::= boolean
    """
    rules: list[str] = []
    root = _rule(schema, rules)
    return "\n".join([f"root ::= {root}", *rules]) + _TERMINALS


def _rule(schema: Schema, rules: list[str]) -> str:
    """What stands for a schema in a rule; its own rules are added."""
    if "enum" in schema:
        return "(" + " | ".join(_literal(json.dumps(value)) for value in schema["enum"]) + ")"
    if "anyOf" in schema:
        return "(" + " | ".join(_rule(choice, rules) for choice in schema["anyOf"]) + ")"
    match schema.get("type"):
        case "object":
            body = _object(schema["properties"], rules)
        case "array":
            body = _array(schema, rules)
        case "string":
            body = rf'"\"" char{_at_most(schema.get("maxLength"))} "\""'
        case "integer" | "boolean" | "null" as kind:
            return str(kind)
        case other:
            raise ValueError(f"no grammar for a schema of type {other!r}")
    rules.append(f"rule{len(rules)} ::= {body}")
    return f"rule{len(rules) - 1}"


def _object(properties: dict[str, Any], rules: list[str]) -> str:
    """All properties in their order: that one order is enough for a writer."""
    pairs = [f'{_literal(json.dumps(name))} ws ":" ws {_rule(kind, rules)}' for name, kind in properties.items()]
    return '"{" ws ' + ' ws "," ws '.join(pairs) + ' ws "}"'


def _array(schema: Schema, rules: list[str]) -> str:
    item = _rule(schema["items"], rules)
    most = schema.get("maxItems")
    listed = f'{item} (ws "," ws {item}){_at_most(most and most - 1)}'
    return f'"[" ws {listed} ws "]"' if schema.get("minItems") else f'"[" ws ({listed})? ws "]"'


def _at_most(count: int | None) -> str:
    """So often, or as often as one likes."""
    return "*" if count is None else f"{{0,{count}}}"


def _literal(text: str) -> str:
    return json.dumps(text)
