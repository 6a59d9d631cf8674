"""What stands for what was removed, by action."""

import pytest
from pydantic import ValidationError

from compliance.marks import Marker, is_mark
from compliance.options import RedactionOptions, own_patterns

pytestmark = pytest.mark.unit

CARD = ["4111", "1111", "1111", "1111."]


@pytest.mark.parametrize(
    ("action", "mark"),
    [
        ("remove", "[CREDIT_CARD]."),
        ("mask", "****."),
        ("tag", "[CREDIT_CARD_1]."),
        ("last_four", "[CREDIT_CARD:1111]."),
    ],
)
def test_actions(action: str, mark: str) -> None:
    assert Marker({"CREDIT_CARD": action}).write("CREDIT_CARD", CARD) == mark
    assert is_mark(mark)


def test_the_last_four_of_a_fragment_do_not_show() -> None:
    assert Marker({"CREDIT_CARD": "last_four"}).write("CREDIT_CARD", ["1111", "1111"]) == "[CREDIT_CARD]"


def test_a_pseudonym_is_stable_inside_a_call() -> None:
    marker = Marker({"PERSON": "tag"})
    said = [["Maria", "Lopez,"], ["Robert"], ["maria", "lopez's"], ["Robert?"]]
    assert [marker.write("PERSON", words) for words in said] == [
        "[PERSON_1],", "[PERSON_2]", "[PERSON_1]", "[PERSON_2]?",
    ]  # fmt: skip


def test_a_number_has_one_pseudonym_however_it_is_said() -> None:
    marker = Marker({"PHONE_NUMBER": "tag"})
    assert marker.write("PHONE_NUMBER", ["555-1234"]) == marker.write(
        "PHONE_NUMBER", ["triple", "five", "one", "two", "three", "four"]
    )


@pytest.mark.parametrize("word", ["[inaudible]", "[laughs]", "hello", "*", "[1234]"])
def test_other_brackets_are_no_marks(word: str) -> None:
    assert not is_mark(word)


@pytest.mark.parametrize(
    ("key", "item", "why"),
    [
        ("actions", "CREDIT_CARD_CVV=last_four", "cannot be had"),
        ("actions", "CREDIT_CARD=keep", "is no action"),
        ("actions", "CARD=tag", "is none of"),
        ("actions", "PERSON", "has no ="),
        ("patterns", "badge=x", "capitals"),
        ("patterns", "BADGE=(", "no regular expression"),
    ],
)
def test_what_cannot_be_done_is_an_error(key: str, item: str, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        RedactionOptions(**{key: (item,)})


def test_own_patterns_may_have_actions() -> None:
    options = RedactionOptions(patterns=("BADGE=B-\\d+",), actions=("BADGE=tag",))
    assert own_patterns(options.patterns)["BADGE"].search("badge b-42")
