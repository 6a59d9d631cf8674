"""A language model as second reader of redacted calls (compliance.second_reader)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from compliance.second_reader import Proposal
from compliance.types import RedactedTranscript
from llm.asking import Asker
from llm.form import object_schema
from llm.mapreduce import fitting
from llm.prompts import load_prompt
from llm.types import Message, Schema

PROMPT = "redaction-1"

_MOST_SPANS = 50
"""Of one answer."""


class _Span(BaseModel):
    """What a model proposes."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    turn: int
    text: str = Field(repr=False)
    entity: str


class _Spans(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    spans: list[_Span] = Field(max_length=10 * _MOST_SPANS)


@dataclass(frozen=True, slots=True)
class ModelReader:
    """Asks a model what is left to remove; `answer_tokens` is what it may write at most."""

    asker: Asker
    answer_tokens: int

    @property
    def name(self) -> str:
        """The model and the prompt. Raises what asking for the model's name raises."""
        return f"model:{self.asker.chat.name}/{PROMPT}"

    def propose(self, transcript: RedactedTranscript, entities: Collection[str]) -> list[Proposal]:
        """See SecondReader. Raises UnavailableError, AnswerError or ConfigError as llm.asking does."""
        if not transcript.turns:
            return []
        named = sorted(entities)

        def messages(turns: str) -> tuple[Message, Message]:
            return load_prompt(PROMPT).fill({"entities": ", ".join(named), "turns": turns})

        proposals: list[Proposal] = []
        for turns in fitting(transcript, self.asker.chat, self.answer_tokens, messages("")):
            answer = self.asker.ask(messages(turns), _schema(named), _Spans)
            proposals += [Proposal(span.turn, span.text, span.entity) for span in answer.spans]
        return proposals


def _schema(entities: Sequence[str]) -> Schema:
    """The JSON schema of _Spans with these entities alone, in one piece."""
    span = {
        "turn": {"type": "integer"},
        "text": {"type": "string"},
        "entity": {"type": "string", "enum": list(entities)},
    }
    return object_schema({"spans": {"type": "array", "maxItems": _MOST_SPANS, "items": object_schema(span)}})
