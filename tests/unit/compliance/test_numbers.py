"""Numbers by length, checksum, grouping and talk, over one turn and over many."""

import pytest

from compliance.numbers import NumberRecogniser
from compliance.utterance import Utterance

pytestmark = pytest.mark.unit


def found(*lines: str) -> list[tuple[int, str, str]]:
    """Turn, entity and words of each finding; a line is "A: text" or "C: text"."""
    turns = [Utterance(line[0], tuple(line[3:].split())) for line in lines]
    return sorted(
        (
            finding.turn,
            finding.entity,
            " ".join(turns[finding.turn].words[finding.first_word : finding.last_word]),
        )
        for finding in NumberRecogniser().find(turns)
    )


@pytest.mark.parametrize(
    ("lines", "entity"),
    [
        (["C: It's 4111 1111 1111 1111."], "CREDIT_CARD"),
        (["C: it's four one one one one one one one one one one one one one one one"], "CREDIT_CARD"),
        (["C: It's 4111-1111-1111-1111, 12/27, 123."], "CREDIT_CARD"),
        (["C: It's 4111-1111-1111-1112."], "CREDIT_CARD"),
        (["A: Which card?", "C: Visa 4111 1111 1111."], "CREDIT_CARD"),
        (["A: Is that the card ending in 4821?"], "CREDIT_CARD"),
        (["A: security code please", "C: one two three"], "CREDIT_CARD_CVV"),
        (
            ["A: And the three digits on the back?", "C: Um, let me find it here for you.", "C: 1-2-3."],
            "CREDIT_CARD_CVV",
        ),
        (["A: The CVV?", "C: 3:12."], "CREDIT_CARD_CVV"),
        (["A: The CVV?", "C: $312."], "CREDIT_CARD_CVV"),
        (["C: 123", "A: and that was the security code?"], "CREDIT_CARD_CVV"),
        (["C: My card expires 04/27."], "CREDIT_CARD_EXPIRATION"),
        (["A: the expiration date on the card", "C: oh four twenty seven"], "CREDIT_CARD_EXPIRATION"),
        (["C: five three six, nine zero, four three nine nine."], "US_SSN"),
        (["A: your social", "C: five three six nine zero four three nine nine"], "US_SSN"),
        (["A: The last four of your social security number?", "C: 4399."], "US_SSN"),
        (["C: 555-867-5309."], "PHONE_NUMBER"),
        (["C: eight six seven, five three oh nine."], "PHONE_NUMBER"),
        (["C: call me at 8675309"], "PHONE_NUMBER"),
        (["C: The account number is 0044 8812."], "ACCOUNT_NUMBER"),
        (["A: Your policy number?", "C: seven seven one two oh"], "ACCOUNT_NUMBER"),
        (["C: Call me on oh seven seven double oh nine hundred one two three."], "PHONE_NUMBER"),
        (["C: plus four four seven seven double oh nine double oh one two three"], "PHONE_NUMBER"),
        (["A: Which card?", "C: four one one one banana two two two two"], "CREDIT_CARD"),
        (["A: I have 4111 1111 1111 so far.", "C: one one one two"], "CREDIT_CARD"),
        (["A: Sorry, I missed the third group.", "C: eight eight one seven"], "CREDIT_CARD"),
        (["C: it's a five four three two four four one oh nine"], "ACCOUNT_NUMBER"),
        (["A: the last four of your social", "C: eighty one twenty two"], "US_SSN"),
        (["A: And the IBAN?", "C: 1234 5678"], "IBAN_CODE"),
        (["A: And the three-digit code?", "C: That would be a one, a four, and a nine."], "CREDIT_CARD_CVV"),
        (["A: what was that last group again", "C: nine three three one"], "CREDIT_CARD"),
        (["C: My zip's 30309."], "LOCATION"),
        (["C: my house number is forty five"], "LOCATION"),
        (["C: My medical record number is 4471 882."], "MEDICAL_RECORD"),
        (["A: the rx number is six six one two zero nine"], "MEDICAL_RECORD"),
        (["A: And the prescription number?", "C: 7719 204."], "MEDICAL_RECORD"),
        (["A: date of birth", "C: oh four twelve seventy one"], "DATE_OF_BIRTH"),
        (["A: order number is 4111 1111 1111 1111"], "CREDIT_CARD"),
        (["C: I paid forty dollars with the card ending 6618"], "CREDIT_CARD"),
        (["A: and I'll refund the card ending", "C: six four two nine"], "CREDIT_CARD"),
        (["A: the charge was on the card ending in?", "C: um, 6429"], "CREDIT_CARD"),
        (["A: I'll put it on the card you paid with that's six six oh one at the end"], "CREDIT_CARD"),
        (["A: what's your zip code", "C: six two seven oh one"], "LOCATION"),
    ],
)
def test_one_number(lines: list[str], entity: str) -> None:
    assert {named for _, named, _ in found(*lines)} == {entity}


@pytest.mark.parametrize(
    "lines",
    [
        ["A: Your order total is 4500 dollars."],
        ["A: Which card?", "A: It takes 3 to 5 business days and costs 1250."],
        ["C: I have been a customer since 2015."],
        ["A: Which card would you like to use?", "C: The one that I have had since 2015."],
        ["C: One of them is broken."],
        ["C: The model number is 44871."],
        ["A: the outage number is eight one seven seven two"],
        ["A: your quote number is 4417 2209"],
        ["A: The prescription is for thirty tablets, and three refills."],
        ["A: Application number 20260114 came in on Monday."],
        ["C: the lotto numbers were six twelve twenty one thirty three forty and four"],
        ["A: it's psalm ninety one verse eleven on the card"],
        ["C: use door number four"],
        ["A: the claim was settled for nine thousand four hundred"],
        ["C: it was forty five ninety nine and now it's fifty two"],
        ["A: do you have the card", "A: we tried at ten forty"],
        ["A: your phone number please", "C: one moment"],
        ["C: I called at 10:30 and paid $4,500.20 for 16 of them."],
        ["A: security code please", "C: Okay, it's on page 200 of the manual, one second."],
        ["A: Your order number is 5 5 8 2 1 4 9."],
        ["A: your confirmation number is seven seven one two oh"],
        ["C: It was between fifty fifty and thirty two fifty."],
        ["C: in nineteen ninety nine it was ninety six fifty and now it's thirty seven"],
        ["A: Your account will be credited in two to three billing cycles."],
        ["A: We have 20,000,000 customers."],
        ["A: order number one one two dash four five six seven eight nine oh dash one two three four five six seven"],
        ["A: your tracking number is one z nine nine nine a a one oh one two three four five six seven eight four"],
        ["A: I put it in twenty nineteen"],
        ["C: a radiator, 600 by 1200"],
        ["A: Which card?", "C: The new one, not the old one."],
        ["A: The card number?", "C: I was charged two hundred dollars."],
        ["C: I have 3 kids and 2 dogs and 1 is 15."],
        ["A: how long does it last", "C: about 1400 hours"],
        ["A: the order was ending", "A: six four two nine"],
    ],
)
def test_no_number(lines: list[str]) -> None:
    assert found(*lines) == []


def test_a_card_dictated_over_turns_with_read_backs() -> None:
    lines = [
        "A: go ahead", "C: 4 1", "A: 4 1", "C: one one one one sorry one one", "A: okay",
        "C: yeah it's one one one one", "A: mm-hmm", "C: and one one one one",
    ]  # fmt: skip
    turns = {turn for turn, entity, _ in found(*lines) if entity == "CREDIT_CARD"}
    assert turns == {1, 3, 5, 7}


def test_read_backs_go_too_once_a_card_is_the_topic() -> None:
    lines = ["A: the card number", "C: 4 1", "A: 4 1", "C: 1 1", "A: 1 1"]
    assert {turn for turn, _, _ in found(*lines)} == {1, 2, 3, 4}


def test_turns_out_of_order_do_not_save_a_card() -> None:
    lines = ["C: 0343 6467", "A: okay", "C: 4539 1488"]
    assert [turn for turn, entity, _ in found(*lines) if entity == "CREDIT_CARD"] == [0, 2]


def test_single_digits_and_read_backs_of_a_security_code() -> None:
    lines = ["A: security code please", "C: nine", "A: nine", "C: yeah, eight", "A: eight", "C: two"]
    assert [turn for turn, entity, _ in found(*lines) if entity == "CREDIT_CARD_CVV"] == [1, 2, 3, 4, 5]


def test_a_new_question_ends_the_old_subject() -> None:
    lines = [
        "A: date of birth",
        "C: oh four twelve seventy one",
        "A: and your zip code",
        "C: six two seven oh one",
    ]
    assert [entity for _, entity, _ in found(*lines)] == ["DATE_OF_BIRTH", "LOCATION"]


def test_doubt_inside_a_number_is_removed() -> None:
    words = ("four", "one", "one", "one", "in", "the", "shed", "two", "two", "two", "two")
    unsure = (0.9,) * 4 + (0.1,) * 3 + (0.9,) * 4
    for confidences, n_words in ((unsure, 11), ((), 8)):
        turns = [Utterance("A", ("your", "card", "number?")), Utterance("C", words, confidences)]
        found = list(NumberRecogniser(confidence_floor=0.3).find(turns))
        covered = {word for finding in found for word in range(finding.first_word, finding.last_word)}
        assert len(covered) == n_words


def test_digits_that_somebody_says_where_to_put() -> None:
    phone = "A: so your phone number is five five five oh one eight two"
    assert found(phone, "C: with a three one two in front")[-1] == (1, "PHONE_NUMBER", "three one two")
    assert len(found(phone, "C: with a three one two in my garden")) == 1
