"""Scores are those of jiwer, meeteval and pyannote.metrics, and of a plain recursion where those know no marks."""

from __future__ import annotations

from functools import cache
from itertools import permutations
from typing import Any

import jiwer
import meeteval
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyannote.core import Annotation, Segment
from pyannote.metrics.diarization import DiarizationErrorRate

from asr.diarize.rttm import Talk
from asr.scoring.alignment import Kind, Step, align, errors, errors_in_characters, unscored
from asr.scoring.assignment import cheapest
from asr.scoring.diarization import DiarizationErrors, diarization_errors
from asr.scoring.digits import digit_errors
from asr.scoring.errors import EditErrors, character_errors, word_errors
from asr.scoring.marks import Mark, Token
from asr.scoring.matched_pairs import matched_pairs, segments
from asr.scoring.speakers import TimedTurn, cp_errors, tcp_errors

WORDS = st.lists(st.sampled_from("abcd"), max_size=12)
LONGER = st.lists(st.sampled_from(["a", "bcd", "efghijk", "lm"]), min_size=1, max_size=6)
SPEAKERS = st.dictionaries(st.sampled_from(["x", "y", "z", "v"]), WORDS.filter(bool), min_size=1)
TABLES = st.integers(0, 5).flatmap(
    lambda n: st.lists(st.lists(st.integers(0, 9), min_size=n, max_size=n), min_size=n, max_size=n)
)
MARK = Mark("NAME", 2)
MARKED: st.SearchStrategy[list[Token]] = st.lists(st.sampled_from(["a", "b", "c", MARK]), max_size=8)


def wrong(found: EditErrors) -> int:
    return found.substitutions + found.deletions + found.insertions


@given(WORDS.filter(bool), WORDS)
def test_word_and_character_errors_are_those_of_jiwer(reference: list[str], hypothesis: list[str]) -> None:
    steps = align(reference, hypothesis)
    own, theirs = " ".join(reference), " ".join(hypothesis)
    told = jiwer.process_words(own, theirs)
    assert errors(steps) == EditErrors(told.substitutions, told.deletions, told.insertions, len(reference))
    assert errors(steps).rate == pytest.approx(told.wer)
    assert errors(steps) == word_errors(own, theirs)
    assert errors_in_characters(steps).rate == pytest.approx(jiwer.cer(own, theirs))
    assert errors_in_characters(steps) == character_errors(own, theirs)


@given(WORDS, WORDS)
def test_an_alignment_gives_back_both_texts(reference: list[str], hypothesis: list[str]) -> None:
    steps = align(reference, hypothesis)
    assert [step.reference for step in steps if step.reference] == reference
    assert [step.hypothesis for step in steps if step.hypothesis] == hypothesis
    assert all((step.reference == step.hypothesis) == (step.kind is Kind.EQUAL) for step in steps)


@given(st.lists(st.sampled_from("0123"), min_size=1, max_size=12), st.lists(st.sampled_from("0123"), max_size=12))
def test_errors_of_digits_alone_are_word_errors_where_all_are_digits(own: list[str], theirs: list[str]) -> None:
    assert digit_errors(align(own, theirs)) == errors(align(own, theirs))


def cheapest_by_recursion(reference: list[Token], hypothesis: list[Token]) -> tuple[int, int]:
    """Fewest errors, and with them fewest words that marks take."""

    def n_words(tokens: list[Token]) -> int:
        return sum(isinstance(token, str) for token in tokens)

    @cache
    def best(row: int, column: int) -> tuple[int, int]:
        if not (row or column):
            return 0, 0
        own, theirs = reference[row - 1] if row else None, hypothesis[column - 1] if column else None
        ways = []
        if isinstance(own, str):
            ways.append((best(row - 1, column), 1, 0))
        if isinstance(theirs, str):
            ways.append((best(row, column - 1), 1, 0))
        if isinstance(own, str) and isinstance(theirs, str):
            ways.append((best(row - 1, column - 1), int(own != theirs), 0))
        if isinstance(theirs, Mark):
            ways += [
                (best(row - n, column - 1), 0, n_words(reference[row - n : row]))
                for n in range(min(row, theirs.room) + 1)
            ]
        if isinstance(own, Mark):
            ways += [
                (best(row - 1, column - n), 0, n_words(hypothesis[column - n : column]))
                for n in range(min(column, own.room) + 1)
            ]
        return min((before[0] + errors, before[1] + taken) for before, errors, taken in ways)

    return best(len(reference), len(hypothesis))


@given(WORDS, MARKED)
def test_marks_of_one_text_take_what_makes_errors_fewest(words: list[Token], marked: list[Token]) -> None:
    for reference, hypothesis in ((words, marked), (marked, words)):
        assert wrong(errors(align(reference, hypothesis))) == cheapest_by_recursion(reference, hypothesis)[0]


@given(MARKED, MARKED)
def test_every_word_is_scored_or_is_not(reference: list[Token], hypothesis: list[Token]) -> None:
    steps = align(reference, hypothesis)
    said = sum(isinstance(token, str) for token in reference)
    assert errors(steps).reference_length + unscored(steps) == said
    marks = sum(isinstance(token, Mark) for token in (*reference, *hypothesis))
    assert unscored(steps) <= MARK.room * marks
    assert marks or all(step.kind is not Kind.UNSCORED for step in steps)


@given(WORDS, WORDS, WORDS)
def test_marks_that_both_texts_have_hide_nothing_beside_them(
    before: list[str], after: list[str], lost: list[str]
) -> None:
    found = errors(align([*before, MARK, *lost, *after], [*before, MARK, *after]))
    assert wrong(found) == len(lost)


@given(WORDS, WORDS, st.data())
def test_removing_a_word_from_both_texts_adds_no_error(
    before: list[str], after: list[str], data: st.DataObject
) -> None:
    """However the removed words were heard."""
    said, heard = data.draw(st.lists(st.just("secret"), min_size=1, max_size=2)), data.draw(WORDS.map(lambda w: w[:2]))
    assert wrong(errors(align([*before, *said, *after], [*before, MARK, *after]))) == 0
    assert wrong(errors(align([*before, MARK, *after], [*before, *heard, *after]))) == 0
    assert wrong(errors(align([*before, MARK, *after], [*before, MARK, *after]))) == 0


@given(SPEAKERS, SPEAKERS)
def test_cp_word_errors_are_those_of_meeteval(
    reference: dict[str, list[str]], hypothesis: dict[str, list[str]]
) -> None:
    texts = [{name: " ".join(words) for name, words in said.items()} for said in (reference, hypothesis)]
    told = meeteval.wer.wer.cp.cp_word_error_rate(*texts)
    found = cp_errors(reference, hypothesis)
    assert (wrong(found), found.reference_length) == (told.errors, told.length)


@st.composite
def turns(draw: st.DrawFn) -> dict[str, list[TimedTurn]]:
    """Up to three speakers, whose own turns follow one another."""
    said: dict[str, list[TimedTurn]] = {}
    for name in draw(st.sets(st.sampled_from("xyz"), min_size=1)):
        at_s = 0.0
        for words in draw(st.lists(LONGER, min_size=1, max_size=4)):
            start_s = at_s + draw(st.integers(0, 12))
            at_s = start_s + draw(st.integers(1, 9))
            said.setdefault(name, []).append(TimedTurn(tuple(words), start_s, at_s))
    return said


def as_seglst(said: dict[str, list[TimedTurn]]) -> Any:
    return meeteval.io.SegLST(
        [
            {
                "session_id": "call",
                "speaker": name,
                "words": " ".join(map(str, turn.tokens)),
                "start_time": turn.start_s,
                "end_time": turn.end_s,
            }
            for name, own in said.items()
            for turn in own
        ]
    )


@pytest.mark.filterwarnings("ignore")
@given(turns(), turns(), st.sampled_from([1.0, 5.0]))
@example(  # the third word ends where the last one's reach begins
    {"y": [TimedTurn(("a", "a", "a", "bcd", "bcd", "bcd"), 8.0, 9.0)]}, {"x": [TimedTurn(("a", "a"), 7.0, 10.0)]}, 1.0
)
def test_tcp_word_errors_are_those_of_meeteval(
    reference: dict[str, list[TimedTurn]], hypothesis: dict[str, list[TimedTurn]], collar_s: float
) -> None:
    told = meeteval.wer.wer.time_constrained.tcp_word_error_rate(
        as_seglst(reference), as_seglst(hypothesis), collar=collar_s
    )
    found = tcp_errors(reference, hypothesis, collar_s)
    assert (wrong(found), found.reference_length) == (told.errors, told.length)


@st.composite
def talk(draw: st.DrawFn) -> list[Talk]:
    """Up to three speakers, each of whom overlaps with others alone."""
    said = []
    for name in draw(st.sets(st.sampled_from("xyz"))):
        at = 0
        for _ in range(draw(st.integers(1, 4))):
            start = at + draw(st.integers(1, 20))
            at = start + draw(st.integers(1, 20))
            said.append(Talk(name, start / 4, at / 4))
    return said


def as_annotation(said: list[Talk]) -> Annotation:
    found = Annotation()
    for number, one in enumerate(said):
        found[Segment(one.start_s, one.end_s), number] = one.speaker
    return found


@pytest.mark.filterwarnings("ignore")
@settings(deadline=None)
@given(talk(), talk(), st.sampled_from([0.0, 0.25]))
def test_diarization_errors_are_those_of_pyannote(truth: list[Talk], found: list[Talk], collar_s: float) -> None:
    metric = DiarizationErrorRate(collar=2 * collar_s)
    told = metric(as_annotation(truth), as_annotation(found), detailed=True)
    errors = diarization_errors(truth, found, collar_s)
    names = ("missed detection", "false alarm", "confusion", "total")
    assert [errors.missed_s, errors.false_alarm_s, errors.confusion_s, errors.speech_s] == pytest.approx(
        [told[name] for name in names], abs=1e-6
    )
    if errors.speech_s:
        assert errors.rate == pytest.approx(told["diarization error rate"])


@given(TABLES)
def test_no_naming_is_cheaper(table: list[list[int]]) -> None:
    costs = np.array(table, dtype=float).reshape(len(table), len(table))
    names = cheapest(costs)
    assert sorted(names) == list(range(len(table)))
    spent = sum(table[row][column] for row, column in enumerate(names))
    assert spent == min(sum(table[row][at] for row, at in enumerate(way)) for way in permutations(range(len(table))))


@given(WORDS.filter(bool), WORDS, WORDS)
def test_matched_pairs_hold_every_error_once_and_turn_around(said: list[str], one: list[str], other: list[str]) -> None:
    first, second = align(said, one), align(said, other)
    found = segments(first, second)
    assert sum(pair[0] for pair in found) == wrong(errors(first))
    assert sum(pair[1] for pair in found) == wrong(errors(second))
    assert all(any(pair) for pair in found)
    there, back = matched_pairs(found), matched_pairs(segments(second, first))
    assert (there.p_value, there.z) == (back.p_value, -back.z)
    assert 0 <= there.p_value <= 1
    assert matched_pairs(segments(first, first)).p_value == 1


def test_nothing_is_nothing() -> None:
    assert align([], []) == []
    assert cp_errors({}, {}) == tcp_errors({}, {}) == EditErrors()
    assert diarization_errors([], []) == DiarizationErrors()
    assert segments([], []) == []
    assert errors([Step(Kind.UNSCORED, "", "[NAME]", 0)]) == EditErrors()
