from __future__ import annotations

from pathlib import Path

import pytest

import configs
from asr.types import Channel, Provenance
from compliance.types import RedactedTranscript, RedactedTurn, RedactedWord
from llm.analyses import about, parse
from llm.options import SummaryOptions
from llm.summarise import summarise
from llm.types import Finding, Sentiment, Summary

SHIPPED = parse((Path(configs.__file__).parent / "analysis.toml").read_text(encoding="utf-8"), "analysis.toml")
MADE_BY = Provenance("m", "0" * 64, "scripted", "none", "f" * 16, "0")

ORDER = (
    ("agent", "Thank you for calling. How may I help you?"),
    ("customer", "Hello. I would like to order a bench. It is for my garden."),
    ("agent", "Please read me your card."),
    ("customer", "[CREDIT_CARD]"),
    ("agent", "I have placed your order. You will receive it on Friday. We'll call before we come."),
    ("customer", "Great, thank you."),
)


def transcript(*said: tuple[str, str]) -> RedactedTranscript:
    turns = tuple(
        RedactedTurn(
            speaker,
            Channel(speaker),
            tuple(RedactedWord(word, at + i / 9, at + (i + 1) / 9, 0.9) for i, word in enumerate(text.split())),
        )
        for at, (speaker, text) in enumerate(said)
    )
    channels = tuple(dict.fromkeys(turn.channel for turn in turns))
    return RedactedTranscript("call.wav", 60.0, channels, turns, (), (), "all", MADE_BY)


def summary(*said: tuple[str, str]) -> Summary:
    told = transcript(*said)
    made = summarise(told, SummaryOptions(), about(SHIPPED.by_rules(told.turns, tuple(SHIPPED.kinds))))
    assert made is not None
    return made


def test_reason_outcome_and_actions_are_quoted_from_the_turns_that_say_them() -> None:
    assert summary(*ORDER) == Summary(
        method="extractive-rules/2",
        reason=Finding("I would like to order a bench.", (1,)),
        outcome=Finding("I have placed your order.", (4,)),
        actions=(Finding("You will receive it on Friday.", (4,)), Finding("We'll call before we come.", (4,))),
        categories=("order", "payment"),
        sentiment=Sentiment.POSITIVE,
    )


def test_the_last_outcome_counts_and_the_first_reason() -> None:
    made = summary(
        ("customer", "I need a new card."),
        ("agent", "I have cancelled the old one."),
        ("customer", "I also have a question about a bill."),
        ("agent", "I have sent you a copy."),
    )
    assert made.reason == Finding("I need a new card.", (0,))
    assert made.outcome == Finding("I have sent you a copy.", (3,))


def test_a_mixed_channel_speaks_for_both_sides() -> None:
    made = summary(("mixed", "I want to book a room."), ("mixed", "It is booked. I'll send a letter."))
    assert made.reason == Finding("I want to book a room.", (0,))
    assert made.outcome == Finding("It is booked. I'll send a letter.", (1,)), "too short to stand alone"
    assert made.actions == (Finding("I'll send a letter.", (1,)),)
    assert made.categories == ("appointment",)


def test_without_a_telling_phrase_the_longest_early_turn_is_the_reason() -> None:
    made = summary(
        ("customer", "Hi there."),
        ("customer", "The lamp in the hall is dark since Tuesday."),
        ("customer", "It is the big one."),
    )
    assert made.reason == Finding("The lamp in the hall is dark since Tuesday.", (1,))
    assert (made.outcome, made.actions) == (None, ())


def test_at_most_four_actions_the_last_ones() -> None:
    made = summary(*(("agent", f"I will send letter {number}.") for number in range(5)))
    assert [action.text for action in made.actions] == [f"I will send letter {number}." for number in (1, 2, 3, 4)]


@pytest.mark.parametrize("said", [(), (("customer", "Hi."),), (("agent", "Good morning, this is the bank."),)])
def test_a_call_that_says_nothing_has_an_empty_summary(said: tuple[tuple[str, str], ...]) -> None:
    assert summary(*said).findings() == ()
    assert summary(*said).categories == ()


def test_off_makes_none() -> None:
    assert summarise(transcript(*ORDER), SummaryOptions(method="off")) is None


def test_marks_belong_to_no_category() -> None:
    made = summary(("customer", "It is [CREDIT_CARD] and [ACCOUNT_NUMBER] for [PERSON] here"))
    assert made.categories == ()


def test_every_finding_is_verbatim_in_the_turn_that_it_cites() -> None:
    told = transcript(*ORDER, ("agent", "You are all set. Done. Please keep the receipt"), ("agent", "I've sent it."))
    made = summarise(told, SummaryOptions())
    assert made is not None
    findings = [finding for finding in (made.reason, made.outcome, *made.actions) if finding]
    assert len(findings) == 5
    for finding in findings:
        assert finding.text in told.turns[finding.turns[0]].text


def test_text_shows_in_no_repr() -> None:
    assert "bench" not in repr(summary(*ORDER))


def test_who_gets_in_touch_again_and_how_the_customer_feels() -> None:
    made = summary(
        ("customer", "I want my money back."),
        ("agent", "Somebody will call you back tomorrow."),
        ("customer", "I am really not happy about this."),
    )
    assert made.follow_up == Finding("Somebody will call you back tomorrow.", (1,))
    assert made.sentiment is Sentiment.NEGATIVE


def test_an_agent_who_calls_says_why_and_what_was_agreed_counts_where_nothing_was_done() -> None:
    made = summary(
        ("agent", "I am calling about your appointment."),
        ("customer", "I would like Tuesday."),
        ("agent", "Good. See you on Tuesday."),
    )
    assert made.reason == Finding("I am calling about your appointment.", (0,))
    assert made.outcome == Finding("See you on Tuesday.", (2,))
