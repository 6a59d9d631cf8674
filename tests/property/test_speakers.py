from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from asr.conversation import conversation
from asr.diarize.attribution import attribute, overlaps
from asr.diarize.diarizer import numbered, put_together, within
from asr.diarize.local import Local, Voice
from asr.diarize.options import DiarizeOptions
from asr.diarize.types import Speaking
from asr.diarize.windows import FRAMES
from asr.options import TurnOptions
from asr.spans import join, runs
from asr.speakers import turns
from asr.types import Channel, Span, Word

SPANS = st.lists(st.integers(0, 160_000), min_size=2, max_size=20, unique=True).map(
    lambda ends: [Span(a, b) for a, b in zip(sorted(ends)[::2], sorted(ends)[1::2], strict=False)]
)
SPEAKING = st.lists(
    st.builds(
        lambda start, length, who: Speaking(Span(start, start + length), who),
        st.integers(0, 160_000),
        st.integers(1, 40_000),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=12,
).map(lambda found: sorted(found, key=lambda one: (one.span.start, one.span.stop, one.speaker)))
TEXT = st.sampled_from(["yes", "no.", "well", "thanks!", "really?"])
WORDS = st.lists(st.tuples(TEXT, st.floats(0.0, 1.0), st.floats(0.0, 0.5)), max_size=25).map(
    lambda parts: [
        Word(text, end_s - length_s, end_s, 0.9)
        for (text, _, length_s), end_s in zip(
            parts, np.cumsum([gap_s + length_s for _, gap_s, length_s in parts]).tolist(), strict=True
        )
    ]
)


@given(words=WORDS, speaking=SPEAKING)
def test_every_word_has_one_speaker_and_is_in_one_turn(words: list[Word], speaking: list[Speaking]) -> None:
    assert len(attribute(words, speaking)) == len(words)
    told = turns({Channel.MIXED: words}, TurnOptions(), {Channel.MIXED: speaking})
    assert sorted((w for turn in told for w in turn.words), key=lambda w: (w.start_s, w.end_s)) == sorted(
        words, key=lambda w: (w.start_s, w.end_s)
    )
    assert {turn.speaker for turn in told} <= {f"speaker-{one.speaker + 1}" for one in speaking}


def tied(word: Word, speaking: list[Speaking]) -> bool:
    """Whether two speakers have an equal claim to a word, to a millisecond."""
    within_s, middle_s = dict.fromkeys(range(4), 0.0), (word.start_s + word.end_s) / 2
    away_s = dict.fromkeys(range(4), float("inf"))
    for who, start_s, end_s in ((one.speaker, one.span.start / 16_000, one.span.stop / 16_000) for one in speaking):
        within_s[who] += max(0.0, min(end_s, word.end_s) - max(start_s, word.start_s))
        away_s[who] = min(away_s[who], max(start_s - middle_s, middle_s - end_s))
    most, next_s = sorted(within_s.values())[:-3:-1]
    nearest, second = sorted(away_s.values())[:2]
    return most - next_s < 1e-3 if most > 0.0 else second - nearest < 1e-3


@given(words=WORDS, speaking=SPEAKING, names=st.permutations(range(4)))
def test_other_numbers_for_speakers_change_nothing_else(
    words: list[Word], speaking: list[Speaking], names: list[int]
) -> None:
    renamed = [Speaking(one.span, names[one.speaker]) for one in speaking]
    ordered = sorted(renamed, key=lambda one: (one.span.start, one.span.stop, one.speaker))
    assert numbered(renamed) == numbered(speaking)
    assert overlaps(ordered, Channel.MIXED) == overlaps(speaking, Channel.MIXED)
    # Where two talk equally long within a word, or are as near to it, the lower number has it.
    if not any(tied(word, speaking) for word in words) and not overlaps(speaking, Channel.MIXED):
        told = turns({Channel.MIXED: words}, TurnOptions(), {Channel.MIXED: speaking})
        again = turns({Channel.MIXED: words}, TurnOptions(), {Channel.MIXED: ordered})
        facts, other = (conversation(one, (), 100.0) for one in (told, again))
        assert [one.talk_s for one in facts.speakers] == [one.talk_s for one in other.speakers]


@given(speech=SPANS, speaking=SPEAKING)
def test_nothing_is_left_outside_speech(speech: list[Span], speaking: list[Speaking]) -> None:
    kept = within([one.span for one in speaking], speech)
    assert all(any(s.start <= one.start < one.stop <= s.stop for s in speech) for one in kept)


@given(
    whose=st.lists(st.lists(st.integers(0, 2), min_size=4, max_size=4), min_size=1, max_size=4),
    speech=SPANS,
)
def test_a_call_put_together_has_no_turn_outside_its_regions(whose: list[list[int]], speech: list[Span]) -> None:
    heard = []
    for at, speakers in enumerate(whose):
        active = np.zeros((FRAMES, 3), np.float16)
        voices = []
        for quarter, who in enumerate(speakers):
            frames = Span(quarter * 147, quarter * 147 + 120)
            active[frames.start : frames.stop, who] = 1.0
            voices.append(Voice(who, frames, np.eye(3, dtype=np.float32)[who], 2.0))
        heard.append(Local(at * 296, active, tuple(voices)))
    found = put_together(heard, speech, DiarizeOptions())
    assert all(any(s.start <= one.span.start < one.span.stop <= s.stop for s in speech) for one in found)
    assert list(dict.fromkeys(one.speaker for one in found)) == list(range(len({one.speaker for one in found})))


@given(marked=st.lists(st.booleans(), max_size=60), pause=st.integers(1, 6))
def test_runs_hold_all_that_is_marked(marked: list[bool], pause: int) -> None:
    spans = join(runs(np.array(marked, bool)), pause)
    inside = {at for span in spans for at in range(span.start, span.stop)}
    assert {at for at, one in enumerate(marked) if one} <= inside
    assert all(marked[span.start] and marked[span.stop - 1] for span in spans)
    assert all(b.start - a.stop >= pause for a, b in pairwise(spans))
