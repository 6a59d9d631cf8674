"""The tones of the telephone network: ringing, busy, congestion, dial and special information tone, by frequency and
cadence.

A tone is one or two sines and nothing else, level and frequency steady, on and off in a known rhythm (ITU-T E.180;
national ones in its Supplement 2). Speech has such a spectrum for an instant only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import numpy as np
from numpy.typing import NDArray

from asr.sounds.spectra import BIN_HZ, HOP, RATE_HZ
from asr.types import RegionKind, Span

PAIRS_HZ = {
    (350.0, 440.0): RegionKind.DIAL_TONE,
    (350.0, 450.0): RegionKind.DIAL_TONE,
    (440.0, 480.0): RegionKind.RINGBACK,
    (400.0, 450.0): RegionKind.RINGBACK,
    (480.0, 620.0): RegionKind.BUSY,
}
"""North America: dial, ringing, busy or congestion; United Kingdom: dial, ringing (E.180 Supplement 2)."""

SINGLE_HZ = (400.0, 450.0)
"""The recommended single tone is 425 Hz, from 400 to 450 Hz accepted (E.180); its rhythm says what it means."""

STEPS_HZ = (950.0, 1_400.0, 1_800.0)
"""The special information tone, before "the number you have dialled": one after the other, each 50 Hz off at most
(E.180), a width that North America's kinds of it use (913.8 to 985.2 Hz)."""

_STEP_OFF_HZ = 50.0

_OFF_HZ = 8.0
"""A bin: exchanges keep within 0.5 to 1.5 %."""

_PURE = 0.85
"""Least share of a frame's energy in the sines: noise may be 8 dB below them. In 53 minutes of telephone a voice
has that at one of the pairs for a frame, and at a single frequency for six, without any rhythm."""

_TWIST = 10.0
"""One of two sines may have this many times the other's energy, 10 dB."""

_LOUDER = 1.1
"""A steady tone's frames differ by less in power."""

_LOW_HZ = sorted({*SINGLE_HZ, 425.0, *(hz for pair in PAIRS_HZ for hz in pair)})
_KNOWN_HZ = np.array([*_LOW_HZ, *STEPS_HZ])
_MAY_BE_OFF_HZ = np.array([_OFF_HZ] * len(_LOW_HZ) + [_STEP_OFF_HZ + _OFF_HZ] * len(STEPS_HZ))

_SINGLE, _NOTHING = "single", ""
_STEPS = ("step 1", "step 2", "step 3")

_LOWEST, _HIGHEST, _ABOVE_HUM = int(300 / BIN_HZ), int(1_900 / BIN_HZ), int(100 / BIN_HZ)
"""Bins in which sines are sought, and from which energy counts."""

_LOBE = 2
"""Bins on each side that a sine fills behind a Hann window."""

_SHORTEST_S, _PAIR_SHORTEST_S = 0.15, 0.3
_CONGESTION_S, _BUSY_S, _DIAL_S = 0.33, 0.7, 2.5
"""Longest burst of congestion (0.2 to 0.25 s in use) and of busy tone (E.180: up to 0.66 s), shortest dial tone, which
does not stop; ringing lasts 0.67 to 1.5 s (E.180), in North America 2 s."""

_PAUSE_S, _RINGS_S = 0.65, 6.5
"""Longest pause inside busy tone or a double ring, and most from one ring to the next."""

_STEP_S, _STEP_PAUSE_S = (0.19, 0.47), 0.1
"""A step lasts 260 to 400 ms with up to 30 ms before the next (E.180); frames find its ends within 70 ms."""

_BURSTS = 3
"""Bursts that busy tone or congestion of one frequency needs before it is believed: a note of a tune may be as pure."""


@dataclass(frozen=True, slots=True)
class Tone:
    """A tone from its first sound to its last, in samples at spectra.RATE_HZ."""

    span: Span
    kind: RegionKind


@dataclass(frozen=True, slots=True)
class _Burst:
    """An unbroken sound of one or two sines; `name` is a kind, _SINGLE, or one of _STEPS."""

    start: int
    stop: int
    name: str

    @property
    def lasts_s(self) -> float:
        return (self.stop - self.start) / RATE_HZ


class ToneListener:
    """What each frame of one channel would be if it were a tone."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._power: list[NDArray[np.float32]] = []

    def hear(self, power: NDArray[np.float32], spectra: NDArray[np.float32]) -> None:
        """More frames, as `spectra.Framer.hear` gives them."""
        names = [_NOTHING] * len(power)
        for at, name in zip(np.flatnonzero(power > 0.0).tolist(), _names(spectra), strict=True):
            names[at] = name
        self._names += names
        self._power.append(power)

    def end(self) -> tuple[Tone, ...]:
        """The tones, in order, none touching another."""
        power = np.concatenate([np.zeros(0, np.float32), *self._power])
        tones: list[Tone] = []
        bursts = list(_bursts(self._names, power))
        for name in (*{kind.value for kind in PAIRS_HZ.values()}, _SINGLE):
            tones += _meant([burst for burst in bursts if burst.name == name], name)
        tones += _special([burst for burst in bursts if burst.lasts_s >= _SHORTEST_S])
        return tuple(sorted(tones, key=lambda tone: tone.span.start))


def _names(spectra: NDArray[np.float32]) -> Iterator[str]:
    """For each power spectrum, the name of the tone that it is one frame of."""
    if not len(spectra):
        return
    sought = spectra[:, _LOWEST:_HIGHEST]
    total = spectra[:, _ABOVE_HUM:].sum(axis=1) + 1e-20
    first = sought.argmax(axis=1) + _LOWEST
    near = (np.abs(first[:, None] * BIN_HZ - _KNOWN_HZ) - _MAY_BE_OFF_HZ).min(axis=1) <= BIN_HZ / 2
    # The stronger of two sines has half of their energy.
    likely = near & (_lobe(spectra, first) / total >= _PURE / 2)
    for is_likely, spectrum, at, energy in zip(likely.tolist(), spectra, first.tolist(), total.tolist(), strict=True):
        yield _name(spectrum, at, energy) if is_likely else _NOTHING


def _lobe(spectra: NDArray[np.float32], at: NDArray[np.int64]) -> NDArray[np.float32]:
    columns = at[:, None] + np.arange(-_LOBE, _LOBE + 1)
    energy: NDArray[np.float32] = np.take_along_axis(spectra, columns, axis=1).sum(axis=1)
    return energy


def _name(spectrum: NDArray[np.float32], first: int, total: float) -> str:
    energy = float(spectrum[first - _LOBE : first + _LOBE + 1].sum())
    if energy / total >= _PURE and (name := _single_name(_peak_hz(spectrum, first))):
        return name
    rest = spectrum[:_HIGHEST].copy()
    rest[:_LOWEST] = rest[first - _LOBE - 1 : first + _LOBE + 2] = 0.0
    second = int(rest.argmax())
    less = float(spectrum[second - _LOBE : second + _LOBE + 1].sum())
    if (energy + less) / total < _PURE or energy > _TWIST * less:
        return _NOTHING
    low_hz, high_hz = sorted((_peak_hz(spectrum, first), _peak_hz(spectrum, second)))
    near = [
        (abs(low_hz - low) + abs(high_hz - high), kind.value)
        for (low, high), kind in PAIRS_HZ.items()
        if abs(low_hz - low) <= _OFF_HZ and abs(high_hz - high) <= _OFF_HZ
    ]
    return min(near)[1] if near else _NOTHING


def _single_name(hz: float) -> str:
    """What one sine of a frequency may be a frame of."""
    if SINGLE_HZ[0] - _OFF_HZ <= hz <= SINGLE_HZ[1] + _OFF_HZ:
        return _SINGLE
    for name, step_hz in zip(_STEPS, STEPS_HZ, strict=True):
        if abs(hz - step_hz) <= _STEP_OFF_HZ + _OFF_HZ:
            return name
    return _NOTHING


def _peak_hz(spectrum: NDArray[np.float32], at: int) -> float:
    """The frequency of a peak, by a parabola through the log-power of its three bins (Smith & Serra 1987)."""
    below, peak, above = np.log(spectrum[at - 1 : at + 2].astype(np.float64) + 1e-20)
    curve = below - 2 * peak + above
    shift = 0.5 * (below - above) / curve if curve < 0.0 else 0.0
    return float((at + shift) * BIN_HZ)


def _bursts(names: Sequence[str], power: NDArray[np.float32]) -> Iterator[_Burst]:
    """Runs of frames of one name. A run ends in the middle of the frames at its ends, or in that of the next one if
    at least half of the power is there."""
    at = 0
    while at < len(names):
        first, name = at, names[at]
        while at < len(names) and names[at] == name:
            at += 1
        if name == _NOTHING:
            continue
        last, half = at - 1, float(power[first:at].max()) / 2
        while first < last and power[first] < half:
            first += 1
        while last > first and power[last] < half:
            last -= 1
        first -= _is_edge(first - 1, half, names, power)
        last += _is_edge(last + 1, half, names, power)
        yield _Burst(first * HOP + HOP // 2, last * HOP + HOP * 3 // 2, name)


def _is_edge(at: int, half: float, names: Sequence[str], power: NDArray[np.float32]) -> bool:
    """Whether a frame beside a burst is one that it fills at least by half: it is less pure, but has half of its power.
    With more power than the burst it is something else."""
    return 0 <= at < len(names) and names[at] == _NOTHING and half <= float(power[at]) <= _LOUDER * 2 * half


def _meant(bursts: Sequence[_Burst], name: str) -> Iterator[Tone]:
    """The tones that bursts of one name make."""
    for group in _groups(bursts):
        lasts_s = median(burst.lasts_s for burst in group)
        kind = _kind(name, lasts_s)
        if kind is RegionKind.DIAL_TONE and lasts_s < _DIAL_S:
            continue
        if name == _SINGLE and not _believed(group, kind, bursts):
            continue
        if name != _SINGLE and sum(burst.lasts_s for burst in group) < _PAIR_SHORTEST_S:
            continue
        yield Tone(Span(group[0].start, group[-1].stop), kind)


def _groups(bursts: Sequence[_Burst]) -> Iterator[list[_Burst]]:
    """Bursts, each with those that begin soon after it ends."""
    group: list[_Burst] = []
    for burst in bursts:
        if burst.lasts_s < _SHORTEST_S:
            continue
        if group and burst.start - group[-1].stop > _PAUSE_S * RATE_HZ:
            yield group
            group = []
        group.append(burst)
    if group:
        yield group


def _kind(name: str, lasts_s: float) -> RegionKind:
    """What bursts of a name mean; where that depends on it, by how long they last."""
    if name not in (RegionKind.BUSY, _SINGLE):
        return RegionKind(name)
    if lasts_s <= _CONGESTION_S:
        return RegionKind.CONGESTION
    if name == RegionKind.BUSY or lasts_s <= _BUSY_S:
        return RegionKind.BUSY
    return RegionKind.RINGBACK if lasts_s < _DIAL_S else RegionKind.DIAL_TONE


def _believed(group: Sequence[_Burst], kind: RegionKind, bursts: Sequence[_Burst]) -> bool:
    """Whether a tone of one frequency has the rhythm of what it would be."""
    lengths_s = [burst.lasts_s for burst in group]
    if max(lengths_s) > 1.5 * min(lengths_s):
        return False
    if kind is RegionKind.RINGBACK:
        alike = [b for b in bursts if abs(b.lasts_s - lengths_s[0]) < 0.2 and abs(b.start - group[0].start) > RATE_HZ]
        return any(abs(b.start - group[0].start) <= _RINGS_S * RATE_HZ for b in alike)
    if kind is RegionKind.DIAL_TONE:
        return True
    steps = [after.start - before.start for before, after in pairwise(group)]
    return len(group) >= _BURSTS and max(steps) <= 1.3 * min(steps)


def _special(bursts: Sequence[_Burst]) -> Iterator[Tone]:
    """The special information tones among bursts in order of time: three steps, one right after the other."""
    shortest_s, longest_s = _STEP_S
    for three in zip(bursts, bursts[1:], bursts[2:], strict=False):
        alike = tuple(burst.name for burst in three) == _STEPS
        steady = all(shortest_s <= burst.lasts_s <= longest_s for burst in three)
        if alike and steady and all(b.start - a.stop <= _STEP_PAUSE_S * RATE_HZ for a, b in pairwise(three)):
            yield Tone(Span(three[0].start, three[-1].stop), RegionKind.SPECIAL_TONE)
