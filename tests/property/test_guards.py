"""Guards take words away and never change one; speech that has its words keeps them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from asr.guards import Evidence, guard, joined, lost_speech_s
from asr.types import Hypothesis, Word

WORDS = st.sampled_from(("yes", "no", "thanks", "for", "watching", "five", "5551234", "reservation,"))
BURSTS = st.lists(st.tuples(st.floats(0, 3), st.floats(0.1, 8)), max_size=6)


@st.composite
def heard(draw: st.DrawFn) -> tuple[Hypothesis, Evidence]:
    bursts, at_s = [], 0.0
    for gap_s, lasts_s in draw(BURSTS):
        bursts.append((at_s + gap_s, at_s + gap_s + lasts_s))
        at_s += gap_s + lasts_s
    words, at_s = [], 0.0
    for gap_s, lasts_s, text in draw(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), WORDS), max_size=40)):
        words.append(Word(text, at_s + gap_s, at_s + gap_s + lasts_s, 0.9))
        at_s += gap_s + lasts_s
    probabilities = np.full(1_000, draw(st.floats(0, 1)), np.float32)
    no_speech = draw(st.floats(0, 1))
    return Hypothesis(tuple(words), "en", -0.3, no_speech, 1.2, 0.0), Evidence(tuple(bursts), probabilities)


@given(heard())
def test_what_is_left_is_of_the_text_and_counted(case: tuple[Hypothesis, Evidence]) -> None:
    hypothesis, evidence = case
    kept, counts = guard(hypothesis, evidence)
    left = iter(hypothesis.words)
    assert all(word in left for word in kept.words)
    assert len(kept.words) + counts.removed == len(hypothesis.words)
    assert (counts.retried, counts.recovered, counts.unheard) == (0, 0, 0)


@given(heard())
def test_words_that_are_said_in_speech_at_a_human_pace_stay(case: tuple[Hypothesis, Evidence]) -> None:
    hypothesis, _ = case
    words = tuple(
        Word(word.text, 0.4 * at, 0.4 * at + 0.35, 0.9)
        for at, word in enumerate(word for word in hypothesis.words if not word.text.isdigit())
    )
    spoken = Hypothesis(words, "en", -0.3, 0.0, 1.2, 0.0)
    evidence = Evidence(((0.0, 30.0),), np.ones(1_000, np.float32))
    assert guard(spoken, evidence)[0] is spoken


@given(heard())
def test_lost_speech_is_part_of_the_speech(case: tuple[Hypothesis, Evidence]) -> None:
    hypothesis, evidence = case
    whole_s = evidence.spoken_s(0.0, float("inf"))
    assert 0.0 <= lost_speech_s(hypothesis, evidence) <= whole_s + 1e-9
    nothing = Hypothesis((), "en", 0.0, 1.0, 1.0, 0.0)
    assert abs(lost_speech_s(nothing, evidence) - whole_s) < 1e-9


@given(heard(), heard(), st.floats(0, 60))
def test_halves_keep_all_words_in_order(
    first: tuple[Hypothesis, Evidence], second: tuple[Hypothesis, Evidence], at_s: float
) -> None:
    both = joined(first[0], second[0], at_s)
    assert [word.text for word in both.words] == [w.text for one in (first[0], second[0]) for w in one.words]
