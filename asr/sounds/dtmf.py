"""Keys that were pressed: pairs of tones (ITU-T Q.23), received by the rules of ITU-T Q.24.

A coarse look at 20 ms at a time finds candidates; around them windows of 20 ms in steps of 5 ms are measured: level,
frequency by the turn of the phase from one step to the next, and how much of all energy the two sines are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from asr.sounds.spectra import RATE_HZ
from asr.types import Samples, Span

LOW_HZ, HIGH_HZ = (697.0, 770.0, 852.0, 941.0), (1_209.0, 1_336.0, 1_477.0, 1_633.0)
KEYS = ("123A", "456B", "789C", "*0#D")
"""Rows of low, columns of high frequencies (Q.23)."""

_WINDOW: Final = 160
"""Samples of a window, 20 ms: at least one lies wholly in a tone of 40 ms."""

_STEP: Final = 40
"""Samples of a step, 5 ms."""

_QUIETEST = 10.0 ** (-45 / 10)
"""Mean square of a window, -45 dBFS, below which no key is looked for (Q.24, table A-1: -25 to -29 dBm operate)."""

_LIKELY, _PURE = 0.4, 0.8
"""Least share of a window's energy at the two frequencies, before and after the loss by being off them is made good:
noise may be 6 dB below them; speech has overtones besides."""

_FAINT = 0.04
"""Least share of each of the two before that: 8 dB below the other one and 1.5 % off."""

_ROWS = 100
"""Windows in one product of matrices: with more, OpenBLAS wakes other threads, which wait longer than they work."""

_OFF = 0.025
"""Most that a frequency may be off: 1.5 to 1.8 % has to be accepted, 3.5 % refused (Q.24)."""

_MOST_HIGH, _MOST_LOW = 10.0 ** (4 / 10), 10.0 ** (8 / 10)
"""How many times the low tone's power the high one may have, and the other way round: 4 and 8 dB (Q.24, AT&T)."""

_BEFORE, _AFTER = 12, 148
"""Where a press begins and ends, from the starts of its first and last window: those pass that it fills to _PURE, and
half a step is lost on average."""

_SHORTEST = 290
"""36 ms: with steps of 5 ms, 40 ms, which have to be accepted (Q.24), are measured as 37 or more, 30 ms as 32 or
less."""

_SHORTEST_PAUSE = 300
"""Between starts of two windows: a gap of up to 20 ms is an interruption of one press, of 40 ms a pause (Q.24 asks for
10 and 40)."""

_SAME_RUN_S = 2.0
"""Presses with less between them are one run of keys: the VAD's min_silence_ms, which also makes speech one region."""

_ALL_HZ = np.array([*LOW_HZ, *HIGH_HZ])
_TURNS = np.exp(-2j * np.pi * np.outer(np.arange(_WINDOW), _ALL_HZ) / RATE_HZ)
_TONES: NDArray[np.float32] = np.hstack([_TURNS.real, _TURNS.imag]).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Keyed:
    """One key or several, from first sound to last, in samples at spectra.RATE_HZ."""

    span: Span
    digits: str = field(repr=False)


class KeyListener:
    """Finds presses in one channel at spectra.RATE_HZ, block by block."""

    def __init__(self) -> None:
        # The first window has something before it, too.
        self._left: Samples = np.zeros(_WINDOW, np.float32)
        self._at = -_WINDOW
        self._found: dict[int, str] = {}

    def hear(self, samples: Samples) -> None:
        """Take in a block, (n,) float32."""
        heard = np.concatenate([self._left, samples])
        n_windows = max(0, len(heard) // _WINDOW - 3)
        if n_windows:
            self._look(heard, n_windows)
        self._at += n_windows * _WINDOW
        self._left = heard[n_windows * _WINDOW :].copy()

    def end(self) -> tuple[Keyed, ...]:
        """All presses, in order."""
        self.hear(np.zeros(4 * _WINDOW, np.float32))
        return tuple(_presses(sorted(self._found.items())))

    def _look(self, heard: Samples, n_windows: int) -> None:
        """Measure around those of so many windows, from the second on, that may hold a key."""
        windows = heard[_WINDOW : (n_windows + 1) * _WINDOW].reshape(-1, _WINDOW)
        energy = np.einsum("ij,ij->i", windows, windows)
        loud = np.flatnonzero(energy > _QUIETEST * _WINDOW)
        power = np.square(np.abs(_spectra(windows[loud]))) * (2 / _WINDOW)
        low, high = power[:, :4].max(axis=1, initial=0.0), power[:, 4:].max(axis=1, initial=0.0)
        likely = (low + high >= _LIKELY * energy[loud]) & (np.minimum(low, high) >= _FAINT * energy[loud])
        # From one window before to one after; a step more tells the phase's turn.
        firsts = loud[likely] * _WINDOW
        around = heard[firsts[:, None] + np.arange(3 * _WINDOW + _STEP)]
        for row, step, key in _measured(around):
            self._found[self._at + int(firsts[row]) + step * _STEP] = key


def join_keys(presses: Iterable[Keyed]) -> tuple[Keyed, ...]:
    """Presses that follow one another within _SAME_RUN_S as one."""
    runs: list[Keyed] = []
    for press in presses:
        if runs and press.span.start - runs[-1].span.stop < _SAME_RUN_S * RATE_HZ:
            runs[-1] = Keyed(Span(runs[-1].span.start, press.span.stop), runs[-1].digits + press.digits)
        else:
            runs.append(press)
    return tuple(runs)


def _spectra(windows: NDArray[np.float32]) -> NDArray[np.complex64]:
    """The sums of Goertzel's algorithm for each window, (n, _WINDOW): (n, 8)."""
    parts = [windows[at : at + _ROWS] @ _TONES for at in range(0, len(windows), _ROWS)]
    found = np.concatenate([np.zeros((0, 2 * len(_ALL_HZ)), np.float32), *parts])
    together: NDArray[np.complex64] = found[:, : len(_ALL_HZ)] + np.complex64(1j) * found[:, len(_ALL_HZ) :]
    return together


def _measured(samples: NDArray[np.float32]) -> Iterator[tuple[int, int, str]]:
    """For each row, (n, n_samples), and step in it whose window holds a key: row, step and key."""
    windows = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW, axis=1)[:, ::_STEP]
    n_rows, n_steps, _ = windows.shape
    energy = np.einsum("ijk,ijk->ij", windows, windows)[:, :-1]
    spectra = _spectra(windows.reshape(-1, _WINDOW)).reshape(n_rows, n_steps, len(_ALL_HZ))
    # How far a frequency turns more in a step than it should.
    turned = spectra[:, 1:] * np.conj(spectra[:, :-1]) * np.exp(-2j * np.pi * _ALL_HZ * _STEP / RATE_HZ)
    off_hz = np.angle(turned) * RATE_HZ / (2 * np.pi * _STEP)
    power = np.square(np.abs(spectra[:, :-1])) * (2 / _WINDOW)
    low, high = power[:, :, :4].argmax(axis=2), power[:, :, 4:].argmax(axis=2) + 4
    (low_power, low_right), (high_power, high_right) = (_at(tone, power, off_hz) for tone in (low, high))
    right = (
        (energy > _QUIETEST * _WINDOW)
        & (low_right & high_right)
        & (low_power + high_power >= _PURE * energy)
        & (high_power <= _MOST_HIGH * low_power)
        & (low_power <= _MOST_LOW * high_power)
    )
    for row, step in np.argwhere(right).tolist():
        yield row, step, KEYS[int(low[row, step])][int(high[row, step]) - 4]


def _at(
    tone: NDArray[np.int64], power: NDArray[np.floating], off_hz: NDArray[np.floating]
) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
    """Power of one tone a window, without the loss by being off its frequency, and whether it is near enough to it."""
    off = np.take_along_axis(off_hz, tone[:, :, None], 2)[:, :, 0]
    lost = np.square(np.sinc(off * _WINDOW / RATE_HZ))
    return np.take_along_axis(power, tone[:, :, None], 2)[:, :, 0] / lost, np.abs(off) <= _OFF * _ALL_HZ[tone]


def _presses(found: list[tuple[int, str]]) -> Iterator[Keyed]:
    """Presses from the windows that hold keys, in order of their starts."""
    run: list[int] = []
    key = ""
    for start, name in found:
        if run and (name != key or start - run[-1] > _SHORTEST_PAUSE):
            yield from _press(run, key)
            run = []
        key = name
        run.append(start)
    yield from _press(run, key)


def _press(run: list[int], key: str) -> Iterator[Keyed]:
    """The press that windows of one key are, unless it is too short."""
    if run and run[-1] - run[0] + _AFTER - _BEFORE >= _SHORTEST:
        yield Keyed(Span(max(0, run[0] + _BEFORE), run[-1] + _AFTER), key)
