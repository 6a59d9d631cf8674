from __future__ import annotations

from asr.diarize.attribution import attribute, overlaps, talk
from asr.diarize.types import Speaking
from asr.types import Channel, Region, RegionKind, Span, Word


def speaking(*spans: tuple[float, float, int]) -> list[Speaking]:
    return [Speaking(Span(round(a * 16_000), round(b * 16_000)), who) for a, b, who in spans]


def words(text: str, start_s: float = 0.0, length_s: float = 0.5) -> list[Word]:
    return [
        Word(word, start_s + at * length_s, start_s + (at + 1) * length_s, 1.0) for at, word in enumerate(text.split())
    ]


def test_a_word_is_whose_talk_it_shares_most_with() -> None:
    told = attribute(words("Yes. No. Hm."), speaking((0, 0.5, 0), (0.3, 1.0, 1), (1.0, 1.1, 0), (1.1, 1.5, 1)))
    assert told == [0, 1, 1]


def test_a_word_that_nobody_says_is_the_nearest_speakers() -> None:
    assert attribute(words("Hm.", 2.0), speaking((0, 1, 0), (2.6, 3, 1))) == [1]
    assert attribute(words("Hm.", 9.0), speaking((0, 1, 0), (2.6, 3, 1))) == [1]


def test_a_sentences_last_word_stays_with_its_speaker() -> None:
    told = attribute(words("I would like the black one. Certainly sir right away."), speaking((0, 2.6, 0), (2.6, 5, 1)))
    assert told == [0] * 6 + [1] * 4


def test_a_sentence_that_is_shared_stays_shared() -> None:
    assert attribute(words("one two three four five six"), speaking((0, 1.5, 0), (1.5, 3, 1))) == [0] * 3 + [1] * 3


def test_overlap_is_where_two_talk_at_once() -> None:
    told = overlaps(speaking((0, 2, 0), (1.5, 3, 1), (2.5, 4, 2), (5, 6, 0), (6, 7, 1)), Channel.MIXED)
    assert told == (
        Region(1.5, 2.0, Channel.MIXED, RegionKind.OVERLAP),
        Region(2.5, 3.0, Channel.MIXED, RegionKind.OVERLAP),
    )
    assert overlaps([], Channel.MIXED) == ()


def test_talk_names_each_speaker_also_where_several_talk() -> None:
    told = talk(speaking((0, 2, 0), (1.5, 3, 1)), Channel.CUSTOMER)
    assert told == (
        Region(0.0, 2.0, Channel.CUSTOMER, RegionKind.TALK, speaker="customer"),
        Region(1.5, 3.0, Channel.CUSTOMER, RegionKind.TALK, speaker="customer-2"),
    )
