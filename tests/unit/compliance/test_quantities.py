"""Numbers that count or measure."""

import pytest

from compliance.quantities import dictated_runs, is_amount, is_year
from compliance.utterance import Utterance

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("three dollars and 4471", ["4471"]),
        ("600 by 1200 double panel", []),
        ("an eight by ten print", []),
        ("followed by one two three four", ["1234"]),
        ("the one with page 44", []),
        ("twelve days then", []),
    ],
)
def test_what_may_be_dictated(text: str, left: list[str]) -> None:
    assert [run.digits for run in dictated_runs(Utterance("C", tuple(text.split())))] == left


def test_amounts_and_years() -> None:
    said = Utterance("C", ("since", "2015", "we", "sold", "1,250,000"))
    year, amount = said.runs
    assert (is_year(said.words, year), is_year(said.words, amount)) == (True, False)
    assert (is_amount(said.words, year), is_amount(said.words, amount)) == (False, True)
