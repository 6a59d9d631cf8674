from __future__ import annotations

import pytest

from asr.types import Channel, Provenance, Region, RegionKind, Transcript, Turn, Word
from compliance.bleep import UNTOLD, Doubt, bare_s, doubt_of, padded, removals
from compliance.types import RedactedTranscript, RedactedTurn, RedactedWord, Redaction

SIDE = Channel.CUSTOMER
SPEECH = {SIDE: [(1.0, 2.0), (2.5, 9.0), (20.0, 21.0)]}


def redacted(
    words: list[Word], first: int, last: int, entity: str = "CREDIT_CARD"
) -> tuple[Transcript, RedactedTranscript]:
    """One turn, of which words [first, last) are removed, and keys at 30 s."""
    mark = RedactedWord(f"[{entity}]", words[first].start_s, words[last - 1].end_s, 0.9, entity)
    kept = [RedactedWord(word.text, word.start_s, word.end_s, word.confidence) for word in words]
    turn = RedactedTurn("customer", SIDE, (*kept[:first], mark, *kept[last:]))
    made_by = Provenance("m", "s", "e", "p", "c", "v")
    keys = (Region(30.0, 31.0, SIDE, RegionKind.DTMF, "12"),)
    redaction = Redaction(entity, SIDE, 0, first, last - first, mark.start_s, mark.end_s)
    before = Transcript("a.wav", 40.0, (SIDE,), (Turn("customer", SIDE, tuple(words)),), keys, made_by)
    return before, RedactedTranscript("a.wav", 40.0, (SIDE,), (turn,), keys, (redaction,), "all", made_by)


def said(*words: tuple[str, float, float]) -> list[Word]:
    return [Word(text, start_s, end_s, 0.9) for text, start_s, end_s in words]


def test_a_span_is_padded_and_keys_always_go() -> None:
    words = said(("it's", 2.6, 2.9), ("4111", 3.0, 4.5), ("1111", 4.6, 6.0), ("thanks", 8.0, 8.5))
    told = {SIDE: [(2.5, 9.0)]}
    assert [(one.start_s, one.end_s, one.cause, one.doubt) for one in removals(*redacted(words, 1, 3), told)] == [
        (2.75, 6.25, "CREDIT_CARD", None),
        (29.75, 31.25, "DTMF", None),
    ]


@pytest.mark.parametrize(
    ("words", "doubt"),
    [
        (said(("4111", 3.0, 4.5), ("1111", 6.0, 6.0)), Doubt.NO_LENGTH),
        (said(("4111", 3.0, 4.5), ("1111", 10.0, 11.5)), Doubt.OUTSIDE_SPEECH),
        (said(("Lopez", 3.0, 6.0)), Doubt.TOO_LONG),
        (said(("4111111111111111", 3.0, 4.0)), Doubt.TOO_SHORT),
        (said(("4111", 3.0, 4.5), ("1111", 4.5, 4.5), ("1111", 5.0, 6.5)), None),
        (said(("Lopez", 3.0, 3.5)), None),
        (said(("5200", 3.0, 6.5)), None),
    ],
)
def test_times_that_cannot_be(words: list[Word], doubt: Doubt | None) -> None:
    assert doubt_of(words, SPEECH[SIDE]) == doubt


def test_without_a_reliable_time_the_whole_turn_goes_and_says_why() -> None:
    words = said(("it's", 2.7, 2.9), ("4111", 3.0, 3.0), ("thanks", 8.0, 8.5))
    one, _ = (found for found in removals(*redacted(words, 1, 2), SPEECH) if found.cause != UNTOLD)
    assert one.doubt is Doubt.NO_LENGTH
    # The burst that the turn lies in, and its padding; the one half a second before it is another's.
    assert (one.start_s, one.end_s) == (2.25, 9.25)


@pytest.mark.parametrize(
    ("word", "edges"),
    [
        ((2.6, 2.9), (2.35, 3.15)),  # its start is padded into a pause
        ((2.9, 3.2), (2.5, 3.45)),  # a pause begins earlier than the padding does, within reach
        ((1.5, 1.9), (1.25, 2.15)),
        ((8.0, 8.6), (7.75, 9.0)),  # and ends later
        ((1.2, 1.9), (0.95, 2.15)),
    ],
)
def test_an_edge_moves_to_a_pause_that_is_near(word: tuple[float, float], edges: tuple[float, float]) -> None:
    assert padded(*word, SPEECH[SIDE]) == pytest.approx(edges)


def test_an_edge_that_would_cut_the_next_word_stays_in_the_pause_before_it() -> None:
    assert padded(1.0, 2.0, [(1.0, 2.0), (2.15, 4.0)]) == pytest.approx((0.75, 2.15))


@pytest.mark.parametrize(
    ("between", "gone"),
    [
        ((("and", 5.0, 6.9), ("then", 7.0, 7.4)), [(2.75, 4.75), (6.75, 9.25)]),  # the other side asks for the rest
        ((("8282", 5.5, 5.9),), [(2.75, 9.25)]),  # somebody was heard where the detector hears nobody
        ((("8282", 4.4, 7.1),), [(2.75, 9.25)]),  # or before and after
        ((("8282", 4.0, 5.2),), [(2.75, 4.75), (6.75, 9.25)]),  # a word that lasts into a pause is over
    ],
)
def test_a_long_pause_inside_a_number_stays(
    between: tuple[tuple[str, float, float], ...], gone: list[tuple[float, float]]
) -> None:
    words = said(("4111", 3.0, 4.4), *between, ("1111", 7.5, 9.0))
    told = {SIDE: [(2.9, 4.5), (7.0, 9.2)]}
    found = [one for one in removals(*redacted(words, 0, len(words)), told) if one.cause == "CREDIT_CARD"]
    assert [(one.start_s, one.end_s) for one in found] == [pytest.approx(one) for one in gone]


def test_pauses_between_groups_go_with_the_number() -> None:
    words = said(("4111", 3.0, 4.5), ("1111", 5.5, 7.0))
    told = {SIDE: [(2.9, 4.5), (5.4, 7.1)]}
    [one] = [one for one in removals(*redacted(words, 0, 2), told) if one.cause == "CREDIT_CARD"]
    assert (one.start_s, one.end_s) == (2.75, 7.25)


def test_speech_that_no_span_covers_is_counted() -> None:
    speech = [(1.0, 3.0), (6.0, 8.0)]
    assert bare_s(1.0, 8.0, [(0.5, 3.25), (5.75, 9.0)], speech) == 0.0
    assert bare_s(1.0, 8.0, [(5.75, 9.0), (0.5, 2.5)], speech) == 0.5
    assert bare_s(1.0, 8.0, [(0.5, 2.0), (1.5, 2.5), (7.0, 8.0)], speech) == 1.5
    # An edge that is not covered is never a pause, however short the rest.
    assert bare_s(1.0, 1.1, [], speech) == float("inf")
    assert bare_s(3.5, 8.0, [(5.75, 9.0)], speech) == float("inf")


CARD = (("4111", 3.0, 4.5), ("1111", 4.6, 6.0))


@pytest.mark.parametrize(
    ("words", "bursts", "gone"),
    [
        ((), [(7.0, 7.4)], [(6.75, 7.65)]),  # a figure that no word tells
        ((), [(7.0, 7.1)], []),  # a click
        ((), [(36.5, 37.5)], []),  # long after the card
        ((("That", 7.2, 8.4),), [(7.0, 8.4)], [(6.75, 8.65)]),  # a word of 0.6 s at most over a burst of 1.4 s
        ((("was", 6.8, 9.0),), [(6.6, 7.1), (7.5, 9.0)], [(7.25, 9.25)]),  # one that is stretched over two
        ((("thank", 7.0, 7.3), ("you", 7.4, 7.6)), [(6.9, 7.8)], []),
    ],
)
def test_what_no_word_tells_near_a_card_goes_too(
    words: tuple[tuple[str, float, float], ...], bursts: list[tuple[float, float]], gone: list[tuple[float, float]]
) -> None:
    """Digits that were lost in transcription are in the sound all the same."""
    speech = {SIDE: [(3.0, 6.0), *bursts]}
    found = [one for one in removals(*redacted(said(*CARD, *words), 0, 2), speech) if one.cause == UNTOLD]
    assert [(one.start_s, one.end_s) for one in found] == [pytest.approx(one) for one in gone]


def test_what_no_word_tells_stays_where_no_card_was_told() -> None:
    speech = {SIDE: [(3.0, 6.0), (7.0, 8.0)], Channel.AGENT: [(7.0, 8.0)]}
    assert not [one for one in removals(*redacted(said(*CARD), 0, 2, "ACCOUNT_NUMBER"), speech) if one.cause == UNTOLD]
    others = [one for one in removals(*redacted(said(*CARD), 0, 2), speech) if one.cause == UNTOLD]
    assert {one.channel for one in others} == {SIDE}
