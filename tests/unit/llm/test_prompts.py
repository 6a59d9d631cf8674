from __future__ import annotations

import hashlib
import json
import re
from importlib.resources import files

import jsonschema
import pytest
from pydantic import ValidationError

from llm import prompts
from llm.errors import PromptError
from llm.form import Statement, SummaryForm, summary_schema
from llm.gbnf import grammar
from llm.prompts import load_prompt

VERSIONS = {
    "question-1": "6356359c4f80e20b",
    "redaction-1": "e9f500ffaa47f8b5",
    "repair-1": "7da996d4751198fd",
    "summary-1": "d441cf1f98b23b5c",
}
"""Heads of the SHA-256 of the versions that are out: a wording that changes is a new version, with a new line here."""


def test_a_version_that_is_out_never_changes() -> None:
    found = {
        path.name.removesuffix(".txt"): hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        for path in files(prompts).iterdir()
        if path.name.endswith(".txt")
    }
    assert found == VERSIONS


@pytest.mark.parametrize("name", VERSIONS)
def test_what_is_said_stands_in_the_users_part_alone(name: str) -> None:
    system, user = load_prompt(name).fill(
        {
            "turns": "[0] customer: marzipan",
            "categories": "sesame",
            "faults": "outcome (number)",
            "question": "Why?",
            "entities": "PERSON",
        }
    )
    assert "marzipan" not in system.content
    assert "<call>\n[0] customer: marzipan\n</call>" in user.content
    assert ("sesame" in system.content) == (name in {"summary-1", "repair-1"})
    assert "$" not in system.content + user.content


def test_an_unknown_prompt_names_the_known_ones() -> None:
    with pytest.raises(PromptError, match=r"Known prompts: question-1, redaction-1, repair-1, summary-1"):
        load_prompt("summary-0")


def test_an_empty_place_is_named() -> None:
    with pytest.raises(PromptError, match="a place for categories"):
        load_prompt("summary-1").fill({"turns": ""})


def test_the_schema_and_the_form_say_the_same() -> None:
    schema = summary_schema(("order", "payment"))
    assert list(schema["properties"]) == list(SummaryForm.model_fields)
    told = {
        "reason": {"turns": [0], "text": "x"},
        "outcome": None,
        "actions": [{"turns": [1, 2], "text": "y"}],
        "follow_up": None,
        "sentiment": "neutral",
        "categories": ["payment"],
    }
    jsonschema.validate(told, schema)
    assert SummaryForm.model_validate_json(json.dumps(told)).actions[0].turns == [1, 2]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**told, "categories": ["refund"]}, schema)


def test_the_grammar_has_a_rule_for_all_that_it_names() -> None:
    text = grammar(summary_schema(("order",)))
    rules = [line.partition(" ::= ") for line in text.splitlines() if line]
    names = {name for name, _, _ in rules}
    for _, _, body in rules:
        bare = re.sub(r'"(\\.|[^"\\])*"|\[(\\.|[^]\\])*\]', " ", body)
        assert set(re.findall(r"[a-z]\w*", bare)) <= names
    assert text.startswith("root ::= rule")


def test_a_statement_is_no_longer_than_the_form_takes() -> None:
    statement = summary_schema(())["properties"]["actions"]["items"]["properties"]
    most = statement["text"]["maxLength"]
    Statement(turns=[0], text="x" * most)
    with pytest.raises(ValidationError, match="string_too_long"):
        Statement(turns=[0], text="x" * (most + 1))
    assert f'"\\"" char{{0,{most}}} "\\""' in grammar(summary_schema(()))
