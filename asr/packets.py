"""Packets that a network lost, by what was put in their place: zeros, or the packet before again."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

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
    if not len(frames):
        return 0
    loud = float(np.quantile(np.einsum("ij,ij->i", frames, frames) / step, 0.95))
    if not loud >= _LOUD:  # nor a number, perhaps
        return 0
    lost = np.zeros(len(samples), bool)
    for start, stop in _gaps(samples, sample_rate_hz, loud * _QUIETER):
        lost[start:stop] = True
    for packet_ms in _PACKETS_MS:
        packet = ms_to_samples(packet_ms, sample_rate_hz)
        for start, stop in _repeats(samples, packet, loud * _QUIETER):
            lost[start:stop] = True
    return int(np.count_nonzero(lost))


def _gaps(samples: Samples, sample_rate_hz: int, speech: float) -> Iterator[tuple[int, int]]:
    edge = ms_to_samples(_EDGE_MS, sample_rate_hz)
    least = ms_to_samples(_PACKETS_MS[0], sample_rate_hz) - 1  # the first of a run equals none before it
    for start, stop in _equal_runs(samples, 1, least, ms_to_samples(_LONGEST_ZEROS_MS, sample_rate_hz)):
        before, after = samples[max(0, start - 1 - edge) : start - 1], samples[stop : stop + edge]
        if len(before) == len(after) == edge and min(_power(before), _power(after)) > speech:
            yield start - 1, stop


def _repeats(samples: Samples, packet: int, speech: float) -> Iterator[tuple[int, int]]:
    for start, stop in _equal_runs(samples, packet, packet, _MOST_REPEATS * packet):
        repeated = samples[start:stop]
        if _power(repeated) > speech and np.ptp(repeated) > 0:
            yield start, stop


def _equal_runs(samples: Samples, lag: int, least: int, most: int) -> Iterator[tuple[int, int]]:
    """Runs [start, stop) of `least` to `most` samples that all equal those `lag` before.

    Only every (least / 2)-th sample is compared at first: a run holds two neighbours of these.
    """
    step = max(1, least // 2)
    grid = np.concatenate([[False], samples[lag::step] == samples[: len(samples) - lag : step], [False]])
    changes = np.flatnonzero(np.diff(grid))
    for first, stop in zip(changes[::2].tolist(), changes[1::2].tolist(), strict=True):
        if stop - first < 2 or (stop - first - 1) * step >= most:
            continue
        low = max(lag, lag + (first - 1) * step)
        high = min(len(samples), lag + stop * step)
        equal = np.concatenate([[False], samples[low:high] == samples[low - lag : high - lag], [False]])
        edges = np.flatnonzero(np.diff(equal))
        for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            if least <= end - start <= most:
                yield low + start, low + end


def _power(samples: Samples) -> float:
    return float(np.mean(np.square(samples)))
