"""Numbers as people say them and as a recogniser writes them."""

import pytest

from compliance.spoken_numbers import luhn_valid, read_numbers

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("4111", "4111"),
        ("4111-1111-1111-1111.", "4111111111111111"),
        ("4111 1111 1111 1111", "4111111111111111"),
        ("536-90-4399", "536904399"),
        ("(555) 123-4567", "5551234567"),
        ("four one one one", "4111"),
        ("Four, one, one, one.", "4111"),
        ("four-one-one-one", "4111"),
        ("forty one eleven", "4111"),
        ("Forty-one eleven", "4111"),
        ("twenty, four", "204"),
        ("double four triple one", "44111"),
        ("double 4 oh", "440"),
        ("eight hundred five five five", "800555"),
        ("four hundred twelve", "412"),
        ("four hundred and twelve", "412"),
        ("four thousand one hundred eleven", "4111"),
        ("twenty four hundred", "2400"),
        ("one two um three and uh four", "1234"),
        ("four one for one", "4141"),
        ("o two o", "020"),
        ("a hundred and four", "104"),
        ("a thousand and twelve", "1012"),
        ("10", "10"),
    ],
)
def test_reads_one_number(text: str, digits: str) -> None:
    words = text.split()
    assert [(run.digits, run.first_word, run.last_word) for run in read_numbers(words)] == [(digits, 0, len(words))]


@pytest.mark.parametrize(
    "text",
    [
        "Oh, okay.",
        "for you to go",
        "$45.20",
        "10:30",
        "49.99",
        "192.168.1.20",
        "two-factor",
        "um and",
        "double check",
        "a hundred of them",
        "",
    ],
)
def test_reads_no_number(text: str) -> None:
    assert read_numbers(text.split()) == []


def test_a_run_stops_at_other_words_and_leaves_fillers_at_its_ends() -> None:
    text = "um four one and then we call 5 5 uh please"
    runs = read_numbers(text.split())
    assert [(run.first_word, run.last_word, run.digits) for run in runs] == [(1, 3, "41"), (7, 9, "55")]


def test_too_many_fillers_end_a_run() -> None:
    text = "one um uh um uh two"
    assert [run.digits for run in read_numbers(text.split())] == ["1", "2"]


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("536-90-4399", (3, 2, 4)),
        ("five three six, nine zero, four three nine nine.", (3, 2, 4)),
        ("536 90 4399", (3, 2, 4)),
        ("five three six dash nine zero", (3, 2)),
        ("one two three", (3,)),
    ],
)
def test_groups_are_what_dashes_and_pauses_make(text: str, groups: tuple[int, ...]) -> None:
    assert read_numbers(text.split())[0].groups == groups


@pytest.mark.parametrize("digits", ["4111111111111111", "378282246310005", "6011111111111117", "5555555555554444"])
def test_luhn_accepts_published_test_cards_and_no_neighbour(digits: str) -> None:
    assert luhn_valid(digits)
    for last in set("0123456789") - {digits[-1]}:
        assert not luhn_valid(digits[:-1] + last)


def test_luhn_of_nothing_is_false() -> None:
    assert not luhn_valid("")


def test_digits_stay_out_of_the_repr() -> None:
    assert "4111" not in repr(read_numbers(["4111"])[0])


def test_decimals_that_touch_figures_are_dictated_digits() -> None:
    """Whisper writes "six zero four, eight eight two seven" with a pause in it as "6.04. 8.827."."""
    assert [run.digits for run in read_numbers(["It", "is", "6.04.", "8.827."])] == ["6048827"]
    assert read_numbers(["The", "total", "is", "6.04.", "Is", "that", "fine?"]) == []
