"""Words that nobody said: what of a chunk's text the sound does not bear out.

Whisper was trained on subtitles, and writes some where it hears little; it loops, and it may stop before a chunk ends.
The judge of asr/whisper/judging.py looks at a text's own figures. Here the text is held against where the detector
found speech. Every function is pure; nothing that is removed is kept or logged, it is counted.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asr.timebase import to_seconds
from asr.types import Chunk, GuardCounts, Hypothesis, Span, Word
from asr.vad import WINDOW

_AWAY_S = 0.5
"""A word further than this from all speech was not said: two hearings of a word are 0.49 s apart at most (merge.py)."""

_LONGEST_WORD_S = 1.5
"""No word accounts for more speech than this. A spelled-out number may last longer; loops make words of 5 s."""

_NO_TIME_S = 0.04
"""No syllable is that short; alignment has steps of 20 ms. In 61 chunks of telephone calls, 7 words of 2,750 are."""

_MOST_REPEATS, _LONGEST_PHRASE = 3, 8
"""A phrase of up to so many words may be said so many times over before its repeats are looked at."""

_MOST_WORDS, _MOST_SYLLABLES = 11, 20
"""In one second: the fastest talker on record said 637 words in a minute (Guinness World Records, 1990), and 20
syllables are twice the fastest articulation rates that are measured (Pellegrino et al. 2011, Language 87: 5 to 8 a
second). 24 telephone calls have 9 and 15 at most."""

_LITTLE_SPEECH, _LITTLE_SAID = 0.5, 0.6
"""Mean probability of speech under a subtitle's phrase that makes it one, and the probability of no speech in its chunk
that does (openai/whisper's no_speech_threshold)."""

_PUNCTUATION = re.compile(r"[^\w']+")


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """The sound of a chunk, in seconds from its start: bursts of speech, and the probability of speech in each of the
    detector's windows of 32 ms, (n_windows,)."""

    bursts: tuple[tuple[float, float], ...]
    probabilities: NDArray[np.float32]

    @classmethod
    def of(cls, chunk: Chunk, bursts: Sequence[Span], probabilities: NDArray[np.float32]) -> Evidence:
        """What a channel's bursts and window probabilities say of one of its chunks."""
        inside: list[tuple[float, float]] = []
        # The middle of each of the chunk's windows, and which of the channel's it falls into.
        middles = np.arange(WINDOW // 2, len(chunk), WINDOW)
        places = np.zeros(len(middles), np.intp)
        laid = 0
        for span in chunk.spans:
            shift = laid - span.start
            first = bisect_right(bursts, span.start, key=lambda burst: burst.stop)
            stop = bisect_left(bursts, span.stop, key=lambda burst: burst.start)
            shared = [(max(burst.start, span.start), min(burst.stop, span.stop)) for burst in bursts[first:stop]]
            inside += [(to_seconds(a + shift), to_seconds(b + shift)) for a, b in shared]
            own = (middles >= laid) & (middles < laid + len(span))
            places[own] = (middles[own] - shift) // WINDOW
            laid += len(span)
        return cls(tuple(inside), probabilities[np.minimum(places, len(probabilities) - 1)])

    def spoken_s(self, start_s: float, end_s: float) -> float:
        """Seconds of speech in a stretch."""
        return sum(max(0.0, min(b, end_s) - max(a, start_s)) for a, b in self.bursts)

    def probability(self, start_s: float, end_s: float) -> float:
        """Mean probability of speech in a stretch."""
        first = int(start_s / to_seconds(WINDOW))
        stretch = self.probabilities[first : max(first + 1, round(end_s / to_seconds(WINDOW)))]
        return float(stretch.mean()) if len(stretch) else 0.0


def lost_speech_s(hypothesis: Hypothesis, evidence: Evidence) -> float:
    """The most seconds of speech in a row that no word accounts for, between two words or at the ends.

    How greedy decoding loses the end of a chunk, and what a loop leaves: in 61 chunks of 24 telephone calls 0.98 s at
    most, and over 2 s in the one that loops.
    """
    longest = at_s = 0.0
    for word in hypothesis.words:
        longest = max(longest, evidence.spoken_s(at_s, word.start_s))
        at_s = min(word.end_s, word.start_s + _LONGEST_WORD_S)
    return max(longest, evidence.spoken_s(at_s, float("inf")))


def middle_pause_s(evidence: Evidence, duration_s: float) -> float:
    """Where a chunk is cut in halves: in the middle of the pause nearest to its middle, which is taken if there is
    none."""
    pauses = [(before[1] + after[0]) / 2 for before, after in zip(evidence.bursts, evidence.bursts[1:], strict=False)]
    return min(pauses, key=lambda at_s: abs(at_s - duration_s / 2), default=duration_s / 2)


def joined(first: Hypothesis, second: Hypothesis, at_s: float) -> Hypothesis:
    """What was heard in the two halves of a chunk, the second of which begins at `at_s`; their figures are the
    worse."""
    later = tuple(replace(word, start_s=word.start_s + at_s, end_s=word.end_s + at_s) for word in second.words)
    spoken = [half for half in (first, second) if half.words] or [first]
    return Hypothesis(
        first.words + later,
        first.language,
        min(half.mean_logprob for half in spoken),
        max(half.no_speech_prob for half in spoken),
        max(half.compression_ratio for half in spoken),
        max(half.temperature for half in spoken),
        any(half.is_silenced for half in (first, second)),
    )


def guard(hypothesis: Hypothesis, evidence: Evidence) -> tuple[Hypothesis, GuardCounts]:
    """The hypothesis without the words that the sound does not bear out, and how many each guard removed; what the
    engine's judge did is counted too."""
    words = hypothesis.words
    away, words = _split(words, _are_away(words, evidence))
    loops, words = _split(words, _are_loops(words))
    rushed, words = _split(words, _are_rushed(words))
    subtitles, words = _split(words, _are_subtitles(words, hypothesis.no_speech_prob, evidence))
    counts = GuardCounts(away=away, loops=loops, rushed=rushed, subtitles=subtitles) + judged(hypothesis)
    return (replace(hypothesis, words=words) if len(words) < len(hypothesis.words) else hypothesis), counts


def judged(hypothesis: Hypothesis) -> GuardCounts:
    """What the engine itself did against its first text."""
    return GuardCounts(silenced=int(hypothesis.is_silenced), sampled=int(hypothesis.temperature > 0.0))


def _split(words: tuple[Word, ...], are_invented: Sequence[bool]) -> tuple[int, tuple[Word, ...]]:
    kept = tuple(word for word, is_invented in zip(words, are_invented, strict=True) if not is_invented)
    return len(words) - len(kept), kept


def _are_away(words: Sequence[Word], evidence: Evidence) -> list[bool]:
    """Which words lie wholly outside of speech."""
    return [evidence.spoken_s(word.start_s - _AWAY_S, word.end_s + _AWAY_S) == 0.0 for word in words]


def _are_loops(words: Sequence[Word]) -> list[bool]:
    """Which words repeat a phrase once more in no time. People do say things over: what has time to be said stays."""
    spelled = [_spelling(word) for word in words]
    invented = [False] * len(words)
    for length in range(1, _LONGEST_PHRASE + 1):
        alike = [at >= length and spelled[at] == spelled[at - length] for at in range(len(words))]
        run = 0
        for at, is_alike in enumerate(alike):
            run = run + 1 if is_alike else 0
            if run > (_MOST_REPEATS - 1) * length and words[at].end_s - words[at].start_s < _NO_TIME_S:
                invented[at] = True
    return invented


def _are_rushed(words: Sequence[Word]) -> list[bool]:
    """Which words lie in a second that holds more of them, or of their syllables, than anybody says."""
    invented = [False] * len(words)
    syllables = [_syllables(word.text) for word in words]
    last = 0
    for first, word in enumerate(words):
        while last < len(words) and words[last].end_s <= word.start_s + 1.0:
            last += 1
        if last - first > _MOST_WORDS or sum(syllables[first:last]) > _MOST_SYLLABLES:
            invented[first:last] = [True] * max(0, last - first)
    return invented


def _are_subtitles(words: Sequence[Word], no_speech_prob: float, evidence: Evidence) -> list[bool]:
    """Which words are of a phrase of subtitles while the sound does not say that anybody speaks."""
    spelled = [_spelling(word) for word in words]
    invented = [False] * len(words)
    for phrase in _phrases():
        for at in range(len(words) - len(phrase) + 1):
            if tuple(spelled[at : at + len(phrase)]) != phrase:
                continue
            span = slice(at, at + len(phrase))
            probability = evidence.probability(words[at].start_s, words[at + len(phrase) - 1].end_s)
            if probability < _LITTLE_SPEECH or no_speech_prob > _LITTLE_SAID:
                invented[span] = [True] * len(phrase)
    return invented


@cache
def _phrases() -> tuple[tuple[str, ...], ...]:
    lines = Path(__file__).with_name("subtitles.txt").read_text(encoding="utf-8").splitlines()
    return tuple(tuple(line.split()) for line in lines if line and not line.startswith("#"))


def _spelling(word: Word) -> str:
    return _PUNCTUATION.sub("", word.text.lower())


def _syllables(text: str) -> int:
    """About how many: one for each digit, and for each run of vowels in a word."""
    return max(1, len(re.findall(r"[aeiouy]+|\d", text.lower())))
