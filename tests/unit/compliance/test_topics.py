"""Phrases that announce a number or a name."""

import pytest

from compliance.topics import Topic, TopicReader

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        ("What's your Social Security number?", [Topic.SSN]),
        ("the security code, please", [Topic.CVV]),
        ("the three digits on the back of your card", [Topic.CVV, Topic.CARD]),
        ("C V V", [Topic.CVV]),
        ("Your card's expiration date?", [Topic.CARD, Topic.EXPIRY]),
        ("I saw it on social media.", []),
        ("the product code", [Topic.HARMLESS]),
        ("your prescription number", [Topic.MEDICAL]),
        ("the planning application number is", [Topic.HARMLESS]),
        ("my tax code", [Topic.HARMLESS]),
        ("the coupon code's", [Topic.HARMLESS]),
        ("is the serial number on the back", [Topic.HARMLESS]),
        ("is the number on the back", [Topic.CVV]),
        ("and the account holder?", [Topic.NAME]),
        ("the address of the account holder", [Topic.ADDRESS]),
        ("the three are one one two", [Topic.CVV]),
        ("the three are broken", []),
        ("a new sim card and a memory card", []),
        ("the driver left a card", []),
        ("so I have a card", [Topic.CARD]),
        ("the door number please", [Topic.HOUSE]),
        ("and the lead passenger?", [Topic.NAME]),
        ("use my work one", []),
        ("scan the barcode", [Topic.HARMLESS]),
        ("the old one went out of date", [Topic.EXPIRY]),
        ("my driver's license and my passport number", [Topic.LICENSE, Topic.PASSPORT]),
        ("your e-mail address", [Topic.EMAIL]),
        ("the valid-through date on that", [Topic.EXPIRY]),
        ("sort-code and date-of-birth", [Topic.ACCOUNT, Topic.BIRTH]),
        ("no social-media for me", []),
        ("nothing of the kind", []),
        ("", []),
    ],
)
def test_topics(text: str, topics: list[Topic]) -> None:
    assert [mention.topic for mention in TopicReader().read(text.split())] == topics


def test_mentions_count_words() -> None:
    text = "so your Card number, please"
    mention = TopicReader().read(text.split())[0]
    assert (mention.first_word, mention.last_word) == (1, 4)
