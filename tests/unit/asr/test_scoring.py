"""Word errors: a worked example, the empty cases, and jiwer on random texts."""

from __future__ import annotations

import random

import jiwer
import pytest

from asr.normalise import whisper_english
from asr.scoring import WordErrors, pooled, word_errors


def test_a_worked_example() -> None:
    """One word of seven is replaced, one left out, and one put in."""
    errors = word_errors("please hold the line for a moment", "please hold line for one moment now")
    assert errors == WordErrors(substitutions=1, deletions=1, insertions=1, reference_words=7)
    assert errors.rate == pytest.approx(3 / 7)


def test_an_empty_reference_counts_every_word_as_an_insertion() -> None:
    assert word_errors("", "thank you") == WordErrors(insertions=2)
    assert word_errors(" \n", "thank you").rate == 2.0
    assert word_errors("", "") == WordErrors()
    assert WordErrors().rate == 0.0


def test_an_empty_hypothesis_loses_every_word() -> None:
    assert word_errors("one two three", "") == WordErrors(deletions=3, reference_words=3)


def test_rates_are_those_of_jiwer() -> None:
    chance = random.Random(7)  # noqa: S311
    for _ in range(200):
        reference = " ".join(chance.choices("abcd", k=chance.randint(1, 12)))
        hypothesis = " ".join(chance.choices("abcd", k=chance.randint(0, 12)))
        assert word_errors(reference, hypothesis).rate == pytest.approx(jiwer.wer(reference, hypothesis))


def test_a_corpus_pools_words_so_that_long_calls_weigh_more() -> None:
    long, short = WordErrors(1, 0, 0, 99), WordErrors(0, 1, 0, 1)
    assert pooled([long, short]) == WordErrors(1, 1, 0, 100)
    assert pooled([long, short]).rate == 0.02
    assert pooled([]) == WordErrors()
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
