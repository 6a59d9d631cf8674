"""Music, told from speech by its spectral peaks: notes stand still, a voice glides.

Whitened spectra of two frames that follow one another without overlap, 128 ms apart, resemble each other where notes
are held or repeated; the harmonics of a voice have moved by more than a bin of 7.8 Hz by then. (Hawley 1993, Structure
out of sound, and Saunders 1996 tell music by the length of peaks and by the lack of syllables; this is the first of
them as a correlation, which asks for no peak picking.)
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from asr.sounds.spectra import BIN_HZ, FRAME, HOP
from asr.spans import runs
from asr.types import Span

_LOWEST, _HIGHEST = int(125 / BIN_HZ), int(3_400 / BIN_HZ)
"""The telephone's band, and what is left of an octave below it."""

_AROUND = 17
"""Bins, 130 Hz, whose mean log-power is taken off: a voice's and an instrument's timbre, and the line's response."""

_LAG = FRAME // HOP
"""Frames apart that share no sample."""

_SMOOTHING = 47
"""Frames, 3 s, over which resemblance is averaged: shorter than a hold message, longer than any held vowel."""

_AUDIBLE = 0.5
"""Least share of them that is audible. Speech is often less."""

_BEGINS, _GOES_ON = 0.54, 0.48
"""Mean resemblance from which it is music, and down to which it stays so. One tune and half of the telephone calls:
speech is 0.41 in the median, 0.49 at 99 % and 0.54 at most, music 0.54 and more in nine seconds of ten
(docs/front-end.md)."""

_SHORTEST = 3 * 8_000 // HOP
"""Frames, 3 s."""


class MusicListener:
    """How much each frame of one channel resembles the one before it."""

    def __init__(self) -> None:
        self._before: NDArray[np.float32] = np.zeros((_LAG, _HIGHEST - _LOWEST), np.float32)
        self._resemblance: list[NDArray[np.float32]] = []

    def hear(self, power: NDArray[np.float32], spectra: NDArray[np.float32]) -> None:
        """More frames, as `spectra.Framer.hear` gives them."""
        if not len(power):
            return
        peaks = np.zeros((_LAG + len(power), _HIGHEST - _LOWEST), np.float32)
        peaks[:_LAG] = self._before
        peaks[_LAG:][power > 0.0] = _peaks(spectra[:, _LOWEST:_HIGHEST])
        self._before = peaks[-_LAG:].copy()
        products = np.einsum("ij,ij->i", peaks[:-_LAG], peaks[_LAG:])
        self._resemblance.append(np.where(power > 0.0, products, np.float32(-1.0)))

    def end(self, tones: Iterable[Span]) -> tuple[Span, ...]:
        """Where there was music, in samples at spectra.RATE_HZ, in order, each 3 s and more; tones are none."""
        resemblance = np.concatenate([np.zeros(0, np.float32), *self._resemblance])
        audible = resemblance >= 0.0
        for tone in tones:
            audible[max(0, tone.start // HOP - _LAG) : tone.stop // HOP + _LAG] = False
        mean = smoothed(np.maximum(resemblance, 0.0), audible)
        spans = []
        for run in runs(mean >= _GOES_ON):
            sounding = np.flatnonzero(audible[run.start : run.stop]) + run.start
            if mean[run.start : run.stop].max() >= _BEGINS and len(sounding) and np.ptp(sounding) + 1 >= _SHORTEST:
                spans.append(Span(int(sounding[0]) * HOP, (int(sounding[-1]) + 1) * HOP))
        return tuple(spans)


def smoothed(resemblance: NDArray[np.float32], audible: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The mean over the audible ones of _SMOOTHING frames around each; zero where too few are."""
    n_audible = _sums(audible.astype(np.float64))
    mean = _sums(resemblance.astype(np.float64) * audible) / np.maximum(n_audible, 1.0)
    return np.where(n_audible >= _AUDIBLE * _SMOOTHING, mean, 0.0)


def _peaks(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """What of log spectra, (n, bins), stands out of its surroundings; each row has length 1."""
    logs = np.log(power + 1e-12)
    padded = np.pad(logs, ((0, 0), (_AROUND // 2 + 1, _AROUND // 2)), mode="edge")
    sums = np.cumsum(padded, axis=1, dtype=np.float32)
    peaks: NDArray[np.float32] = np.maximum(logs - (sums[:, _AROUND:] - sums[:, :-_AROUND]) / _AROUND, 0.0)
    peaks /= np.sqrt(np.einsum("ij,ij->i", peaks, peaks))[:, None] + 1e-9
    return peaks


def _sums(values: NDArray[np.float64]) -> NDArray[np.float64]:
    sums = np.cumsum(np.pad(values, (_SMOOTHING // 2 + 1, _SMOOTHING // 2)))
    difference: NDArray[np.float64] = sums[_SMOOTHING:] - sums[:-_SMOOTHING]
    return difference
