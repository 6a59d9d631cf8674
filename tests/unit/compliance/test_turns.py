"""What the readers find where the talk gives them reason."""

import pytest

from compliance.conversation import moments
from compliance.turns import find_in_turns
from compliance.utterance import Utterance

pytestmark = pytest.mark.unit


def found(*lines: str, entity: str = "") -> list[str]:
    """The words of each turn that are found, of one entity or any."""
    turns = [Utterance(line[0], tuple(line[3:].split())) for line in lines]
    held = {
        (finding.turn, word)
        for finding in find_in_turns(turns, moments(turns))
        for word in range(finding.first_word, finding.last_word)
        if entity in ("", finding.entity)
    }
    return [
        " ".join(token for at, token in enumerate(turn.tokens) if (index, at) in held)
        for index, turn in enumerate(turns)
    ]


@pytest.mark.parametrize(
    ("question", "answer", "entity"),
    [
        ("licence number", "a b nine x y", "US_DRIVER_LICENSE"),
        ("passport number", "p", "US_PASSPORT"),
        ("your iban", "d e", "IBAN_CODE"),
        ("the i-ban then", "n l nine one", "IBAN_CODE"),
        ("postcode", "g l", "LOCATION"),
        ("and the address there", "b four", "LOCATION"),
        ("how do i spell your surname", "m", "PERSON"),
        ("policy number", "it's q for queen", "ACCOUNT_NUMBER"),
    ],
)
def test_letters_that_are_all_of_an_answer(question: str, answer: str, entity: str) -> None:
    said = answer.removeprefix("it's ")
    assert found(f"A: {question}", f"C: {answer}", entity=entity)[1] == said
    assert found("A: how is it marked", f"C: {answer}", entity=entity)[1] == ""


def test_the_letters_of_a_word_that_was_just_said() -> None:
    assert found("C: the patient is ines i n e s") == ["ines i n e s"]
    assert found("C: the w d a cable", "A: which") == ["", ""]


def test_a_word_that_was_spelled_with_more() -> None:
    assert found("C: Smith, S M I T H, s for sugar", entity="PERSON") == ["smith s m i t h s for sugar"]


def test_what_is_said_to_be_the_address() -> None:
    assert found("A: I've got 88 Fernhill as your address.", entity="LOCATION") == ["88 fernhill"]
    assert found("A: I've got 88 Fernhill posters.", entity="LOCATION") == [""]


def test_towns_beside_an_address() -> None:
    lines = ("C: forty finch lane", "A: kansas i assume", "C: yes")
    assert found(*lines, entity="LOCATION")[1].startswith("kansas")
    assert found("A: kansas i assume", entity="LOCATION") == [""]


def test_a_postcode_makes_an_address_of_what_stands_beside_it() -> None:
    said = "nineteen cowslip meadow"
    assert said in found(f"C: i'm at {said} that's n n four six j q")[0]
    assert found("C: we sold nineteen cowslip meadow plants", entity="LOCATION") == [""]


@pytest.mark.parametrize(
    ("lines", "dates"),
    [
        (["A: birth date", "C: christmas eve nineteen sixty"], ["", "christmas eve nineteen sixty"]),
        (["C: my birthday is wrong it's the sixth"], ["the sixth"]),
        (["C: it's the third of may nineteen sixty"], ["the third of may nineteen sixty"]),
        (["C: we closed on christmas eve"], [""]),
        (["C: it's the sixth"], [""]),
    ],
)
def test_dates_of_birth(lines: list[str], dates: list[str]) -> None:
    assert found(*lines, entity="DATE_OF_BIRTH") == dates


@pytest.mark.parametrize(
    ("lines", "dates"),
    [
        (
            ["A: which card", "C: a visa", "A: and the month", "C: four", "A: and the year", "C: twenty nine"],
            ["", "", "", "four", "", "twenty nine"],
        ),
        (["A: which month", "C: four"], ["", ""]),
        (["A: the expiration date", "C: April 2029, I think. Oh no, 2028."], ["", "april 2029 2028"]),
        (["A: when does it expire", "C: june of next year"], ["", "june of next year"]),
        (["A: and that expires", "C: the end of next month"], ["", "the end of next month"]),
        (["A: and it's good till", "C: uh march the year after next"], ["", "march the year after next"]),
        # A date and then a code are a card's, though nobody names one.
        (["A: Still '26?", "C: June '29.", "A: And the code?", "C: 118."], ["", "june 29", "", ""]),
        (["A: Still '26?", "C: June '29.", "A: And the colour?", "C: Red."], ["", "", "", ""]),
        (["A: is it still valid", "C: yes september twenty seven"], ["", "september twenty seven"]),
    ],
)
def test_expiry_dates(lines: list[str], dates: list[str]) -> None:
    assert found(*lines, entity="CREDIT_CARD_EXPIRATION") == dates


@pytest.mark.parametrize(
    ("shown", "right", "said"),
    [
        ("A: I have WR9 8QF.", "C: QP, sorry.", "qp"),
        ("A: WR9 8QF then", "C: No, it's QP at the end.", "qp"),
        ("A: I have WR9 8QF.", "C: QP, not QF.", "qp qf"),
        ("A: I have WR9 8QF.", "C: OK", ""),
        ("A: I have a van.", "C: QP, sorry.", ""),
        ("A: I have WR9 8QF.", "C: is there a number", ""),
    ],
)
def test_the_end_of_a_postcode_that_is_put_right(shown: str, right: str, said: str) -> None:
    assert found(shown, right, entity="LOCATION")[1] == said


def test_what_is_spelled_of_a_thing_is_no_name() -> None:
    assert found("A: the voucher code is S U M M E R") == [""]
    assert found("A: the job reference is J O B one") == [""]
    assert found("A: it starts with H T T P S") == [""]
    assert found("A: it was S U M M E R") == ["s u m m e r"]


def test_the_account_holder_is_asked_for() -> None:
    assert found("A: And the account holder?", "C: Róisín Nic Ghabhann.") == ["", "róisín nic ghabhann"]


def test_the_other_name_is_asked_for() -> None:
    lines = ("A: spell the surname", "C: n o v a k", "A: thank you and first", "C: ludmila")
    assert found(*lines, entity="PERSON")[3] == "ludmila"
