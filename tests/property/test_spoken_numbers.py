"""Any digits, said in any style, read back as the same digits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.spoken_numbers import luhn_valid, read_numbers

pytestmark = pytest.mark.property

UNITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()  # noqa: SIM905
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()  # noqa: SIM905
FILLERS = st.sampled_from(["", "", "", "um", "uh,", "and", "dash"])
ENDINGS = st.sampled_from(["", "", ",", "."])


@st.composite
def said(draw: st.DrawFn, digits: str) -> list[str]:
    """The digits, group after group in a drawn style, with fillers and punctuation between."""
    words: list[str] = []
    at = 0
    while at < len(digits):
        size = draw(st.integers(1, min(5, len(digits) - at)))
        group = digits[at : at + size]
        spoken = draw(st.sampled_from([figures, dashed, by_unit, by_unit_dashed, by_pairs, by_repeats]))(group)
        # "twenty" and a unit after it would be one number, so a pause closes each group.
        ending = draw(ENDINGS) or ("," if spoken[-1].split("-")[-1].lower() in TENS else "")
        words += [*spoken[:-1], spoken[-1] + ending]
        at += size
        filler = draw(FILLERS)
        if filler and at < len(digits):
            words.append(filler)
    case = draw(st.sampled_from([str.lower, str.title, str]))
    return [case(word) for word in words]


def figures(group: str) -> list[str]:
    return [group]


def dashed(group: str) -> list[str]:
    return ["-".join(group)]


def by_unit(group: str) -> list[str]:
    return [UNITS[int(digit)] for digit in group]


def by_unit_dashed(group: str) -> list[str]:
    return ["-".join(by_unit(group))]


def by_pairs(group: str) -> list[str]:
    words = []
    for at in range(0, len(group), 2):
        pair = group[at : at + 2]
        value = int(pair)
        if len(pair) == 1:
            words.append(UNITS[value])
        elif value < 10:
            words += ["oh", UNITS[value]] if value else ["zero", "zero"]
        elif value < 20:
            words.append(TEENS[value - 10])
        else:
            tens = TENS[value // 10 - 2]
            words.append(f"{tens}-{UNITS[value % 10]}" if value % 10 else f"{tens},")
    return words


def by_repeats(group: str) -> list[str]:
    words = []
    at = 0
    while at < len(group):
        same = len(group[at:]) - len(group[at:].lstrip(group[at]))
        times = min(same, 3)
        words += [[], [], ["double"], ["triple"]][times] + [UNITS[int(group[at])]]
        at += times
    return words


@given(st.data(), st.text("0123456789", min_size=1, max_size=24))
def test_read_back(data: st.DataObject, digits: str) -> None:
    words = data.draw(said(digits))
    runs = read_numbers(words)
    assert "".join(run.digits for run in runs) == digits
    assert len(runs) == 1
    assert sum(runs[0].groups) == len(digits)


@given(st.lists(st.sampled_from("four 4111 to oh double um please hundred and 12-34 twenty".split())))  # noqa: SIM905
def test_runs_are_ordered_and_lie_inside(words: list[str]) -> None:
    edges = [0]
    for run in read_numbers(words):
        assert run.digits.isdigit()
        edges += [run.first_word, run.last_word]
    assert edges == sorted(edges)
    assert edges[-1] <= len(words)


@given(st.text("0123456789", min_size=1, max_size=30), st.integers(0, 29), st.integers(1, 9))
def test_luhn_sees_every_single_wrong_digit(digits: str, place: int, change: int) -> None:
    check = next(last for last in "0123456789" if luhn_valid(digits + last))
    good = digits + check
    place %= len(good)
    wrong = good[:place] + str((int(good[place]) + change) % 10) + good[place + 1 :]
    assert luhn_valid(good)
    assert not luhn_valid(wrong)
