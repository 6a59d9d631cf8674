"""What is said about a call in short, and what a language model is asked and answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

Schema = Mapping[str, Any]
"""A JSON schema: objects, arrays, strings, integers, booleans, enums and null, nested as needed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A statement about a call and the indices of the turns that it rests on."""

    text: str = field(repr=False)
    turns: tuple[int, ...]


class Sentiment(StrEnum):
    """How the customer felt as the call ended."""

    POSITIVE = "positive"
    NEUTRAL = "neutral"
    NEGATIVE = "negative"


class Fault(StrEnum):
    """Why a statement is not borne out by the turns that it cites."""

    CITATION = "citation"
    """It cites no turn of the call, or none that may be evidence for it."""
    NUMBER = "number"
    DATE = "date"
    NAME = "name"
    PRODUCT = "product"
    OUTCOME = "outcome"
    """What was done is said the other way round, or not at all."""
    REDACTED = "redacted"
    """It names something that was removed from the turns, or has a mark that they have not."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """That a model said something of a field which the call does not bear out: never what it said."""

    field: str
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """A call in short, each statement tied to its turns; `method` says what made it.

    "extractive-rules/2" quotes turns; "model:NAME/summary-1/PRESET" is in a model's words, as far as they are borne out
    by the turns; `dropped` says which were not. `follow_up` is who gets in touch again, and when.
    """

    method: str
    reason: Finding | None
    outcome: Finding | None
    actions: tuple[Finding, ...]
    categories: tuple[str, ...]
    follow_up: Finding | None = None
    sentiment: Sentiment | None = None
    dropped: tuple[Dropped, ...] = ()

    def findings(self) -> tuple[tuple[str, Finding], ...]:
        """Every statement with the name of its field, in the order of the fields."""
        told = [("reason", self.reason), ("outcome", self.outcome), *(("actions", action) for action in self.actions)]
        told.append(("follow_up", self.follow_up))
        return tuple((name, finding) for name, finding in told if finding is not None)


class AnalysisKind(StrEnum):
    """What an analysis asks of a call."""

    CATEGORY = "category"
    """Whether it is about something."""
    SCORECARD = "scorecard"
    """Which share of what was to be said was said."""
    QUESTION = "question"
    """What a language model answers."""


@dataclass(frozen=True, slots=True)
class Analysed:
    """What one version of an analysis says of a call, or, with `part`, one check of a scorecard; `turns` bear it.

    `value` is 1 or 0 for categories and checks, and the share of the weight that is met for scorecards; None where
    no check applies, or for a question. `answer` is a question's, None if the call does not tell; `faults` say why
    what a model answered was left out.
    """

    name: str
    kind: AnalysisKind
    version: str
    method: str
    value: float | None = None
    turns: tuple[int, ...] = ()
    part: str = ""
    answer: str | None = field(default=None, repr=False)
    faults: tuple[Fault, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether there is something to tell: a category that fits, a score, or an answer."""
        if self.kind is AnalysisKind.CATEGORY:
            return self.value == 1.0
        return self.value is not None or self.answer is not None


MODEL = "model:"
"""How the method of a summary that a model made begins."""


@dataclass(frozen=True, slots=True)
class Message:
    """A part of a conversation with a model; `role` is "system", "user" or "assistant"."""

    role: str
    content: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model wrote. `complete` is false if it was cut off at the most tokens that it may write.

    Tokens of question and answer are as the server counts them, 0 where it does not tell.
    """

    text: str = field(repr=False)
    complete: bool = True
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Chat(Protocol):
    """A language model that can be asked; many threads may ask at once."""

    @property
    def name(self) -> str:
        """The model's name, as its summaries are known by."""
        ...

    @property
    def context_tokens(self) -> int:
        """Tokens that question and answer may have together."""
        ...

    def ask(self, messages: Sequence[Message], schema: Schema) -> Answer:
        """Answer with JSON after the schema, as far as the server can be held to it.

        Raises UnavailableError if the model cannot be reached now, AnswerError if this question cannot be answered,
        and ConfigError if no question can be until somebody changes a setting.
        """
        ...

    def count_tokens(self, text: str) -> int:
        """How many tokens a text has, by the model's own tokenizer where it can be asked."""
        ...
