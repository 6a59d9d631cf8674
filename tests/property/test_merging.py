"""Words of chunks joined to a channel's words, and channels' words to turns: none lost, none twice."""

from __future__ import annotations

from collections import Counter
from itertools import accumulate, pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from asr.chunking import chunk
from asr.merge import merge
from asr.options import ChunkOptions, TurnOptions
from asr.regions import Speech
from asr.speakers import turns
from asr.timebase import to_samples, to_seconds
from asr.types import Channel, Chunk, Hypothesis, Span, Word

VOCABULARY = ("five", "one", "the", "please", "Balance,", "account.")
JITTER_S = 0.16
"""How far two hearings of one word were apart in 95 of 100 cases (see merge._SAME_WORD_S)."""


def _heard(words: list[Word]) -> Hypothesis:
    return Hypothesis(tuple(words), "en", -0.2, 0.0, 1.2, 0.0)


@st.composite
def monologues(draw: st.DrawFn) -> list[Word]:
    """20 to 60 s of words without a pause to cut in, many of them alike, as digits are."""
    lengths = draw(st.lists(st.integers(150, 800), min_size=60, max_size=90))
    names = draw(st.lists(st.sampled_from(VOCABULARY), min_size=len(lengths), max_size=len(lengths)))
    ends_s = list(accumulate(length / 1000 for length in lengths))
    return [
        Word(name, start_s, end_s, 0.9) for name, start_s, end_s in zip(names, [0.0, *ends_s], ends_s, strict=False)
    ]


def _hear(words: list[Word], chunk: Chunk, jitter: list[float], *, partial: bool) -> Hypothesis:
    """A chunk's words as an engine would say them: a word that the chunk's edge cuts is misheard or missed."""
    (span,) = chunk.spans
    first_s, last_s = to_seconds(span.start), to_seconds(span.stop)
    found = []
    for word, off_s in zip(words, jitter, strict=False):
        start_s, end_s = max(word.start_s, first_s), min(word.end_s, last_s)
        # Half a sample less is still whole: a channel ends on one.
        whole = word.end_s - word.start_s - (end_s - start_s) < 1e-4
        if end_s - start_s < 0.05 or not (whole or partial):
            continue
        text = word.text if whole else word.text[:2] + "~"
        start_s = min(max(start_s + off_s, first_s), last_s) - first_s
        end_s = min(max(end_s + off_s, first_s), last_s) - first_s
        found.append(Word(text, start_s, end_s, 0.9))
    return _heard(found)


@given(monologues(), st.data(), st.sampled_from((5.0, 6.5, 8.0)), st.sampled_from(("missed", "misheard")))
def test_no_word_is_lost_and_none_is_there_twice(
    words: list[Word], data: st.DataObject, max_chunk_s: float, edges: str
) -> None:
    n_samples = to_samples(words[-1].end_s)
    whole = Span(0, n_samples)
    speech = Speech((whole,), (whole,), n_samples)
    options = ChunkOptions(max_chunk_s=max_chunk_s, overlap_s=2.5)
    chunks = chunk(speech, Channel.AGENT, options)
    seed = data.draw(st.integers(0, 1_000))
    rng = np.random.default_rng(seed)
    heard = [
        _hear(words, part, rng.uniform(-JITTER_S / 2, JITTER_S / 2, len(words)).tolist(), partial=edges == "misheard")
        for part in chunks
    ]
    merged = merge(chunks, heard, speech.bursts)
    assert len(chunks) > 1
    assert [word.text for word in merged] == [word.text for word in words]
    for found, true in zip(merged, words, strict=True):
        assert abs(found.start_s - true.start_s) <= 2 * JITTER_S


@st.composite
def wild_hearings(draw: st.DrawFn) -> tuple[list[Chunk], list[Hypothesis], tuple[Span, ...]]:
    """Overlapping chunks of bursts of speech, with words of any text at any times, even out of order."""
    lengths = draw(st.lists(st.tuples(st.integers(1_600, 80_000), st.integers(3_200, 90_000)), min_size=1, max_size=8))
    bursts, at = [], 0
    for gap, length in lengths:
        bursts.append(Span(at + gap, at + gap + length))
        at += gap + length
    region = Span(0, at)
    options = ChunkOptions(max_chunk_s=4.0, overlap_s=1.0, cut_pause_ms=1_000)
    chunks = chunk(Speech((region,), tuple(bursts), at), Channel.AGENT, options)
    times = st.lists(st.tuples(st.floats(0, 5), st.floats(0, 3), st.sampled_from(VOCABULARY)), max_size=8)
    heard = [_heard([Word(text, s, s + d, 0.5) for s, d, text in draw(times)]) for _ in chunks]
    return list(chunks), heard, tuple(bursts)


@given(wild_hearings())
def test_times_never_run_backwards_and_words_never_overlap(
    hearings: tuple[list[Chunk], list[Hypothesis], tuple[Span, ...]],
) -> None:
    chunks, heard, bursts = hearings
    merged = merge(chunks, heard, bursts)
    assert all(word.start_s <= word.end_s for word in merged)
    assert all(before.end_s <= after.start_s for before, after in pairwise(merged))
    said = Counter(word.text for hypothesis in heard for word in hypothesis.words)
    assert Counter(word.text for word in merged) <= said


@given(wild_hearings())
def test_without_overlap_every_word_is_kept(
    hearings: tuple[list[Chunk], list[Hypothesis], tuple[Span, ...]],
) -> None:
    chunks, heard, bursts = hearings
    alone = [Chunk(part.channel, part.spans) for part in chunks]
    merged = merge(alone, heard, bursts)
    assert [word.text for word in merged] == [word.text for h in heard for word in h.words]


@given(st.floats(0, 6), st.floats(0.01, 3))
def test_a_word_begins_and_ends_in_speech_if_it_touches_any(start_s: float, lasts_s: float) -> None:
    bursts = (Span(16_000, 32_000), Span(64_000, 80_000))
    whole = Chunk(Channel.AGENT, (Span(0, 160_000),))
    (word,) = merge([whole], [_heard([Word("word", start_s, start_s + lasts_s, 0.9)])], bursts)
    bounds_s = [(to_seconds(burst.start), to_seconds(burst.stop)) for burst in bursts]
    shares_s = [min(start_s + lasts_s, stop_s) - max(start_s, first_s) for first_s, stop_s in bounds_s]
    if max(shares_s) > 1e-3:
        for at_s in (word.start_s, word.end_s):
            assert any(first_s <= at_s <= stop_s for first_s, stop_s in bounds_s)
        assert word.start_s < word.end_s
    elif max(shares_s) < -1e-3:
        assert abs(word.end_s - word.start_s - lasts_s) < 1e-3
    assert start_s - 1e-3 <= word.start_s <= word.end_s <= start_s + lasts_s + 1e-3


@st.composite
def conversations(draw: st.DrawFn) -> dict[Channel, list[Word]]:
    said = {}
    for channel in (Channel.AGENT, Channel.CUSTOMER):
        steps = draw(st.lists(st.tuples(st.floats(0, 4), st.floats(0, 1)), max_size=15))
        words, at_s = [], 0.0
        for number, (gap_s, lasts_s) in enumerate(steps):
            words.append(Word(f"{channel}{number}", at_s + gap_s, at_s + gap_s + lasts_s, 0.9))
            at_s += gap_s + lasts_s
        said[channel] = words
    return said


@given(conversations(), st.sampled_from((0.5, 2.0)))
def test_every_word_is_in_one_turn_of_its_own_channel_in_order(
    said: dict[Channel, list[Word]], max_pause_s: float
) -> None:
    found = turns(said, TurnOptions(max_pause_s=max_pause_s))
    for channel, words in said.items():
        own = [turn for turn in found if turn.channel == channel]
        assert [word for turn in own for word in turn.words] == words
        assert {turn.speaker for turn in own} <= {channel.value}
        for turn in own:
            assert all(b.start_s - a.end_s <= max_pause_s for a, b in pairwise(turn.words))
    assert [turn.start_s for turn in found] == sorted(turn.start_s for turn in found)
