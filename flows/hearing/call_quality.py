"""How well a call was heard, in figures that need no reference: made while its words are in memory, kept without."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import isfinite

import numpy as np

from asr.estimate import Calibration, unworded_s, word_features
from asr.timebase import to_seconds
from asr.types import Channel, FindingKind, Hypothesis, RegionKind, Transcript, Word
from compliance.names import lexicon
from flows.hearing.second_hearing import SecondHearing
from flows.preparation import Prepared
from storage.types import CallQuality

_DOUBTFUL = 0.5
"""As in v_quality: less likely than not, by the model's own word."""

_SHORT = 3
"""The list of everyday words has none with fewer letters."""


def call_quality(
    prepared: Prepared, hypotheses: Sequence[Hypothesis], transcript: Transcript, second: SecondHearing | None = None
) -> CallQuality:
    """The figures of a call, from what was heard in its chunks, one to one, and what was made of it."""
    words = [word for turn in transcript.turns for word in turn.words]
    confidences = np.array([word.confidence for word in words])
    unworded = unworded_s(transcript.turns, transcript.regions)
    ratios_db = [channel.treatment.snr_db for channel in prepared.channels if isfinite(channel.treatment.snr_db)]
    return CallQuality(
        words=len(words),
        estimated_wer=Calibration.load().wer(word_features(words), unworded),
        mean_confidence=float(confidences.mean()) if words else None,
        doubtful_share=float((confidences < _DOUBTFUL).mean()) if words else None,
        unknown_share=unknown_share(words),
        mean_logprob=_mean(prepared, [one.mean_logprob for one in hypotheses]),
        no_speech_prob=_mean(prepared, [one.no_speech_prob for one in hypotheses]),
        compression_ratio=_mean(prepared, [one.compression_ratio for one in hypotheses]),
        speech_s=sum(_speech_s(transcript).values()),
        unworded_s=unworded,
        least_side_share=least_side_share(transcript),
        snr_db=min(ratios_db, default=None),
        second_model=second.model if second else None,
        second_words=second.errors.reference_length if second else None,
        second_errors=second.errors.count if second else None,
    )


def unknown_share(words: Sequence[Word]) -> float | None:
    """The share of words that are neither everyday English, nor a common name, nor a number; None without words."""
    if not words:
        return None
    known = lexicon()

    def is_known(token: str) -> bool:
        is_word = len(token) < _SHORT or token in known.everyday or token in known.places or token in known.place_words
        return is_word or known.is_given(token) or known.is_family(token) or any(sign.isdigit() for sign in token)

    # "don't" and "she's" are known by what is before the apostrophe.
    spelled = [re.sub(r"[^\w']+", "", word.text.lower()).partition("'")[0] for word in words]
    return 1.0 - sum(map(is_known, spelled)) / len(words)


def least_side_share(transcript: Transcript) -> float | None:
    """The share of all speech that is of the side that speaks least: 0 where a channel is dead, None of one channel
    that both share, and if nobody speaks."""
    if any(finding.kind is FindingKind.DEAD_CHANNEL for finding in transcript.findings):
        return 0.0
    spoken = _speech_s(transcript)
    if len(transcript.channels) < 2 or not sum(spoken.values()):
        return None
    return min(spoken.values()) / sum(spoken.values())


def _speech_s(transcript: Transcript) -> dict[Channel, float]:
    """Seconds of speech by channel, those without any included."""
    spoken = dict.fromkeys(transcript.channels, 0.0)
    for region in transcript.regions:
        if region.kind is RegionKind.SPEECH:
            spoken[region.channel] = spoken.get(region.channel, 0.0) + region.end_s - region.start_s
    return spoken


def _mean(prepared: Prepared, figures: Sequence[float]) -> float | None:
    """The mean over chunks, by their seconds; None without chunks."""
    seconds = [to_seconds(len(chunk)) for chunk in prepared.chunks]
    return float(np.average(figures, weights=seconds)) if figures else None
