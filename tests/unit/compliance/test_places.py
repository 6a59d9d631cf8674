"""Places without a house number before a kind of street."""

import pytest

from compliance.readers.places import find_answers, find_bare_number, find_bare_place, find_places, widened
from compliance.utterance import Utterance


def turn(text: str) -> Utterance:
    return Utterance("C", tuple(text.split()))


def words(text: str, spans: object) -> str:
    tokens = turn(text).tokens
    held = sorted({word for first, last in spans for word in range(first, last)})  # type: ignore[attr-defined]
    return " ".join(tokens[word] for word in held)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("it's saffron walden", "saffron walden"),
        ("Las Cruces, New Mexico.", "las cruces new mexico"),
        ("i can't remember sorry", ""),
        ("It's The Old Granary, Weir Farm.", "the old granary weir farm"),
        ("the stables back lane", "the stables back lane"),
        ("Great Missenden", "great missenden"),
        ("great thanks", ""),
        ("the same one as before", ""),
        ("yes please", ""),
    ],
)
def test_answers(text: str, place: str) -> None:
    assert words(text, find_answers(turn(text))) == place


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("i'm at the corner of fulton and ninth", "corner of fulton and ninth"),
        ("2030 paseo del norte", "2030 paseo del norte"),
        ("i'm on state route nine", "state route nine"),
        ("it is lindenstrasse 14", "lindenstrasse 14"),
        ("plot forty four sector nine", "plot forty four sector nine"),
        ("she is at rose cottage now", "rose cottage"),
        ("the road is stoke newington high street", "stoke newington high street"),
        ("i'm in kowloon now", "kowloon"),
        ("the road is closed today", ""),
        ("my son is number nine and my daughter number four", ""),
        ("i went down the main road", ""),
        ("we crossed the street", ""),
        ("the tower of london", ""),
        ("terminal two gate b nineteen", ""),
        ("take lift number three to floor twelve", ""),
    ],
)
def test_places_that_nobody_asked_for(text: str, place: str) -> None:
    assert words(text, find_places(turn(text), asked=False)) == place


def test_named_parts_of_an_address() -> None:
    text = "the old forge mill street second floor"
    assert words(text, find_places(turn(text), asked=True)) == text


def test_a_number_alone_answers() -> None:
    assert words("it's thirty seven a", find_bare_number(turn("it's thirty seven a"))) == "thirty seven a"
    assert words("we have thirty seven boxes", find_bare_number(turn("we have thirty seven boxes"))) == ""


def test_a_place_alone() -> None:
    assert words("in boise", find_bare_place(turn("in boise"))) == "boise"
    assert words("little snoring", find_bare_place(turn("little snoring"))) == "little snoring"
    assert words("okay", find_bare_place(turn("okay"))) == ""


def test_strange_words_widen_an_address() -> None:
    text = "nine pine road gurgaon is home"
    assert words(text, widened(turn(text), [(0, 3)])) == "gurgaon"
