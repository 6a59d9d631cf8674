"""The state of a call: what is asked, whether a card is paid with, and what is heard as digits."""

import pytest

from compliance.conversation import asks_place, heard_as_digits, moments
from compliance.topics import Topic
from compliance.utterance import Utterance


def said(*lines: str) -> list[Utterance]:
    return [Utterance(line[0], tuple(line[3:].split())) for line in lines]


def test_a_question_outlasts_replies_and_not_talk() -> None:
    turns = said("A: date of birth", "C: um", "A: yes", "C: sorry", "A: take your time", "C: one")
    assert all(Topic.BIRTH in moment.asked for moment in moments(turns)[1:])
    talk = "C: well we had a lovely time at the seaside with everybody there"
    assert moments(said("A: date of birth", talk, talk, talk, "C: one"))[-1].asked == ()


def test_payment_ends_with_another_number() -> None:
    turns = said("A: which card", "C: the blue one", "A: and a phone number", "C: five five five")
    assert [moment.paying for moment in moments(turns)] == [True, True, False, False]


@pytest.mark.parametrize(
    "lines",
    [
        ("C: fifty one ninety two is how it starts", "A: okay", "C: fifty two thirty eleven sixty eight"),
        ("A: i have five two two eight so far", "C: thirteen oh six", "A: thirteen oh six", "C: seventy five oh six"),
        ("C: 3714, then 496353", "A: yes", "C: 98431"),
    ],
)
def test_groups_of_four_begin_a_payment(lines: tuple[str, ...]) -> None:
    assert moments(said(*lines))[0].paying


def test_years_and_orders_begin_none() -> None:
    assert not any(moment.paying for moment in moments(said("C: from 2016 to 2019 and 2020 and 2021")))
    assert not any(moment.paying for moment in moments(said("A: order number 4111 2222", "C: 4111 3333 yes")))


def test_sounds_of_digits_are_digits_where_digits_are_asked_for() -> None:
    turns = said("A: what does it say after the signature", "C: for oh too")
    assert heard_as_digits(turns, moments(turns))[1].runs[0].digits == "402"
    turns = said("A: how many are there", "C: for oh too")
    assert not any(run.digits == "402" for run in heard_as_digits(turns, moments(turns))[1].runs)


@pytest.mark.parametrize(
    "line",
    [
        "A: which town are you in",
        "A: and the street",
        "A: City and state?",
        "A: Sure, where to?",
        "A: which house is it",
        "A: What's the house called?",
        "A: suite nine okay and what city is that",
    ],
)
def test_a_place_is_asked_for(line: str) -> None:
    assert asks_place(said(line)[0])


def test_digits_are_waited_for_by_whoever_names_them_too_and_months_are_of_them() -> None:
    turns = said("C: exp ate twenty seven")
    assert heard_as_digits(turns, moments(turns))[0].runs[0].digits == "827"
    turns = said("A: month and day you were born", "C: july won")
    assert heard_as_digits(turns, moments(turns))[1].runs[0].digits == "1"
    turns = said("A: when does it expire", "C: we ate twenty seven")
    assert heard_as_digits(turns, moments(turns))[1].runs[0].digits == "27"


@pytest.mark.parametrize(
    ("lines", "asked"),
    [
        (("A: month?", "C: nine", "A: year?", "C: twenty eight"), Topic.EXPIRY),
        (("A: what year", "C: sixty eight", "A: and month and day", "C: july first"), Topic.BIRTH),
        (("A: what year", "C: twenty eighteen", "A: and what colour is it"), None),
        (("A: which month", "C: october", "A: morning or afternoon"), None),
        (("A: month?", "C: nine"), None),
    ],
)
def test_what_a_month_or_a_year_is_of_shows_in_what_is_asked_next(lines: tuple[str, ...], asked: Topic | None) -> None:
    assert moments(said(*lines))[1].asked == ((asked,) if asked else ())


def test_an_email_address_is_no_place() -> None:
    assert not any(map(asks_place, said("A: what's your email address", "A: and the e-mail address?")))
    assert all(map(asks_place, said("A: what's your address", "A: your email and your street address please")))


def test_a_place_that_is_mentioned_is_not_asked_for() -> None:
    assert not asks_place(said("C: i don't know where to start please help me")[0])
    assert not asks_place(said("A: i'll hold while you look for the address on file")[0])
