"""Whether a text can be believed, and which of several readings of the same sound to keep."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from asr.options import TranscribeOptions

_MAX_LOGPROB_DROP = 0.5
"""A retry whose mean log-probability is worse by more is another text, not a better reading of the sound.

Measured on telephone prompts that were said five times over: the compression check fails a good text, and the
first sample to pass is an invented one, 0.6 to 2.5 worse. A right retry of a real loop is 0.1 to 0.4 worse.
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """A text and the figures by which it is judged; `ended` unless it ran into its most tokens."""

    tokens: tuple[int, ...] = field(repr=False)
    ended: bool
    mean_logprob: float
    no_speech_prob: float
    compression_ratio: float
    temperature: float


class Judge:
    """The checks of openai/whisper's transcribe.py, held against telephone speech (docs/decisions, decoding)."""

    def __init__(self, options: TranscribeOptions) -> None:
        self._options = options

    def is_silence(self, reading: Reading) -> bool:
        """Whether nothing was said: a text that is unlikely, where no speech is likely."""
        return self._is_unsure(reading) and reading.no_speech_prob > self._options.max_no_speech_prob

    def is_doubtful(self, reading: Reading) -> bool:
        """Whether a greedy text is worth a beam search: it loops, is empty, or is less likely than most."""
        return self._is_loop(reading) or not reading.tokens or reading.mean_logprob < self._options.doubt_below

    def settled(self, tries: Sequence[Reading]) -> bool:
        """Whether another temperature is not worth its time.

        That is when the last try passed, when it strayed from the first, or when two tries that ended by
        themselves both repeat: then it is the speaker who does.
        """
        last = tries[-1]
        strayed = last.mean_logprob < tries[0].mean_logprob - _MAX_LOGPROB_DROP
        repeats = [item for item in tries if item.ended and self._is_loop(item) and not self._is_unsure(item)]
        return self._passed(last) or strayed or len(repeats) > 1

    def best(self, tries: Sequence[Reading]) -> int:
        """The index of the last try if it passed and did not stray, else of the likeliest that ended by itself."""
        close = [i for i, t in enumerate(tries) if t.mean_logprob >= tries[0].mean_logprob - _MAX_LOGPROB_DROP]
        if self._passed(tries[close[-1]]):
            return close[-1]
        return max([i for i in close if tries[i].ended] or close, key=lambda i: tries[i].mean_logprob)

    def _is_loop(self, reading: Reading) -> bool:
        return not reading.ended or reading.compression_ratio > self._options.max_compression_ratio

    def _is_unsure(self, reading: Reading) -> bool:
        return reading.mean_logprob < self._options.min_mean_logprob

    def _passed(self, reading: Reading) -> bool:
        return self.is_silence(reading) or not (self._is_loop(reading) or self._is_unsure(reading))


def compression_ratio(text: str) -> float:
    """Bytes of the text over bytes of its zlib compression; 1.0 for no text (openai/whisper, utils.py)."""
    raw = text.encode()
    return len(raw) / len(zlib.compress(raw)) if raw else 1.0
