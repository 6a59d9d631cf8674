"""Taking the other side's speech out of a channel: where it is found, in its samples, and among its words."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from asr.channels.crosstalk import LEAD, METER_RATE_HZ, TAPS, Leak
from asr.merge import spelling
from asr.timebase import to_samples
from asr.types import MODEL_RATE_HZ, Channel, Samples, Word
from asr.vad import WINDOW

_MARGIN = 2.0
"""3 dB: a window this much louder than the leak that is expected in it is still leak. On every other of 24 telephone
calls, with leaks of -20 and -6 dB, 6 dB cost 9 and 21 of 1,446 words that were said into the leak, and 3 dB none."""

_WORD_MARGIN = 4.0
"""6 dB: the same for a word that the other side said at the same time, which is surer."""

_HELD = 3
"""Windows, 0.1 s, for which an expected leak lasts: so long the detector's memory holds speech after its end."""

_WEAKER = 0.5
"""A word that is not 3 dB weaker than its twin is nobody's echo, however loud the leak is."""

_APART_S = 0.3
"""How far apart, beside the delay, a word and its twin may begin: the alignment of faint words wavers by so much."""

_STRIDE = MODEL_RATE_HZ // METER_RATE_HZ

_PAST = _STRIDE * (TAPS - 1 - LEAD)
"""Samples at MODEL_RATE_HZ that a response reaches back."""

_AHEAD = _STRIDE * LEAD
"""Samples that it reaches ahead."""

_FRAME = 8_192
"""Samples in one transform of the filter."""


def is_leak(power: NDArray[np.float32], other: NDArray[np.float32], leak: Leak) -> NDArray[np.bool_]:
    """In which of a channel's windows the leak explains what is heard, (n_windows,) bool.

    `power` are the mean squares of its windows and `other` those of the channel that leaks into it, (n_windows,) both.
    """
    explained: NDArray[np.bool_] = power <= _MARGIN * _expected(other, leak)
    return explained


def _expected(other: NDArray[np.float32], leak: Leak) -> NDArray[np.float32]:
    """The power of the leak in each window, held for _HELD windows after it and one before."""
    energies = np.square(leak.response)
    late = np.maximum(np.arange(TAPS) - LEAD, 0) * _STRIDE
    whole, part = late // WINDOW, late % WINDOW / WINDOW
    shares = np.bincount(whole, energies * (1 - part), 4) + np.bincount(whole + 1, energies * part, 4)
    level = 10 ** (leak.level_db / 10)
    leaked = np.convolve(other, shares / shares.sum() * level)[: len(other)]
    padded = np.pad(leaked, (_HELD, 1))
    held: NDArray[np.float32] = np.lib.stride_tricks.sliding_window_view(padded, _HELD + 2).max(axis=1)
    return held


class LeakFilter:
    """One channel less what leaks into it, block by block, at MODEL_RATE_HZ.

    The response has METER_RATE_HZ and is spread to every other tap, which is exact below 4 kHz, where a telephone's
    speech lies.
    """

    def __init__(self, leak: Leak) -> None:
        taps = np.zeros(_PAST + _AHEAD + 1, np.float32)
        taps[::_STRIDE] = leak.response
        self._reach = len(taps) - 1
        self._spectrum = np.fft.rfft(taps, _FRAME).astype(np.complex64)
        self._source: Samples = np.zeros(_PAST, np.float32)
        self._own: Samples = np.zeros(0, np.float32)

    def hear(self, own: Samples, source: Samples) -> Samples:
        """What is certain after one more block of both channels, (n,) float32 each: 1 ms is held back."""
        self._source = np.concatenate([self._source, source])
        self._own = np.concatenate([self._own, own])
        ready = len(self._source) - self._reach
        if ready <= 0:
            return np.zeros(0, np.float32)
        cleaned: Samples = self._own[:ready] - self._leaked(ready)
        self._source, self._own = self._source[ready:], self._own[ready:]
        return cleaned

    def end(self) -> Samples:
        """What is left."""
        return self.hear(np.zeros(0, np.float32), np.zeros(_AHEAD, np.float32))

    def _leaked(self, n: int) -> Samples:
        """The source through the filter where all taps have something to hear, (n,), by overlap-save."""
        step = _FRAME - self._reach
        n_frames = -(-n // step)
        padded = np.pad(self._source, (0, n_frames * step + self._reach - len(self._source)))
        frames = np.lib.stride_tricks.sliding_window_view(padded, _FRAME)[::step]
        filtered = np.fft.irfft(np.fft.rfft(frames) * self._spectrum, _FRAME)[:, self._reach :]
        return filtered.reshape(-1)[:n].astype(np.float32, copy=False)


def without_echoes(
    words_of: Mapping[Channel, Sequence[Word]],
    power_of: Mapping[Channel, NDArray[np.float32]],
    leak_of: Mapping[Channel, Leak | None],
) -> dict[Channel, tuple[Word, ...]]:
    """Both channels' words, in time order, less those of one that only repeat the other's through its leak.

    An echo has a twin in the other channel: the same word, begun within the delay and _APART_S of it, beside which it
    is no louder than the leak explains. `power_of` are the mean squares of the detector's windows, (n_windows,).
    Channels without a leak keep all of their words.
    """
    kept: dict[Channel, tuple[Word, ...]] = {}
    for channel, words in words_of.items():
        leak = leak_of.get(channel)
        sources = [other for other in words_of if other != channel]
        if leak is None or not sources:
            kept[channel] = tuple(words)
            continue
        (source,) = sources
        share = min(_WEAKER, _WORD_MARGIN * 10 ** (leak.level_db / 10))
        twins = [_twins(word, words_of[source], leak.delay_ms / 1_000) for word in words]
        kept[channel] = tuple(
            word
            for word, alike in zip(words, twins, strict=True)
            if not any(_power(word, power_of[channel]) <= share * _power(twin, power_of[source]) for twin in alike)
        )
    return kept


def _twins(word: Word, others: Sequence[Word], delay_s: float) -> list[Word]:
    """Words of the other channel that this one may be an echo of."""
    first = bisect_left(others, word.start_s - max(delay_s, 0.0) - _APART_S, key=lambda other: other.start_s)
    found = []
    for other in others[first:]:
        if other.start_s > word.start_s - min(delay_s, 0.0) + _APART_S:
            break
        if spelling(other) == spelling(word):
            found.append(other)
    return found


def _power(word: Word, power: NDArray[np.float32]) -> float:
    """The mean square of a word; zero beyond the channel's end."""
    start, stop = to_samples(word.start_s) // WINDOW, -(-to_samples(word.end_s) // WINDOW)
    windows = power[start : max(stop, start + 1)]
    return float(windows.mean()) if len(windows) else 0.0
