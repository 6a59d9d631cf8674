"""E-mail addresses that are dictated over turns."""

import pytest

from compliance.conversation import moments
from compliance.dictated_emails import find_dictated, pieces
from compliance.utterance import Utterance

pytestmark = pytest.mark.unit


def dictated(*lines: str) -> list[str]:
    """The words that are found, a text a turn."""
    turns = [Utterance(line[0], tuple(line[3:].split())) for line in lines]
    held = {
        (finding.turn, word)
        for finding in find_dictated(turns, moments(turns))
        for word in range(finding.first_word, finding.last_word)
    }
    return [
        " ".join(token for at, token in enumerate(turn.tokens) if (index, at) in held)
        for index, turn in enumerate(turns)
    ]


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (
            ["A: your email", "C: it's j dot smith", "A: okay", "C: at gmail", "A: yep", "C: dot com"],
            ["", "j dot smith", "", "at gmail", "", "dot com"],
        ),
        # Words that are no names, before anything that joins them.
        (
            ["A: email please", "C: green fields", "A: okay", "C: at the farm shop dot org"],
            ["", "green fields", "", "at the farm shop dot org"],
        ),
        # Letters with examples begin one though nobody asked.
        (
            ["A: where to", "C: j for juliet", "A: yes", "C: p for papa", "A: yes", "C: walsh at yahoo dot com"],
            ["", "j for juliet", "", "p for papa", "", "walsh at yahoo dot com"],
        ),
        # What tells of a digit or a letter stands between parts of it.
        (
            [
                "A: your email",
                "C: clara montoya at comcast dot net",
                "A: clara montoya the number four",
                "C: cy with a y",
            ],
            ["", "clara montoya at comcast dot net", "clara montoya the number four", "cy with a y"],
        ),
        (["A: email", "C: um the johnsons at yahoo dot com"], ["", "the johnsons at yahoo dot com"]),
        # The other side's "dot com".
        (
            ["A: email", "C: m hart at outlook", "A: dot com", "C: yes dot com"],
            ["", "m hart at outlook", "dot com", "dot com"],
        ),
        # What somebody says to be one word is of it, whatever was said before.
        (
            ["A: email", "C: reception please it's guest relations all one word at", "C: harbour spa dot com"],
            ["", "guest relations at", "harbour spa dot com"],
        ),
        (["A: email", "C: R for romeo, Stubbs at outlook.com."], ["", "r for romeo stubbs at outlook.com"]),
        # What is said about it is no part of it.
        (
            ["A: email", "C: big wheel all one word", "A: ok", "C: at aol dot com"],
            ["", "big wheel", "", "at aol dot com"],
        ),
    ],
)
def test_pieces_become_an_address_with_its_end(lines: list[str], found: list[str]) -> None:
    assert dictated(*lines) == found


@pytest.mark.parametrize(
    "lines",
    [
        ["A: I'll email it to you", "C: lovely", "A: bye now", "C: bye"],
        ["A: your email", "C: hold on a moment", "A: sure", "C: I don't have one"],
        ["A: your email", "C: green fields", "A: and your phone number", "C: it's at home dot"],
        ["C: is it dot com or dot org", "A: it's dot com", "C: thanks"],
        ["C: the site ends in dot co dot uk and not dot com"],
        ["C: look for the dot on the screen", "A: at the top", "C: yes"],
    ],
)
def test_nothing_without_its_end(lines: list[str]) -> None:
    assert not any(dictated(*lines))


def test_replies_to_a_whole_address_stay() -> None:
    lines = ["A: I have kim at gmail dot com", "C: brilliant", "A: perfect", "C: thanks"]
    assert dictated(*lines)[1:] == ["", "", ""]


def test_what_other_topics_have_is_no_address() -> None:
    line = "C: my number is oh seven seven double oh nine and my email is maria at yahoo dot com and my phone is 5550"
    assert dictated(line) == ["maria at yahoo dot com"]


def test_of_a_read_back_only_what_can_be_read_back() -> None:
    lines = ["A: your email", "C: tom nine", "A: nine lives", "C: tom nine at yahoo dot com"]
    assert dictated(*lines)[2] == "nine"


def test_a_letter_that_is_a_word() -> None:
    said = Utterance("C", ("i", "think", "a", "dash", "is", "in", "it"))
    assert [said.tokens[first:last] for first, last in pieces(said)] == [["a", "dash"]]
