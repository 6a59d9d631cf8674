"""How wrong a transcript probably is, told without a reference: confidences calibrated against counted errors.

A word's confidence is no probability: over 24 telephone calls words of mean confidence 0.9 are wrong in one case of
seven. A logistic regression on its logit (Platt 1999) and the word's length (long words are rare ones, which are
misheard more often) turns it into one; words that were lost are told by speech that no word accounts for. Fitted and
judged by tests/benchmarks/estimated_wer.py; docs/quality.md has what it is worth.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asr.types import Channel, Region, RegionKind, SpokenTurn, SpokenWord

_FILE = Path(__file__).with_name("estimate.json")

Floats = NDArray[np.float64]

_SUREST = 1e-3
"""Confidences nearer to 0 or 1 are alike: the logit would go on without end."""

_MOST_LETTERS = 12
"""Longer words are as rare as words of so many letters."""

_LONGEST_WORD_S = 1.5
"""No word accounts for more speech than this (asr/guards.py)."""

_STRETCH_S = 1.0
"""In less a word or two may have been said; in the regions of 24 calls 12 % of speech is in longer stretches."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """P(a word is wrong) = 1 / (1 + exp(-(intercept + logit * logit(confidence) + letters * n_letters))), and how many
    words are lost in a second of speech that has none. `models` are those whose words it was fitted on."""

    intercept: float
    logit: float
    letters: float
    lost_per_s: float
    models: tuple[str, ...]

    @classmethod
    def load(cls) -> Calibration:
        """The one that ships with callwright."""
        return _shipped()

    def wrong(self, features: Floats) -> Floats:
        """The probability of each word's being wrong, (n_words,) in [0, 1], of its `word_features`.

        >>> from asr.types import Word
        >>> words = [Word("hello", 0, 1, 0.99), Word("hello", 1, 2, 0.3)]
        >>> sure, doubtful = Calibration.load().wrong(word_features(words))
        >>> bool(sure < doubtful)
        True
        """
        score = self.intercept + features @ np.array([self.logit, self.letters])
        return np.asarray(1.0 / (1.0 + np.exp(-score)), np.float64)

    def wer(self, features: Floats, unworded_s: float) -> float | None:
        """The expected word error rate of a transcript, from its words' features; None if it has no words, and no
        speech is without one.

        Expected wrong words and lost ones, over all words that were said as far as is known: those that were heard,
        and those lost.
        """
        lost = self.lost_per_s * unworded_s
        if not len(features) and not lost:
            return None
        return float((self.wrong(features).sum() + lost) / (len(features) + lost))


def word_features(words: Sequence[SpokenWord]) -> Floats:
    """What a word's error is told by, (n_words, 2): the logit of its confidence, and its letters and digits."""
    confidence = np.array([word.confidence for word in words]).clip(_SUREST, 1.0 - _SUREST)
    letters = [min(len(re.findall(r"\w", word.text)), _MOST_LETTERS) for word in words]
    return np.stack([np.log(confidence / (1.0 - confidence)), np.array(letters, np.float64)], axis=1)


def unworded_s(turns: Sequence[SpokenTurn], regions: Iterable[Region]) -> float:
    """Seconds of speech, over all channels, that no word accounts for; stretches under a second are none: regions of
    speech reach past its words, and pauses are in them."""
    spoken: dict[Channel, list[tuple[float, float]]] = {}
    for turn in turns:
        spoken.setdefault(turn.channel, []).extend(
            (word.start_s, min(word.end_s, word.start_s + _LONGEST_WORD_S)) for word in turn.words
        )
    found = 0.0
    for region in regions:
        if region.kind is RegionKind.SPEECH:
            found += _uncovered_s(region, sorted(spoken.get(region.channel, [])))
    return found


def _uncovered_s(region: Region, words: Sequence[tuple[float, float]]) -> float:
    """Of a region's seconds, those in long stretches outside of all words, (start_s, end_s) in order."""
    at_s, found = region.start_s, 0.0
    for start_s, end_s in (*words, (region.end_s, region.end_s)):
        gap_s = min(start_s, region.end_s) - at_s
        found += gap_s if gap_s >= _STRETCH_S else 0.0
        at_s = max(at_s, end_s)
    return found


@cache
def _shipped() -> Calibration:
    values = json.loads(_FILE.read_text(encoding="utf-8"))
    return Calibration(**{**values, "models": tuple(values["models"])})
