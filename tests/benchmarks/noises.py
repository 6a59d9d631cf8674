"""What a line carries while nobody speaks, made here: tones, keys, noise and music of other kinds, at 8 kHz."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from asr.sounds.dtmf import HIGH_HZ, KEYS, LOW_HZ
from asr.sounds.spectra import RATE_HZ

Signal = NDArray[np.float64]

CADENCES: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "ringback US": ((440.0, 480.0), (2.0, 4.0)),
    "ringback UK": ((400.0, 450.0), (0.4, 0.2, 0.4, 2.0)),
    "ringback Europe": ((425.0,), (1.0, 4.0)),
    "busy US": ((480.0, 620.0), (0.5, 0.5)),
    "busy Europe": ((425.0,), (0.5, 0.5)),
    "busy UK": ((400.0,), (0.375, 0.375)),
    "congestion US": ((480.0, 620.0), (0.25, 0.25)),
    "congestion Europe": ((425.0,), (0.25, 0.25)),
    "dial tone US": ((350.0, 440.0), (4.0, 1.0)),
    "dial tone Europe": ((425.0,), (4.0, 1.0)),
}
"""Frequencies, and seconds on and off (ITU-T E.180 Supplement 2)."""


def tone(frequencies_hz: Sequence[float], lasts_s: float, level_dbfs: float, rate_hz: int = RATE_HZ) -> Signal:
    """Sines of equal strength, together at that level, full scale being a sine of amplitude 1 at -3 dBFS."""
    at_s = np.arange(round(lasts_s * rate_hz)) / rate_hz
    sines = [np.sin(2 * np.pi * frequency * at_s) for frequency in frequencies_hz]
    together: Signal = 10 ** (level_dbfs / 20) * np.sqrt(2 / len(sines)) * np.sum(sines, axis=0)
    return together


def cadence(name: str, lasts_s: float, level_dbfs: float, rate_hz: int = RATE_HZ) -> Signal:
    """A tone of CADENCES over and over."""
    frequencies_hz, times_s = CADENCES[name]
    once = [
        tone(frequencies_hz, time_s, level_dbfs if number % 2 == 0 else -np.inf, rate_hz)
        for number, time_s in enumerate(times_s)
    ]
    period = np.concatenate(once)
    size = round(lasts_s * rate_hz)
    return np.tile(period, -(-size // len(period)))[:size]


def special(steps_hz: Sequence[float], steps_s: Sequence[float], level_dbfs: float, rate_hz: int = RATE_HZ) -> Signal:
    """A special information tone: three steps with nothing between, and a second of silence (ITU-T E.180)."""
    steps = [tone((hz,), lasts_s, level_dbfs, rate_hz) for hz, lasts_s in zip(steps_hz, steps_s, strict=True)]
    return np.concatenate([*steps, np.zeros(rate_hz)])


def keys(digits: str, level_dbfs: float, on_s: float = 0.1, off_s: float = 0.1, rate_hz: int = RATE_HZ) -> Signal:
    """Keys pressed one after the other."""
    parts = [np.zeros(0)]
    for digit in digits:
        row = next(number for number, keyed in enumerate(KEYS) if digit in keyed)
        pair_hz = (LOW_HZ[row], HIGH_HZ[KEYS[row].index(digit)])
        parts += [tone(pair_hz, on_s, level_dbfs, rate_hz), np.zeros(round(off_s * rate_hz))]
    return np.concatenate(parts)


def noise(lasts_s: float, level_dbfs: float, seed: int, rate_hz: int = RATE_HZ) -> Signal:
    """White noise."""
    values: Signal = 10 ** (level_dbfs / 20) * np.random.default_rng(seed).standard_normal(round(lasts_s * rate_hz))
    return values


MUSIC = ("chords", "arpeggio", "quick arpeggio", "strings", "band", "drums")


def music(kind: str, lasts_s: float, seed: int, level_dbfs: float = -20.0) -> Signal:
    """A made-up piece of one of MUSIC in the telephone's band, with the noise of a line 40 dB below it."""
    rng = np.random.default_rng(seed)
    played = np.zeros(round(lasts_s * RATE_HZ))
    for start_s, signal in _PLAYERS[kind](lasts_s, rng):
        start = round(start_s * RATE_HZ)
        fitting = signal[: len(played) - start]
        played[start : start + len(fitting)] += fitting
    spectrum = np.fft.rfft(played)
    hz = np.fft.rfftfreq(len(played), 1 / RATE_HZ)
    spectrum[(hz < 250) | (hz > 3_450)] = 0.0
    limited = np.fft.irfft(spectrum, len(played))
    level = 10 ** (level_dbfs / 20) / np.sqrt(np.mean(limited**2))
    return limited * level + noise(lasts_s, level_dbfs - 40, seed)[: len(limited)]


def _note(hz: float, lasts_s: float, decay: float, harmonics: int = 4, vibrato: float = 0.0) -> Signal:
    at_s = np.arange(round(lasts_s * RATE_HZ)) / RATE_HZ
    bend = vibrato * np.sin(2 * np.pi * 5.5 * at_s)
    note = np.sum(
        [
            np.exp(-decay * (1 + 0.3 * n) * at_s) * np.sin(n * (2 * np.pi * hz * at_s + bend)) / n**1.3
            for n in range(1, harmonics + 1)
        ],
        axis=0,
    )
    faded: Signal = note * np.minimum(1, at_s / 0.01) * np.minimum(1, (lasts_s - at_s) / 0.02)
    return faded


def _hz(root: float, semitones: int) -> float:
    return float(root * 2 ** (semitones / 12))


Played = Iterator[tuple[float, Signal]]


def _chords(lasts_s: float, _rng: np.random.Generator) -> Played:
    for number in range(int(lasts_s / 2)):
        for tone_of_chord in (0, 4, 7, 12):
            yield 2.0 * number, 0.3 * _note(_hz(220, (0, 5, 7, 3)[number % 4] + tone_of_chord), 2.0, 0.5)


def _arpeggio(lasts_s: float, step_s: float, root: float) -> Played:
    for number in range(int(lasts_s / step_s)):
        semitones = (0, 4, 7, 12, 16, 12, 7, 4)[number % 8] + (0, 5, 7, 0)[number // 16 % 4]
        yield step_s * number, 0.5 * _note(_hz(root, semitones), 1.75 * step_s, 1 / step_s)


def _strings(lasts_s: float, _rng: np.random.Generator) -> Played:
    for number in range(int(lasts_s)):
        hz = _hz(440, (0, 2, 4, 5, 7, 5, 4, 2)[number % 8])
        yield float(number), 0.4 * _note(hz, 1.0, 0.1, 8, 0.8) + 0.3 * _note(0.75 * hz, 1.0, 0.1, 6, 0.5)


def _drums(lasts_s: float, rng: np.random.Generator) -> Played:
    at_s = np.arange(round(0.2 * RATE_HZ)) / RATE_HZ
    for number in range(int(lasts_s / 0.25)):
        struck = 0.2 * np.diff(rng.standard_normal(len(at_s) + 1)) * np.exp(-60 * at_s)
        if number % 4 == 0:
            struck += np.sin(2 * np.pi * (60 * at_s + 40 * (1 - np.exp(-30 * at_s)))) * np.exp(-12 * at_s)
        if number % 4 == 2:
            struck += 0.6 * rng.standard_normal(len(at_s)) * np.exp(-25 * at_s)
        yield 0.25 * number, struck


def _band(lasts_s: float, rng: np.random.Generator) -> Played:
    yield from _chords(lasts_s, rng)
    yield from ((at_s, 0.7 * struck) for at_s, struck in _drums(lasts_s, rng))
    yield from ((at_s, 0.5 * note) for at_s, note in _arpeggio(lasts_s, 0.2, 262))


_PLAYERS = {
    "chords": _chords,
    "arpeggio": lambda lasts_s, _: _arpeggio(lasts_s, 0.2, 262),
    "quick arpeggio": lambda lasts_s, _: _arpeggio(lasts_s, 0.1, 330),
    "strings": _strings,
    "band": _band,
    "drums": _drums,
}
