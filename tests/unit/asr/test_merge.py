"""Words of chunks into words of a channel: the cases that a property would seldom meet."""

from __future__ import annotations

from asr.merge import merge
from asr.types import Channel, Chunk, Hypothesis, Span, Word

SECOND = 16_000


def _chunk(first_s: int, last_s: int, overlap_s: int = 0) -> Chunk:
    span = Span(first_s * SECOND, last_s * SECOND)
    return Chunk(Channel.AGENT, (span,), overlap_s * SECOND)


def _said(text: str, start_s: float, step_s: float = 0.4) -> Hypothesis:
    words = [
        Word(spelled, start_s + step_s * i, start_s + step_s * (i + 1), 0.9) for i, spelled in enumerate(text.split())
    ]
    return Hypothesis(tuple(words), "en", -0.1, 0.0, 1.0, 0.0)


def _texts(chunks: list[Chunk], heard: list[Hypothesis]) -> str:
    return " ".join(word.text for word in merge(chunks, heard, (Span(0, 60 * SECOND),)))


def test_the_same_digits_over_and_over_are_counted_right() -> None:
    """Four fives are in the overlap; each side hears three of them whole and one in part."""
    before = _said("my number is five five five fi", 8.2)
    after = _said("ve five five five six", 1.4)
    assert _texts([_chunk(0, 11), _chunk(8, 20, 3)], [before, after]) == "my number is five five five five six"


def test_case_and_punctuation_do_not_make_another_word() -> None:
    before = _said("Well, thank you.", 9.0)
    after = _said("thank You so much", 1.4)
    assert _texts([_chunk(0, 11), _chunk(8, 20, 3)], [before, after]) == "Well, thank you. so much"


def test_two_readings_without_a_common_word_part_in_the_middle() -> None:
    before = _said("alpha bravo charlie delta", 8.2, 0.6)
    after = _said("kilo lima mike november", 0.2, 0.6)
    assert _texts([_chunk(0, 11), _chunk(8, 20, 3)], [before, after]) == "alpha bravo mike november"


def test_a_chunk_in_which_nothing_was_heard_takes_no_words_away() -> None:
    nothing = Hypothesis((), "en", 0.0, 1.0, 1.0, 0.0)
    chunks = [_chunk(0, 11), _chunk(8, 20, 3), _chunk(17, 28, 3)]
    heard = [_said("one two three", 1.0), nothing, _said("four five six", 5.0)]
    assert _texts(chunks, heard) == "one two three four five six"
    assert _texts(chunks, [nothing, nothing, nothing]) == ""
    assert merge([], [], ()) == ()


def test_a_word_does_not_last_through_the_pause_that_was_cut_out() -> None:
    spans = (Span(0, 2 * SECOND), Span(10 * SECOND, 12 * SECOND))
    chunk = Chunk(Channel.AGENT, spans)
    word = Word("through", 1.9, 2.6, 0.9)
    (found,) = merge([chunk], [Hypothesis((word,), "en", 0.0, 0.0, 1.0, 0.0)], spans)
    assert (found.start_s, found.end_s) == (10.0, 10.6)


def test_a_word_that_begins_where_a_burst_ends_keeps_its_length() -> None:
    bursts = (Span(0, 2 * SECOND), Span(10 * SECOND, 12 * SECOND))
    heard = Hypothesis((Word("late", 2.0, 2.5, 0.9),), "en", 0.0, 0.0, 1.0, 0.0)
    (found,) = merge([_chunk(0, 12)], [heard], bursts)
    assert (found.start_s, found.end_s) == (2.0, 2.5)


def test_a_word_said_in_groups_keeps_the_pauses_between_them() -> None:
    bursts = (Span(SECOND, 2 * SECOND), Span(3 * SECOND, 4 * SECOND))
    heard = Hypothesis((Word("536-90", 0.5, 4.8, 0.9),), "en", 0.0, 0.0, 1.0, 0.0)
    (found,) = merge([_chunk(0, 12)], [heard], bursts)
    assert (found.start_s, found.end_s) == (1.0, 4.0)
