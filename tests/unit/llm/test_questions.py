"""Questions to a model that says what it is told to; grounding and redaction are the real ones."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from compliance.redactor import Redactor
from compliance.tagging import Tagger
from llm.analyses import parse
from llm.asking import Asker
from llm.form import AnswerForm, answer_schema
from llm.questions import Questioner
from llm.types import Fault
from tests.benchmarks.grounding.samples import transcript
from tests.unit.llm.test_summarise import CALL, ScriptedChat, redactor, statement, tagger

__all__ = ["redactor", "tagger"]

ASKED = """
[category.order]
any = ["order"]
[category.flight]
any = ["flight"]
[question.what]
ask = "What did the customer order?"
when = "order"
[question.where]
ask = "Where does the customer fly to?"
when = "flight"
"""
GOOD = {"answer": statement("The customer ordered the wooden garden bench.", 1)}
INVENTED = {"answer": statement("The customer ordered 12 wooden garden benches.", 1)}


@pytest.fixture
def ask(tagger: Tagger, redactor: Redactor) -> Any:
    def make(chat: ScriptedChat) -> Questioner:
        return Questioner(Asker(chat, 2, 0.0), tagger, redactor.rewrite, parse(ASKED, "t"), "factual", 200)

    return make


def test_an_answer_is_kept_with_the_turns_that_bear_it(ask: Any) -> None:
    chat = ScriptedChat([GOOD])
    [one] = ask(chat)(transcript(CALL), ("what",))
    assert (one.answer, one.turns, one.faults) == ("The customer ordered the wooden garden bench.", (1,), ())
    assert one.method == "model:scripted/question-1/factual"
    assert "What did the customer order?" in chat.asked[0][1].content
    assert "[3] customer: Great, thank you. My name is [PERSON]." in chat.asked[0][1].content


def test_an_invention_is_asked_once_more_and_then_left_out_and_marked(ask: Any) -> None:
    chat = ScriptedChat([INVENTED, GOOD])
    [one] = ask(chat)(transcript(CALL), ("what",))
    assert one.answer is not None
    assert "not borne out by the turns that it cites: number" in chat.asked[1][0].content
    [one] = ask(ScriptedChat([INVENTED]))(transcript(CALL), ("what",))
    assert (one.answer, one.turns, one.faults, one.holds) == (None, (), (Fault.NUMBER,), False)


def test_what_the_call_does_not_tell_has_no_answer(ask: Any) -> None:
    chat = ScriptedChat([{"answer": None}])
    [one] = ask(chat)(transcript(CALL), ("what",))
    assert (one.answer, one.faults, len(chat.asked)) == (None, (), 1)


def test_a_question_that_does_not_apply_is_not_asked(ask: Any) -> None:
    chat = ScriptedChat([GOOD])
    where, what = ask(chat)(transcript(CALL), ("where", "what"))
    assert (where.answer, len(chat.asked)) == (None, 1)
    assert what.holds


def test_a_long_call_is_asked_about_in_parts_until_one_tells(ask: Any) -> None:
    long = [("agent", "word " * 150)] * 4 + CALL
    chat = ScriptedChat([{"answer": None}, {"answer": statement("The order was placed.", 6)}], context_tokens=900)
    [one] = ask(chat)(transcript(long), ("what",))
    assert (one.answer, one.turns, len(chat.asked)) == ("The order was placed.", (6,), 2)


def test_the_schema_and_the_form_say_the_same() -> None:
    for told in (GOOD, {"answer": None}):
        jsonschema.validate(told, answer_schema())
        AnswerForm.model_validate(told)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({}, answer_schema())
