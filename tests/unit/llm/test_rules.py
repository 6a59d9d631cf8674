from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from asr.types import Channel
from compliance.types import RedactedTurn, RedactedWord
from llm.rules import Rule

SAID = (
    ("agent", "Good morning, Green Valley. How may I help you?"),
    ("customer", "I'd like to cancel my order. It isn\u2019t what I ordered."),
    ("agent", "I cannot refund shipping, but I can refund the full price to the card [CREDIT_CARD]."),
    ("customer", "That is fine. Good bye."),
    ("agent", "Is there anything else? Good morning to you."),
)


def turns(*said: tuple[str, str], mixed: bool = False) -> tuple[RedactedTurn, ...]:
    return tuple(
        RedactedTurn(side, Channel.MIXED if mixed else Channel(side), (RedactedWord(text, at, at + 1.0, 0.9),))
        for at, (side, text) in enumerate(said)
    )


def rule(**fields: Any) -> Rule:
    return Rule.model_validate_json(json.dumps(fields))


@pytest.mark.parametrize(
    ("fields", "borne"),
    [
        ({"any": ["cancel", "refund"]}, (1, 2)),
        ({"any": ["order"]}, (1,)),
        ({"any": ["rder"]}, ()),
        ({"any": ["order*"], "by": "agent"}, ()),
        ({"any": ["isn't"]}, (1,)),
        ({"any": ["GOOD  Morning"]}, (0, 4)),
        ({"any": ["good morning"], "first": 1}, (0,)),
        ({"any": ["good morning"], "by": "agent", "last": 1}, (4,)),
        ({"any": ["good bye"], "by": "customer", "last": 1}, (3,)),
        ({"any": ["credit_card"]}, (2,)),
        ({"any": ["[credit_card]"]}, (2,)),
        ({"any": ["card"], "none": ["full price"]}, ()),
        ({"all": ["refund", "shipping"]}, (2,)),
        ({"all": ["cancel", "refund"]}, ()),
        ({"all": ["refund", "card"], "near": 5}, (2,)),  # from the second refund: the full price to the
        ({"all": ["refund", "card"], "near": 4}, ()),
        ({"all": ["card", "full price"], "near": 2}, (2,)),
        ({"all": ["shipping", "refund", "cannot"], "near": 0}, (2,)),
    ],
)
def test_a_turn_bears_a_rule(fields: dict[str, Any], borne: tuple[int, ...]) -> None:
    assert rule(**fields).borne_by(turns(*SAID)) == borne


def test_a_voice_that_nobody_knows_counts_for_both_sides() -> None:
    said = turns(("speaker-1", "A refund."), ("agent", "A refund."), mixed=True)
    assert rule(any=["refund"], by="customer").borne_by(said) == (0,)
    assert rule(any=["refund"], by="agent").borne_by(said) == (0, 1)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, "names phrases"),
        ({"none": ["x"]}, "names phrases"),
        ({"any": [""]}, "one or more words"),
        ({"any": ["a*"]}, "two letters"),
        ({"any": ["re*fund"]}, "two letters"),
        ({"any": ["refund"], "near": 2}, "two or more phrases"),
        ({"any": ["refund"], "first": 2, "last": 2}, "first turns or"),
        ({"any": ["refund"], "who": "agent"}, "Extra inputs"),
    ],
)
def test_a_rule_that_means_nothing_is_refused(fields: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        rule(**fields)
