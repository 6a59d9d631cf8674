from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

import configs
import llm.difference
from asr.errors import ConfigError
from llm.analyses import Analyses, about, parse
from tests.benchmarks.grounding.samples import samples, transcript

SHIPPED = (Path(configs.__file__).parent / "analysis.toml").read_text(encoding="utf-8")
BEFORE = {
    "order": r"\b(order|ship|shipping|delivery|buy|purchase)",
    "payment": r"\b(card|payment|pay|charge[ds]?|refund|bill|invoice)\b",
    "appointment": r"\b(appointment|book(ed)?|schedule|reschedule)\b",
    "complaint": r"\b(complain\w*|unhappy|disappoint\w*|unacceptable|broken|damaged)\b",
    "account": r"\b(account|password|log ?in|balance|statement)\b",
    "wrong number": r"\bwrong number\b",
}
"""The patterns by which categories were found before they were data."""
CARD = """
[category.payment]
any = ["card"]
[scorecard.service.check.greeted]
by = "agent"
first = 1
any = ["good morning"]
[scorecard.service.check."asked for consent"]
weight = 2
when = "payment"
all = ["call", "recorded"]
[scorecard.service.check."promised nothing"]
never = true
any = ["guarantee*"]
"""


def found(text: str, *said: tuple[str, str]) -> dict[tuple[str, str], tuple[float | None, tuple[int, ...]]]:
    analyses = parse(text, "t")
    results = analyses.by_rules(transcript([*said]).turns, tuple(analyses.kinds))
    return {(one.name, one.part): (one.value, one.turns) for one in results}


def test_the_categories_of_before_are_found_as_before() -> None:
    analyses = parse(SHIPPED, "analysis.toml")
    assert list(analyses.category) == list(BEFORE)
    calls = {one.call: one.transcript for half in ("tuned_on", "held_out") for one in samples(half)}
    some = 0
    for call in calls.values():
        said = " ".join(turn.text for turn in call.turns)
        expected = tuple(name for name, words in BEFORE.items() if re.search(words, said, re.IGNORECASE))
        assert about(analyses.by_rules(call.turns, tuple(analyses.category))) == expected
        some += len(expected)
    assert some >= 20


def test_a_score_is_the_share_of_the_weight_that_applies() -> None:
    greeted = ("agent", "Good morning.")
    assert found(CARD, greeted, ("customer", "My card, please.")) == {
        ("payment", ""): (1.0, (1,)),
        ("service", ""): (0.5, ()),
        ("service", "greeted"): (1.0, (0,)),
        ("service", "asked for consent"): (0.0, ()),
        ("service", "promised nothing"): (1.0, ()),
    }
    without = found(CARD, greeted, ("agent", "I guarantee it."))
    assert without["service", ""] == (0.5, ())
    assert without["service", "asked for consent"] == (None, ())
    assert without["service", "promised nothing"] == (0.0, (1,))


def test_where_no_check_applies_there_is_no_score() -> None:
    only = '[category.x]\nany = ["xyz"]\n[scorecard.s.check.c]\nwhen = "x"\nany = ["abc"]'
    assert found(only, ("agent", "abc"))["s", ""] == (None, ())


def test_a_version_changes_with_what_is_asked_and_with_nothing_else() -> None:
    def versions(text: str) -> dict[str, str]:
        analyses = parse(text, "t")
        return {name: analyses.version(name) for name in analyses.kinds}

    before = versions(CARD)
    assert versions(CARD.replace("\n", "\n\n# a remark\n")) == before
    assert versions(CARD.replace('["card"]', '["CARD"]')) == before, "case is none"
    assert versions(CARD + '[category.other]\nany = ["other"]\n').items() > before.items()
    heavier = versions(CARD.replace("weight = 2", "weight = 3"))
    assert heavier["payment"] == before["payment"]
    assert heavier["service"] != before["service"]
    wider = versions(CARD.replace('["card"]', '["card", "cash"]'))
    assert all(wider[name] != before[name] for name in before), "a check of the scorecard is for this category"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("category", "mine is not TOML"),
        ("[category.x]\n", r"mine: category.x: a rule names phrases"),
        ('[category.x]\nany = ["a*"]', r"category.x.any.0: a phrase is"),
        ('[category."A b"]\nany = ["aa"]', r"category.A b: String should match"),
        ('[scorecard.x.check.y]\nany = ["aa"]\nweight = 0', r"scorecard.x.check.y.weight"),
        ('[question.x]\nask = "What was it?"\nwhen = "y"', "when = 'y' is no category"),
        ('[category.x]\nany = ["aa"]\n[question.x]\nask = "What was it?"', "x is defined twice"),
        ('[categories.x]\nany = ["aa"]', "categories: Extra"),
    ],
)
def test_what_cannot_be_understood_is_told_with_its_place(text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        parse(text, "mine")


def test_an_unknown_name_lists_the_known_ones() -> None:
    analyses = parse(CARD, "t")
    assert analyses.only(()) == ("payment", "service")
    assert analyses.only(("service",)) == ("service",)
    with pytest.raises(ConfigError, match=r"'payments'. Known ones: payment, service"):
        analyses.only(("payments",))


def test_what_the_shipped_file_shows_in_comments_is_right() -> None:
    shown = re.sub(
        r"^# (\[(?:scorecard\.compl|question\.why)|(?:by|first|all|any|near|weight|when|never|ask) = )",
        r"\1",
        SHIPPED,
        flags=re.MULTILINE,
    )
    analyses = parse(shown, "shown")
    assert {"compliance", "why-cancel"} < set(analyses.kinds)


def test_examples_hold() -> None:
    assert doctest.testmod(llm.difference) == (0, 3)


def test_nothing_asked_says_nothing() -> None:
    assert Analyses().by_rules(transcript([("agent", "Hello.")]).turns, ()) == ()
