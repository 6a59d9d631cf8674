"""What was heard in chunks, joined into the words of one channel."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import pairwise

from asr.timebase import chunk_to_channel, to_seconds
from asr.types import Chunk, Hypothesis, Span, Word

_PUNCTUATION = ".,?!:;\"'()-"


def merge(chunks: Sequence[Chunk], heard: Sequence[Hypothesis], bursts: Sequence[Span]) -> tuple[Word, ...]:
    """The words of one channel in time order, seconds from the start of the recording.

    `heard` answers `chunks` one to one, both in time order. Where two chunks share audio, each word is taken
    once. Word times are held to the bursts of speech (spans at 16 kHz) that they touch, never run backwards,
    and never overlap.
    """
    merged: list[Word] = []
    for chunk, hypothesis in zip(chunks, heard, strict=True):
        words = [_placed(word, chunk) for word in hypothesis.words]
        if chunk.overlap and merged:
            start_s = to_seconds(chunk.spans[0].start)
            merged, words = _deduplicated(merged, words, start_s, start_s + to_seconds(chunk.overlap))
        merged.extend(words)
    return _in_order([_held(word, bursts) for word in merged])


def _placed(word: Word, chunk: Chunk) -> Word:
    start_s = chunk_to_channel(word.start_s, chunk.spans)
    end_s = chunk_to_channel(word.end_s, chunk.spans)
    return replace(word, start_s=start_s, end_s=max(start_s, end_s))


def _deduplicated(
    before: list[Word], after: list[Word], start_s: float, end_s: float
) -> tuple[list[Word], list[Word]]:
    """Both sides of a cut without the words that the other side has too.

    `start_s` to `end_s` was heard twice. The longest run of words that both heard there is where they are
    joined: its words come from the earlier chunk, what precedes it as well, and what follows from the later
    one, since each chunk knows best what lies well inside it. Without such a run the middle of the overlap
    parts them.
    """
    first = next((i for i, word in enumerate(before) if word.end_s > start_s), len(before))
    stop = next((i for i, word in enumerate(after) if word.start_s >= end_s), len(after))
    left = [_spelling(word) for word in before[first:]]
    right = [_spelling(word) for word in after[:stop]]
    match = SequenceMatcher(None, left, right, autojunk=False).find_longest_match()
    if match.size:
        return before[: first + match.a + match.size], after[match.b + match.size :]
    middle_s = (start_s + end_s) / 2
    return (
        [word for word in before if _middle_s(word) < middle_s],
        [word for word in after if _middle_s(word) >= middle_s],
    )


def _spelling(word: Word) -> str:
    return word.text.lower().strip(_PUNCTUATION) or word.text


def _middle_s(word: Word) -> float:
    return (word.start_s + word.end_s) / 2


def _held(word: Word, bursts: Sequence[Span]) -> Word:
    """The word's times cut to the burst of speech that most of it lies in.

    Alignment by attention lets the first word after a pause begin in the pause, and the last one before it
    last through it; nobody speaks there.
    """
    near = bisect_left(bursts, word.start_s, key=lambda burst: to_seconds(burst.stop))
    best, best_s = None, 0.0
    for burst in bursts[near:]:
        if to_seconds(burst.start) >= word.end_s:
            break
        shared_s = min(word.end_s, to_seconds(burst.stop)) - max(word.start_s, to_seconds(burst.start))
        if shared_s > best_s:
            best, best_s = burst, shared_s
    if best is None:
        return word
    start_s, end_s = to_seconds(best.start), to_seconds(best.stop)
    return replace(word, start_s=max(word.start_s, start_s), end_s=min(word.end_s, end_s))


def _in_order(words: list[Word]) -> tuple[Word, ...]:
    ordered = words[:1]
    for _, word in pairwise(words):
        start_s = max(word.start_s, ordered[-1].end_s)
        ordered.append(replace(word, start_s=start_s, end_s=max(start_s, word.end_s)))
    return tuple(ordered)
