"""Values that come again in the call."""

from compliance.echoes import find_echoes
from compliance.findings import Finding
from compliance.utterance import Utterance


def echoes(*lines: str, found: tuple[Finding, ...]) -> set[str]:
    """The words that are found again."""
    turns = [Utterance(line[0], tuple(line[3:].split())) for line in lines]
    again = find_echoes(turns, found)
    return {
        turns[echo.turn].tokens[word]
        for echo in again
        if echo not in found
        for word in range(echo.first_word, echo.last_word)
        if not any(one.turn == echo.turn and one.first_word <= word < one.last_word for one in found)
    }


def test_parts_of_a_number() -> None:
    card = (Finding(0, 0, 4, "CREDIT_CARD"),)
    assert echoes("C: 3768 2537 4229 421", "A: ending 421", found=card) == {"421"}
    assert echoes("C: 3768 2537 4229 421", "A: 421 dollars", found=card) == set()
    assert echoes("C: 3768 2537 4229 421", "A: 555 then", found=card) == set()


def test_two_digits_of_an_end() -> None:
    phone = (Finding(0, 0, 1, "PHONE_NUMBER"),)
    assert echoes("C: 6025550178", "A: seven eight at the end", found=phone) == {"seven", "eight"}
    assert echoes("C: 6025550178", "A: seven eight then", found=phone) == set()


def test_parts_of_an_address_and_their_joints() -> None:
    email = (Finding(0, 0, 6, "EMAIL_ADDRESS"),)
    lines = ("C: darren at plumbright dot com ok", "A: plum like the fruit")
    assert echoes(*lines, found=(Finding(0, 0, 5, "EMAIL_ADDRESS"),)) == {"plum"}
    assert echoes("C: p sharma at rediffmail dot com", "A: no p j sharma", found=email) == {"p", "j", "sharma"}


def test_figures_beside_the_letters_of_an_address() -> None:
    lines = ("C: bnolan83 at yahoo dot com", "A: B-N-O-L-A-N 83 yes")
    found = (Finding(0, 0, 5, "EMAIL_ADDRESS"), Finding(1, 0, 1, "EMAIL_ADDRESS"))
    assert echoes(*lines, found=found) == {"83"}
    assert echoes(lines[0], "A: B-N-O-L-A-N 12 yes", found=found) == set()
    assert echoes(lines[0], "A: B-N-O-L-A-N and 83 people", found=found) == set()


def test_a_name_that_was_spelled() -> None:
    assert echoes("C: s-i-o-b-h-a-n", "A: siobhan okay", found=(Finding(0, 0, 1, "PERSON"),)) == {"siobhan"}


def test_everyday_words_of_a_place_do_not_spread() -> None:
    place = (Finding(0, 0, 3, "LOCATION"),)
    assert echoes("C: nine golden lane", "A: a golden opportunity", found=place) == set()


def test_a_code_that_is_read_back_as_a_word() -> None:
    place = (Finding(0, 0, 5, "LOCATION"),)
    assert echoes("C: n for november g seven", "A: NG7 yes", found=place) == {"ng7"}
    assert echoes("C: n for november g seven", "A: a4 paper", found=place) == set()
