"""What a second hearing's text gives away, held against the kept transcript; with the real model for names."""

from __future__ import annotations

from pathlib import Path

import pytest

from asr.types import Channel, Provenance, Word
from compliance.options import RedactionOptions
from compliance.redactor import Redactor
from compliance.survivors import survivors, text_survivors
from compliance.types import RedactedTranscript, RedactedTurn, RedactedWord, Redaction

SIDE = Channel.CUSTOMER


@pytest.fixture(scope="module")
def redactor(ner_model_dir: Path) -> Redactor:
    return Redactor.load(ner_model_dir, RedactionOptions())


def kept(text: str, policy: str = "all") -> RedactedTranscript:
    """A turn of one word a second, in which a mark such as [CREDIT_CARD] stands for what was said in its second."""
    words, marks = [], []
    for at, word in enumerate(text.split()):
        entity = word[1:-1] if word.startswith("[") else None
        words.append(RedactedWord(word, float(at), at + 0.9, 0.9, entity))
        if entity:
            marks.append(Redaction(entity, SIDE, 0, at, 1, float(at), at + 0.9))
    turn = RedactedTurn("customer", SIDE, tuple(words))
    made_by = Provenance("m", "s", "e", "p", "c", "v")
    return RedactedTranscript("a.wav", 60.0, (SIDE,), (turn,), (), tuple(marks), policy, made_by)


def heard(text: str, from_s: float = 0.0) -> dict[Channel, list[Word]]:
    return {SIDE: [Word(word, from_s + at, from_s + at + 0.9, 0.9) for at, word in enumerate(text.split())]}


def found(redactor: Redactor, said: str, transcript: RedactedTranscript, from_s: float = 0.0) -> list[str]:
    return [one.entity for one in survivors(heard(said, from_s), transcript, redactor)]


def test_a_single_digit_beside_a_removed_number_counts_and_a_far_one_does_not(redactor: Redactor) -> None:
    card = kept("it is [CREDIT_CARD] thank you very much and good bye")
    assert found(redactor, "seven thank you", card, 3.2) == ["DIGITS"]
    assert found(redactor, "thank you very much all seven", card, 3.2) == []


def test_four_digits_count_wherever_they_are(redactor: Redactor) -> None:
    assert "DIGITS" in found(redactor, "well 5 2 0 0", kept("well"), 20.0)


def test_what_the_kept_words_say_there_too_does_not_count(redactor: Redactor) -> None:
    order = kept("your order is 5 2 0 0 today")
    assert found(redactor, "is 5 2 0 0", order, 2.0) == []
    assert found(redactor, "is 5 2 0 1", order, 2.0) == ["DIGITS"]
    assert found(redactor, "is 5 2 0 0", order, 30.0) == ["DIGITS"], "at another time it is another number"


def test_a_card_counts_even_where_the_kept_words_have_it(redactor: Redactor) -> None:
    said = "my card number is 5200 8282 8282 8210"
    assert "CREDIT_CARD" in found(redactor, said, kept(said))


def test_names_count_where_the_policy_removes_them(redactor: Redactor) -> None:
    said = "my name is maria lopez"
    assert found(redactor, said, kept("my name is [PERSON]")) == ["PERSON"]
    assert found(redactor.with_policy("pci"), said, kept("my name is uh", "pci")) == []


def test_kept_text_is_read_once_more(redactor: Redactor) -> None:
    assert text_survivors(kept("my card is [CREDIT_CARD] and my name is [PERSON]"), redactor) == {}
    assert text_survivors(kept("my name is maria lopez"), redactor) == {"PERSON": 1}
