"""Lists of names, places and things."""

import pytest

from compliance.names import lexicon, place_at, things
from compliance.readers.people import find_people, find_things
from compliance.utterance import Utterance

pytestmark = pytest.mark.unit


def test_the_longest_place() -> None:
    tokens = ["in", "new", "york", "city", "hall"]
    assert place_at(tokens, 1) > 2
    assert place_at(tokens, 4) == 4


def test_firms_and_things_are_no_people_unless_announced() -> None:
    tea = Utterance("C", ("earl", "grey", "please"))
    assert find_things(tea) == {0, 1}
    assert list(find_people(tea)) == []
    assert list(find_people(Utterance("C", ("my", "name", "is", "earl", "grey")))) != []
    assert list(find_people(Utterance("C", ("ryanair", "and", "fedex", "rang")))) == []
    assert list(things("an early greyhound")) == []


def test_lists_are_in_lower_case_and_disjoint() -> None:
    known = lexicon()
    assert not known.given & known.given_doubtful
    assert not known.family & known.family_doubtful
    assert all(word == word.lower() for word in known.not_people | known.given | known.family)
