"""What somebody puts right."""

import pytest

from compliance.corrections import find_corrections
from compliance.findings import Finding
from compliance.utterance import Utterance

pytestmark = pytest.mark.unit


def corrected(*lines: str, found: tuple[Finding, ...]) -> set[str]:
    """The words that are found beside what was found before."""
    turns = [Utterance(line[0], tuple(line[3:].split())) for line in lines]
    known = {(one.turn, word) for one in found for word in range(one.first_word, one.last_word)}
    return {
        turns[one.turn].tokens[word]
        for one in find_corrections(turns, found)
        for word in range(one.first_word, one.last_word)
        if (one.turn, word) not in known
    }


@pytest.mark.parametrize(
    ("line", "span", "entity", "also"),
    [
        ("it's linden place not parade", (1, 3), "LOCATION", {"parade"}),
        ("the fourteenth? no 4471 not 4417", (3, 4), "ACCOUNT_NUMBER", {"4417"}),
        ("it's nineteen elm road not nine", (1, 4), "LOCATION", {"nine"}),
        ("4471 not sure about the rest", (0, 1), "ACCOUNT_NUMBER", set()),
        ("it's mary not now please", (1, 2), "PERSON", set()),
        ("mary not the fourteen", (0, 1), "PERSON", set()),
    ],
)
def test_the_other_side_of_a_not(line: str, span: tuple[int, int], entity: str, also: set[str]) -> None:
    assert corrected(f"C: {line}", found=(Finding(0, *span, entity),)) == also


def test_what_was_said_turns_ago_is_put_right() -> None:
    lines = ("A: sales at northern dot ca", "C: service not sales")
    assert corrected(*lines, found=(Finding(0, 0, 5, "EMAIL_ADDRESS"),)) == {"service", "sales"}
    assert corrected("A: hello there you", "C: service not sales", found=(Finding(0, 0, 1, "PERSON"),)) == set()


@pytest.mark.parametrize(
    ("line", "span", "entity", "also"),
    [
        ("six no sixteen bramble close", (2, 5), "LOCATION", {"six"}),
        ("mary sorry marie delgado", (2, 4), "PERSON", {"mary"}),
        ("the director yusuf sorry youssef haddad with two s", (2, 3), "PERSON", {"youssef", "haddad"}),
        ("thanks sorry marie", (2, 3), "PERSON", set()),
        ("yusuf sorry about the wait", (0, 1), "PERSON", set()),
    ],
)
def test_what_was_begun_and_given_up(line: str, span: tuple[int, int], entity: str, also: set[str]) -> None:
    assert corrected(f"C: {line}", found=(Finding(0, *span, entity),)) == also
