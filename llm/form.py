"""The form in which a model tells of a call, as a JSON schema to hold it to and as a type to read it by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from llm.types import Schema, Sentiment

MOST_ACTIONS = 4
_MOST_TURNS = 6
MOST_CHARACTERS = 600
"""Of one statement: two long sentences."""


class Statement(BaseModel):
    """What a model says, and the turns that it says it of. Turns come first, so that it looks before it writes."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    turns: list[int] = Field(max_length=50)
    text: str = Field(repr=False, max_length=MOST_CHARACTERS)


class SummaryForm(BaseModel):
    """A summary as a model gives it."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    reason: Statement | None = None
    outcome: Statement | None = None
    actions: list[Statement] = Field([], max_length=20)
    follow_up: Statement | None = None
    sentiment: Sentiment = Sentiment.NEUTRAL
    categories: list[str] = Field([], max_length=50)


class AnswerForm(BaseModel):
    """The answer to a question; null if the call does not tell it."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    answer: Statement | None


def answer_schema() -> Schema:
    """The JSON schema of AnswerForm."""
    return object_schema({"answer": {"anyOf": [_statement(), {"type": "null"}]}})


def summary_schema(categories: Sequence[str]) -> Schema:
    """The JSON schema of SummaryForm, with these categories alone, in one piece: not all servers follow references."""
    statement = _statement()
    maybe = {"anyOf": [statement, {"type": "null"}]}
    named = {"type": "array", "items": {"type": "string", "enum": list(categories)}, "maxItems": len(categories)}
    return object_schema(
        {
            "reason": maybe,
            "outcome": maybe,
            "actions": {"type": "array", "items": statement, "maxItems": MOST_ACTIONS},
            "follow_up": maybe,
            "sentiment": {"type": "string", "enum": [feeling.value for feeling in Sentiment]},
            **({"categories": named} if categories else {}),
        }
    )


def _statement() -> dict[str, Any]:
    return object_schema(
        {
            "turns": {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": _MOST_TURNS},
            "text": {"type": "string", "maxLength": MOST_CHARACTERS},
        }
    )


def object_schema(properties: dict[str, Any]) -> dict[str, Any]:
    """The JSON schema of an object with all of these properties and no other."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
