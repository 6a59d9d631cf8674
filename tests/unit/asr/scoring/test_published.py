"""Worked examples of others, figure by figure."""

from __future__ import annotations

import pytest

from asr.diarize.rttm import Talk
from asr.scoring.alignment import align
from asr.scoring.diarization import diarization_errors
from asr.scoring.errors import EditErrors, word_errors
from asr.scoring.matched_pairs import matched_pairs, segments
from asr.scoring.speakers import cp_errors


def test_the_word_error_rate_of_jurafsky_and_martin() -> None:
    """Speech and Language Processing, on word error: 6 substitutions, 3 insertions, 1 deletion of 13 words, 76.9 %."""
    reference = "i um the phone is i left the portable phone upstairs last night"
    hypothesis = "i got it to the fullest i love to portable form of stores last night"
    found = word_errors(reference, hypothesis)
    assert found == EditErrors(substitutions=6, deletions=1, insertions=3, reference_length=13)
    assert found.rate == pytest.approx(0.769, abs=5e-4)


def test_the_matched_pairs_of_jurafsky_and_martin() -> None:
    """The same book, on MAPSSWE: four regions. In the first A has two errors and B none, in the third one and two."""
    reference = ["it", "was", "the", "best", "of", "times", "it", "was", "the", "worst", "of", "times", "it", "was"]
    a = ["its", "the", "best", "of", "times", "it", "is", "the", "worst", "of", "times", "or", "it", "was"]
    b = ["it", "was", "the", "best", "times", "it", "won", "the", "test", "of", "times", "it", "was"]
    found = segments(align(reference, a), align(reference, b))
    assert found == [(2, 0), (0, 1), (1, 2), (1, 0)]
    told = matched_pairs(found)
    # Z = 2, -1, -1, 1: mean 1/4, standard deviation 3/2, W = (1/4) / (3/2 / sqrt 4).
    assert told.z == pytest.approx(1 / 3)
    assert told.p_value == pytest.approx(0.7389, abs=5e-5)
    assert not told.is_enough


def test_the_diarization_error_rate_of_pyannote() -> None:
    """The example of pyannote.metrics' documentation: 0.516."""
    truth = [Talk("A", 0, 10), Talk("B", 12, 20), Talk("A", 24, 27), Talk("C", 30, 40)]
    found = [Talk("a", 2, 13), Talk("d", 13, 14), Talk("b", 14, 20), Talk("c", 22, 38), Talk("d", 38, 40)]
    assert diarization_errors(truth, found).rate == pytest.approx(0.516, abs=5e-4)


def test_swapped_speakers_cost_nothing_and_a_sentence_of_the_other_costs_twice() -> None:
    """cpWER's definition in CHiME-6: the best permutation; a word in the wrong row is lost there and put in here."""
    said = {"A": ["good", "morning"], "B": ["hello", "there", "you"]}
    assert cp_errors(said, {"1": said["B"], "2": said["A"]}).rate == 0
    mixed = {"1": [*said["A"], "hello"], "2": ["there", "you"]}
    assert cp_errors(said, mixed) == EditErrors(deletions=1, insertions=1, reference_length=5)
