"""Word and character errors: worked examples, the empty cases, and jiwer on random texts."""

from __future__ import annotations

import random

import jiwer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.scoring.errors import EditErrors, character_errors, pooled, word_errors
from asr.scoring.normalisation import whisper_english


def test_a_worked_example() -> None:
    """One word of seven is replaced, one left out, and one put in."""
    errors = word_errors("please hold the line for a moment", "please hold line for one moment now")
    assert errors == EditErrors(substitutions=1, deletions=1, insertions=1, reference_length=7)
    assert errors.rate == pytest.approx(3 / 7)


def test_an_empty_reference_counts_every_word_as_an_insertion() -> None:
    assert word_errors("", "thank you") == EditErrors(insertions=2)
    assert word_errors(" \n", "thank you").rate == 2.0
    assert word_errors("", "") == EditErrors()
    assert EditErrors().rate == 0.0


def test_an_empty_hypothesis_loses_every_word() -> None:
    assert word_errors("one two three", "") == EditErrors(deletions=3, reference_length=3)


def test_rates_are_those_of_jiwer() -> None:
    chance = random.Random(7)  # noqa: S311
    for _ in range(200):
        reference = " ".join(chance.choices("abcd", k=chance.randint(1, 12)))
        hypothesis = " ".join(chance.choices("abcd", k=chance.randint(0, 12)))
        assert word_errors(reference, hypothesis).rate == pytest.approx(jiwer.wer(reference, hypothesis))


TEXTS = st.lists(st.text("abc", min_size=1, max_size=4), max_size=6).map(" ".join)


@given(TEXTS, TEXTS)
def test_character_rates_are_those_of_jiwer(reference: str, hypothesis: str) -> None:
    errors = character_errors(reference, hypothesis)
    if reference:
        assert errors.rate == pytest.approx(jiwer.cer(reference, hypothesis))
        assert errors.reference_length == len(reference)
    else:
        assert errors == EditErrors(insertions=len(hypothesis))


def test_a_space_between_words_is_a_character_and_others_are_none() -> None:
    assert character_errors("ice cream", "icecream") == EditErrors(deletions=1, reference_length=9)
    assert character_errors(" ice  cream\n", "ice cream ") == EditErrors(reference_length=9)


def test_a_corpus_pools_words_so_that_long_calls_weigh_more() -> None:
    long, short = EditErrors(1, 0, 0, 99), EditErrors(0, 1, 0, 1)
    assert pooled([long, short]) == EditErrors(1, 1, 0, 100)
    assert pooled([long, short]).rate == 0.02
    assert pooled([]) == EditErrors()
    texts = [("a b c", "a c"), ("d", "d e"), ("f g", "f x")]
    total = pooled(word_errors(*pair) for pair in texts)
    assert total.rate == pytest.approx(jiwer.wer([r for r, _ in texts], [h for _, h in texts]))


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("Hello, Mr. Smith!", "hello mister smith"),
        ("It's twenty-five dollars, um, I think", "it is $25 i think"),
        ("the colour of your cheque", "the color of your check"),
        ("", ""),
    ],
)
def test_texts_that_say_the_same_are_made_the_same(said: str, left: str) -> None:
    assert whisper_english(said).strip() == left
