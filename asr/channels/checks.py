"""What a recording's channels show, beside each other and by themselves, counted block by block in the first pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from asr.channels.crosstalk import METER_RATE_HZ, Leak, Likeness, PairMeter
from asr.channels.packets import lost_samples
from asr.timebase import to_seconds
from asr.types import Samples

_LEAST_OFFSET = 1e-3
"""-60 dBFS: 33 steps of 16 bit. The mean of 24 telephone calls and six samples is within 0.0001 of zero."""

_SURE = 5.0
"""Standard errors by which a mean has to differ from zero: the first tenth of a second is not taken for all."""

_NARROW_HZ = 4_300.0
"""What a resampler's flank leaves above 4 kHz is below this."""

_LOW_HZ = 300.0

_SPECTRUM = 1_024
_EVERY = 4
"""One window of _SPECTRUM samples in so many is looked at."""


class OffsetRemover:
    """One channel without its offset: from each block the mean of all that was heard so far is taken off, so that both
    passes take off the same."""

    def __init__(self) -> None:
        self._sum = self._squares = 0.0
        self._n_samples = 0

    @property
    def offset(self) -> float:
        """The mean so far if it is one that matters, and that chance does not explain, else 0."""
        mean = self._sum / max(1, self._n_samples)
        sure = self._sum**2 >= _SURE**2 * self._squares
        return mean if abs(mean) >= _LEAST_OFFSET and sure else 0.0

    def hear(self, samples: Samples) -> Samples:
        """A block, (n,) float32, less the offset. What is no number counts for nothing."""
        block_sum = float(np.sum(samples, dtype=np.float64))
        if np.isfinite(block_sum):
            self._sum += block_sum
            self._squares += float(np.dot(samples, samples))
            self._n_samples += len(samples)
        offset = self.offset
        return samples - np.float32(offset) if offset else samples


@dataclass(frozen=True, slots=True)
class ChannelSigns:
    """What one channel showed by itself. `high_db` is its power above _NARROW_HZ relative to that below, None for a
    file that cannot hold any."""

    offset: float
    lost_s: float
    high_db: float | None


@dataclass(frozen=True, slots=True)
class Signs:
    """What the channels showed, by their places in the file. `likeness` and `leaks` are those of two channels; of any
    other number there are none."""

    channels: dict[int, ChannelSigns]
    likeness: Likeness | None
    leaks: dict[int, Leak]


class ChannelChecks:
    """Channels so far, each by its place in the file."""

    def __init__(self, sample_rate_hz: int, places: Sequence[int]) -> None:
        self._rate_hz = sample_rate_hz
        self._places = tuple(places)
        self._offsets = [OffsetRemover() for _ in places]
        self._lost = [0] * len(places)
        self._bands = [_Bands(sample_rate_hz) for _ in places]
        self._narrow = [_Narrow(sample_rate_hz) for _ in places]
        self._pair = PairMeter() if len(places) == 2 else None

    def hear(self, block: Sequence[Samples]) -> list[Samples]:
        """Take in a block of each channel, (n,) float32 at the file's own rate; gives each without its offset."""
        sound = [remover.hear(samples) for remover, samples in zip(self._offsets, block, strict=True)]
        for at, samples in enumerate(sound):
            self._lost[at] += lost_samples(samples, self._rate_hz)
            self._bands[at].hear(samples)
        if self._pair is not None:
            self._pair.hear(np.stack([narrow.hear(own) for narrow, own in zip(self._narrow, sound, strict=True)]))
        return sound

    def end(self) -> Signs:
        """What there was to see, once all blocks were heard."""
        channels = {
            place: ChannelSigns(remover.offset, to_seconds(lost, self._rate_hz), bands.high_db())
            for place, remover, lost, bands in zip(self._places, self._offsets, self._lost, self._bands, strict=True)
        }
        if self._pair is None:
            return Signs(channels, None, {})
        leaks = {place: leak for place, leak in zip(self._places, self._pair.leaks(), strict=True) if leak is not None}
        return Signs(channels, self._pair.likeness(), leaks)


class _Narrow:
    """One channel at METER_RATE_HZ; the last milliseconds of a call are left in the resampler."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._same = sample_rate_hz == METER_RATE_HZ
        self._stream = soxr.ResampleStream(sample_rate_hz, METER_RATE_HZ, 1, dtype="float32", quality="LQ")

    def hear(self, samples: Samples) -> Samples:
        if self._same:
            return samples
        resampled: Samples = self._stream.resample_chunk(samples)
        return resampled


class _Bands:
    """A channel's power below and above what a telephone carries."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._window = np.hanning(_SPECTRUM).astype(np.float32)
        hz = np.fft.rfftfreq(_SPECTRUM, 1 / sample_rate_hz)
        self._high: NDArray[np.bool_] = hz >= _NARROW_HZ
        self._low: NDArray[np.bool_] = (hz >= _LOW_HZ) & ~self._high
        self._wide = sample_rate_hz >= 2 * METER_RATE_HZ
        self._powers = np.zeros(2)

    def hear(self, samples: Samples) -> None:
        if not self._wide:
            return
        windows = samples[: len(samples) // _SPECTRUM * _SPECTRUM].reshape(-1, _SPECTRUM)[::_EVERY]
        power = np.sum(np.square(np.abs(np.fft.rfft(windows * self._window))), axis=0)
        self._powers += (power[self._low].sum(), power[self._high].sum())

    def high_db(self) -> float | None:
        low, high = self._powers.tolist()
        return 10 * float(np.log10(max(high, 1e-20) / low)) if low > 0 else None
