"""Asking a model until it answers in the form that is wanted, as often as may help and no oftener."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from llm.errors import AnswerError, UnavailableError
from llm.types import Answer, Chat, Message, Schema

Form = TypeVar("Form", bound=BaseModel)

OnAnswer = Callable[[Answer, float], None]
"""Is told of every answer, unreadable ones included, and the seconds that it took; threads may call it at once."""


def unheard(_answer: Answer, _took_s: float) -> None:
    """Of whom nobody is told."""


_FIRST_WAIT_S = 0.5
_SPREAD = 0.25
"""So much longer at most a wait is made, lest all threads come back at once."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: the model, and how patiently. `stop` ends waits, and with them the asking."""

    chat: Chat
    max_tries: int
    max_wait_s: float
    stop: threading.Event = field(default_factory=threading.Event)
    spread: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311
    clock: Callable[[], float] = time.monotonic
    on_answer: OnAnswer = unheard

    def ask(self, messages: Sequence[Message], schema: Schema, form: type[Form]) -> Form:
        """The answer as `form`. Raises what the last of the tries raised: UnavailableError or AnswerError.

        A server that is busy, away or broken is asked again after a wait, its own if it names one, else one that
        doubles; an answer that cannot be read is asked for again at once. ConfigError is raised as it comes.
        """
        for number in range(1, self.max_tries + 1):
            try:
                began_s = self.clock()
                answer = self.chat.ask(messages, schema)
                self.on_answer(answer, self.clock() - began_s)
                return _read(answer.text, form, complete=answer.complete)
            except (UnavailableError, AnswerError) as error:
                if number == self.max_tries or self._stopped(error, number):
                    raise
        raise AssertionError("max_tries is at least 1")

    def _stopped(self, error: UnavailableError | AnswerError, number: int) -> bool:
        """Wait as the error asks for; whether it was said meanwhile that all is to stop."""
        wait_s = 0.0
        if isinstance(error, UnavailableError):
            asked_s = _FIRST_WAIT_S * 2 ** (number - 1) if error.wait_s is None else error.wait_s
            wait_s = min(asked_s * (1 + _SPREAD * self.spread.random()), self.max_wait_s)
        return self.stop.wait(wait_s)


def _read(text: str, form: type[Form], *, complete: bool) -> Form:
    """An answer in its form; what models like to put around JSON is taken off."""
    if not complete:
        raise AnswerError("the model's answer was cut off", "Raise max_tokens of the preset")
    body = text.strip()
    if "{" in body:
        body = body[body.index("{") : body.rindex("}") + 1 if "}" in body else None]
    try:
        return form.model_validate_json(body)
    except ValidationError as error:
        # What is wrong is told by kind and place alone; the values were said in a call.
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "all of it"
        raise AnswerError(
            f"the model's answer is not in the form that was asked for: {first['type']} at {place}", "Try another model"
        ) from None
