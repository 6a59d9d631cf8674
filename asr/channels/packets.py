"""Packets that a network lost, by what was put in their place: zeros, or the packet before again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asr.spans import runs
from asr.timebase import ms_to_samples
from asr.types import Samples

_PACKETS_MS = (10, 20, 30)
"""What RTP packets of G.711 hold: 20 ms is the default (RFC 3551, 4.5)."""

_LONGEST_ZEROS_MS = 200
"""Longer ones are a line that was muted."""

_MOST_REPEATS = 3
"""A packet repeated more often is a tone: concealment fades out after 60 ms (ITU-T G.711 Appendix I)."""

_EDGE_MS = 5
"""How much of the sound beside a gap has to be as loud as speech: what falls silent by itself fades first."""

_QUIETER = 0.01
"""20 dB: speech is what is not quieter than this beside the loud parts of its block."""

_LOUD = 1e-5
"""-50 dBFS: quieter blocks hold no speech that could have gaps."""


def lost_samples(samples: Samples, sample_rate_hz: int) -> int:
    """How many samples of a block, (n,) float32, stand in for lost packets inside speech.

    A run of one value for 10 to 200 ms with speech right before and after it, or a packet of 10, 20 or 30 ms of speech
    that repeats the one before to the last bit. Both need samples as they were: after a change of rate or a lossy
    codec there are none.
    """
    step = ms_to_samples(10, sample_rate_hz)
    frames = samples[: len(samples) // step * step].reshape(-1, step)
    if len(frames) < 3:
        return 0
    powers = np.einsum("ij,ij->i", frames, frames) / step
    loud = float(np.partition(powers, len(powers) * 19 // 20)[len(powers) * 19 // 20])
    if not loud >= _LOUD:  # nor a number, perhaps
        return 0
    block = _Block(samples, sample_rate_hz, loud * _QUIETER, _near(powers > loud * _QUIETER / 4))
    lost = np.zeros(len(samples), bool)
    for start, stop in block.gaps():
        lost[start:stop] = True
    for packet_ms in _PACKETS_MS:
        for start, stop in block.repeats(ms_to_samples(packet_ms, sample_rate_hz)):
            lost[start:stop] = True
    return int(np.count_nonzero(lost))


def _near(loud: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Frames that are loud or beside one that is."""
    near = loud.copy()
    near[1:] |= loud[:-1]
    near[:-1] |= loud[1:]
    return near


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """Samples, the power from which on they count as speech, and which frames of 10 ms are near any."""

    samples: Samples
    sample_rate_hz: int
    speech: float
    near: NDArray[np.bool_]

    def gaps(self) -> Iterator[tuple[int, int]]:
        edge = ms_to_samples(_EDGE_MS, self.sample_rate_hz)
        least = ms_to_samples(_PACKETS_MS[0], self.sample_rate_hz) - 1  # the first of a run equals none before it
        most = ms_to_samples(_LONGEST_ZEROS_MS, self.sample_rate_hz)
        starts, stops = self._candidates(1, least, most)
        inside = self._is_near(starts) & self._is_near(stops)
        for start, stop in self._equal_runs(starts[inside], stops[inside], 1, least, most):
            before, after = self.samples[max(0, start - 1 - edge) : start - 1], self.samples[stop : stop + edge]
            if len(before) == len(after) == edge and min(_power(before), _power(after)) > self.speech:
                yield start - 1, stop

    def repeats(self, packet: int) -> Iterator[tuple[int, int]]:
        most = _MOST_REPEATS * packet
        starts, stops = self._candidates(packet, packet, most)
        inside = self._is_near(starts) | self._is_near((starts + stops) // 2) | self._is_near(stops)
        for start, stop in self._equal_runs(starts[inside], stops[inside], packet, packet, most):
            repeated = self.samples[start:stop]
            if _power(repeated) > self.speech and np.ptp(repeated) > 0:
                yield start, stop

    def _candidates(self, lag: int, least: int, most: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Where runs of samples that equal those `lag` before may be, [start, stop) each with some to spare.

        Every (least / 2)-th sample is compared: a run of `least` holds two neighbours of these.
        """
        step = max(1, least // 2)
        grid = self.samples[lag::step] == self.samples[: len(self.samples) - lag : step]
        changes = np.flatnonzero(np.diff(np.concatenate([[False], grid, [False]])))
        firsts, ends = changes[::2], changes[1::2]
        fit = (ends - firsts >= 2) & ((ends - firsts - 1) * step < most)
        starts = np.maximum(lag, lag + (firsts[fit] - 1) * step)
        return starts, np.minimum(len(self.samples), lag + ends[fit] * step)

    def _is_near(self, at: NDArray[np.intp]) -> NDArray[np.bool_]:
        frame = ms_to_samples(10, self.sample_rate_hz)
        return self.near[np.minimum(at // frame, len(self.near) - 1)]

    def _equal_runs(
        self, starts: NDArray[np.intp], stops: NDArray[np.intp], lag: int, least: int, most: int
    ) -> Iterator[tuple[int, int]]:
        """Runs [start, stop) of `least` to `most` samples that all equal those `lag` before, among the candidates."""
        for low, high in zip(starts.tolist(), stops.tolist(), strict=True):
            equal = self.samples[low:high] == self.samples[low - lag : high - lag]
            yield from ((low + run.start, low + run.stop) for run in runs(equal) if least <= len(run) <= most)


def _power(samples: Samples) -> float:
    return float(np.mean(np.square(samples)))
