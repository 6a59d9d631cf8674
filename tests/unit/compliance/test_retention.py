from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from compliance.errors import RetentionError
from compliance.retention import Duration, audit_keep, decide, due, parse
from compliance.types import CallFacts, Hold, Kind, Scope

BEGAN = datetime(2024, 2, 29, 12, tzinfo=UTC)
CALL = CallFacts("ab" * 32, BEGAN, "billing", "ada", "+1 555", "DE", frozenset({"refund"}))
RULES = """
default = "10 years"
[[rule]]
kind = "transcript"
keep = "1 year"
[[rule]]
kind = ["transcript", "source_audio"]
queue = "billing"
keep = "2 years"
[[rule]]
kind = "transcript"
queue = "billing"
jurisdiction = "DE"
keep = "30 days"
[[rule]]
kind = "transcript"
tag = "refund"
jurisdiction = "DE"
keep = "3 weeks"
[[rule]]
kind = "summary"
keep = "forever"
"""


def test_the_most_specific_rule_decides_and_among_equals_the_shortest() -> None:
    policy = parse(RULES, "r")
    ends = {
        "billing DE refund": (CALL, BEGAN + timedelta(days=21)),
        "billing DE": (CallFacts("a", BEGAN, "billing", jurisdiction="DE"), BEGAN + timedelta(days=30)),
        "billing": (CallFacts("a", BEGAN, "billing"), datetime(2026, 3, 1, 12, tzinfo=UTC)),
        "other": (CallFacts("a", BEGAN, "sales"), datetime(2025, 3, 1, 12, tzinfo=UTC)),
    }
    for name, (call, end) in ends.items():
        assert decide(Kind.TRANSCRIPT, call, policy, (), BEGAN).due_at == end, name
    assert decide(Kind.WORDS, CALL, policy, (), BEGAN).due_at == datetime(2034, 3, 1, 12, tzinfo=UTC), "the default"
    assert decide(Kind.SUMMARY, CALL, policy, (), datetime.max.replace(tzinfo=UTC)).delete is False
    assert "jurisdiction=DE" in decide(Kind.TRANSCRIPT, CALL, policy, (), BEGAN).why


@pytest.mark.parametrize(
    ("scope", "value"),
    [(Scope.CALL, "AB" * 32), (Scope.CALLER, " +1 555 "), (Scope.AGENT, "Ada"), (Scope.QUEUE, "billing")],
)
def test_a_hold_covers_what_it_names_until_it_ends(scope: Scope, value: str) -> None:
    policy, late = parse(RULES, "r"), datetime(2030, 1, 1, tzinfo=UTC)
    kinds = (Kind.TRANSCRIPT, Kind.SOURCE_AUDIO)
    hold = Hold(7, scope, value, "legal", "case 1", BEGAN, until=late)
    assert due(kinds, CALL, policy, (hold,), late - timedelta(seconds=1)) == {}
    assert decide(Kind.TRANSCRIPT, CALL, policy, (hold,), late - timedelta(seconds=1)).why == "hold 7"
    assert set(due(kinds, CALL, policy, (hold,), late)) == set(kinds)
    assert set(due(kinds, CallFacts("cd" * 32, BEGAN, "billing2"), policy, (hold,), late)) == {*kinds} - {
        Kind.SOURCE_AUDIO
    }


def test_a_duration_ends_on_a_day_that_there_is() -> None:
    jan = datetime(2025, 1, 31, tzinfo=UTC)
    assert Duration.parse("1 month").after(jan) == datetime(2025, 3, 1, tzinfo=UTC)
    assert Duration.parse("12 months").after(BEGAN) == Duration.parse("1 year").after(BEGAN)
    assert Duration.parse("99999 years").after(jan) is None
    assert Duration.parse("0 days").after(jan) == jan


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x", "is not TOML"),
        ('defaults = "1 day"', "defaults, which is not known"),
        ('default = "soon"', "'soon' is no time"),
        ("default = 3", "how long"),
        ('[rule]\nkind = "audit"', r"\[\[rule\]\] is wanted"),
        ('[[rule]]\nkind = "audio"\nkeep = "1 day"', "Known kinds: audit"),
        ('[[rule]]\nkeep = "1 day"', "names no kind"),
        ('[[rule]]\nkind = []\nkeep = "1 day"', "names no kind"),
        ('[[rule]]\nkind = "audit"', "how long"),
        ('[[rule]]\nkind = "words"\nkeep = "-1 days"', "rule 1 of r"),
        ('[[rule]]\nkind = "words"\nkeep = "1 day"\nqueu = "x"', "queu, which is not known"),
        ('[[rule]]\nkind = "words"\nkeep = "1 day"\nqueue = ""', "queue that is no text"),
        ('[[rule]]\nkind = "audit"\nkeep = "1 day"\nqueue = "x"', "one chain"),
    ],
)
def test_rules_that_cannot_be_read_say_which_and_why(text: str, message: str) -> None:
    with pytest.raises(RetentionError, match=message):
        parse(text, "r")


def test_as_shipped_nothing_goes_but_audit_events_after_six_years() -> None:
    from pathlib import Path

    import configs

    policy = parse((Path(configs.__file__).parent / "retention.toml").read_text(), "r")
    late = datetime(9_000, 1, 1, tzinfo=UTC)
    kinds = [kind for kind in Kind if kind is not Kind.AUDIT]
    assert due(kinds, CALL, policy, (), late) == {}
    assert audit_keep(policy) == Duration.parse("6 years")
