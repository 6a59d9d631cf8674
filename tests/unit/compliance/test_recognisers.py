"""E-mails, sites, streets, dates, names, spelling and identifiers in one turn's words."""

from collections.abc import Callable, Iterator

import pytest
from compliance.recognisers import (
    WordSpan,
    find_dates,
    find_emails,
    find_identifiers,
    find_names,
    find_spelling,
    find_streets,
    find_urls,
)

pytestmark = pytest.mark.unit


def emails(words: list[str]) -> Iterator[WordSpan]:
    return find_emails(words, asked=False)


def asked_emails(words: list[str]) -> Iterator[WordSpan]:
    return find_emails(words, asked=True)


def asked_names(words: list[str]) -> Iterator[WordSpan]:
    return find_names(words, asked=True)


Find = Callable[[list[str]], Iterator[WordSpan]]


@pytest.mark.parametrize(
    ("find", "text"),
    [
        (emails, "my email is <maria dot lopez at example dot com> thanks"),
        (emails, "It's <Maria.Lopez at example.com>."),
        (emails, "Write to <maria.lopez@example.com>, please."),
        (emails, "it's <m l o p e z at gmail dot com>"),
        (emails, "yeah <maria underscore lopez forty two at yahoo dot co dot uk>"),
        (emails, "it's <lopez at gmail> okay"),
        (asked_emails, "it's <maria dot lopez>"),
        (asked_emails, "<at example dot com>"),
        (find_urls, "go to <www.example.com> now"),
        (find_urls, "Look at <example dot com slash help>."),
        (find_urls, "visit <www dot example dot org>"),
        (find_streets, "I live at <42 Maple Street>."),
        (find_streets, "it's <forty two maple street> in town"),
        (find_streets, "<one two three north main street apartment four>"),
        (find_streets, "Over on <Sunset Boulevard> I think."),
        (find_dates, "on <March 3rd, 1984>."),
        (find_dates, "<march third nineteen eighty four>"),
        (find_dates, "it was <the third of May 1971>".replace("<the ", "the <")),
        (find_dates, "<04/12/1971>"),
        (find_names, "Hi, my name is <Maria Lopez> and I"),
        (find_names, "my name is <ngozi adeyemi>"),
        (find_names, "this is <jennifer> how can i help"),
        (find_names, "The name on the card is <Ngozi Adeyemi>."),
        (find_names, "Thank you, <Robert>."),
        (find_names, "Thank you for calling, this is <Oluwaseun>, how can I help?"),
        (find_names, "Is this Mrs. <Okonkwo>?"),
        (find_names, "so <maria lopez> called"),
        (asked_names, "<Okonkwo>."),
        (find_spelling, "it's <L O P E Z> okay"),
        (find_spelling, "<L-O-P-E-Z>."),
        (find_spelling, "<l as in lima o as in oscar p as in papa>"),
        (find_identifiers, "it is <PX-4471> yes"),
        (find_identifiers, "number <P X 4 4 7 1>."),
        (find_identifiers, "<W12345678>"),
    ],
)
def test_finds(find: Find, text: str) -> None:
    words = text.split()
    first = next(place for place, word in enumerate(words) if "<" in word)
    last = next(place for place, word in enumerate(words) if ">" in word) + 1
    bare = text.replace("<", "").replace(">", "").split()
    covered = {place for start, stop in find(bare) for place in range(start, stop)}
    assert covered == set(range(first, last))


@pytest.mark.parametrize(
    ("find", "text"),
    [
        (emails, "Look at example dot com"),
        (emails, "meet me at nine"),
        (asked_emails, "I am at work right now."),
        (find_urls, "connect the dots and come back"),
        (find_streets, "I waited forty five minutes on the street."),
        (find_streets, "There are two ways to drive."),
        (find_streets, "a five minute drive"),
        (find_dates, "You may call in two days."),
        (find_dates, "I march on."),
        (find_names, "This is about my bill."),
        (find_names, "this is ridiculous"),
        (find_names, "My name is spelled wrong."),
        (find_names, "I'm calling about my order. Thank you. This is it."),
        (find_names, "Thank you so much."),
        (find_names, "I'm calling because it broke."),
        (asked_names, "Sure, okay."),
        (find_spelling, "I need a USB cable."),
        (find_spelling, "A U turn"),
        (find_identifiers, "the 1st of all 4471 items"),
        (find_identifiers, "It's one of them"),
    ],
)
def test_leaves_alone(find: Find, text: str) -> None:
    assert list(find(text.split())) == []


def test_a_farewell_after_thanks_is_no_name() -> None:
    assert list(find_names(["Thank", "you.", "Goodbye."])) == []
