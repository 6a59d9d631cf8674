"""Whether one channel of a call can be heard in the other: how loud, how late, and through which filter."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from asr.timebase import ms_to_samples
from asr.types import Samples

METER_RATE_HZ = 8_000
"""The rate at which channels are compared: the telephone's, in which all of a leak lies."""

LEAD = ms_to_samples(1, METER_RATE_HZ)
"""Taps of a response before no delay at all: the channels' filters may differ by a fraction of a sample."""

TAPS = LEAD + ms_to_samples(60, METER_RATE_HZ)
"""Taps of a response. 60 ms hold sidetone, a handset's acoustic echo, and two packets of 20 ms (RFC 3551)."""

_REACH = 512
"""Samples on both sides of a frame's centre: at least TAPS, so that lags reach no further than the frame."""

_CENTRE = 1_024
_FRAME = _CENTRE + 2 * _REACH

_BAND_HZ = (300.0, 3_400.0)
_BANDS = 12
"""Bands of 258 Hz in the telephone's band, in most of which a leak has to be heard: a hum or a tone fills
one or two."""

_LOUD = 1e-5
"""-50 dBFS: a quieter frame says nothing of what leaks from it."""

_LOUDER = 2.0
"""3 dB: by how much one side has to exceed the other to count as the one who speaks."""

_FRAMES = 48
"""Frames of one direction that are taken from one block at most, 6 s."""

_ENOUGH = 256
_FRAMES_AFTER = 12
"""After so many frames, 33 s of one side alone, only so many more are taken from a block."""

_SURE_SHARE = 0.5
"""Of the frames of a block in which one side is louder, the half in which it is so most: both may speak in the rest."""

_FEW = 8
"""Frames, 1 s, fewer of which tell nothing."""

_WHITENED = 1e-2
_RIDGE = 3e-2
"""How far the speaker's spectrum is evened out, and what is added to the diagonal of the equations. Of twelve telephone
calls with leaks of -30, -20 and -6 dB, 25, 31 and 30 dB of the leak are taken off in the median with these; without the
first 21, 26 and 22."""

_STEPS = 40
"""Steps of the solver: the residual is under a thousandth."""

_MIN_EXPLAINED = 0.05
_MIN_LEVEL_DB = -40.0
"""A leak explains this share of the quiet side in the median band and is this loud. 24 telephone calls and six samples
without: at most 0.015 and -49 dB. With a leak of -30 dB: at least 0.12; of -20 dB, 0.4."""


@dataclass(frozen=True, slots=True, eq=False)
class Leak:
    """What of the other channel is in this one: the other through `response`, (TAPS,) float32 at METER_RATE_HZ, whose
    tap LEAD is no delay. `level_db` is its loudness relative to the other channel, `delay_ms` that of its peak."""

    level_db: float
    delay_ms: float
    response: Samples = field(repr=False)


class LeakMeter:
    """How much of a source is in another channel, learned from frames in which only the source is loud.

    In such a frame the other channel is the source through the leak's filter. With x the frame's centre, X all of the
    frame and Y the other channel's, the filter h solves sum(conj(x) X) h = sum(conj(x) Y) exactly, whatever is cut
    off at the frame's ends, since lags within the frame are all there; what others say in Y averages out.
    """

    def __init__(self) -> None:
        bins = _FRAME // 2 + 1
        self._own: NDArray[np.complex128] = np.zeros(bins, np.complex128)
        self._cross: NDArray[np.complex128] = np.zeros(bins, np.complex128)
        self._other: NDArray[np.float64] = np.zeros(bins)
        self._frames = 0

    def hear(
        self,
        source: NDArray[np.float32],
        other: NDArray[np.float32],
        loud: NDArray[np.float32],
        quiet: NDArray[np.float32],
    ) -> None:
        """Take in both channels' frames, (n, _FRAME) each, with the mean squares, (n,), of the centres of the source's
        and of all of the other's: the leak of a centre comes after it."""
        taken = np.flatnonzero((loud > _LOUDER * quiet) & (loud > _LOUD))
        most = min(_FRAMES if self._frames < _ENOUGH else _FRAMES_AFTER, int(np.ceil(_SURE_SHARE * len(taken))))
        taken = taken[np.argsort(quiet[taken] / loud[taken], kind="stable")[:most]]
        if not len(taken):
            return
        frames = source[taken] / np.sqrt(loud[taken, None])  # each frame counts the same
        centres = np.zeros_like(frames)
        centres[:, _REACH:-_REACH] = frames[:, _REACH:-_REACH]
        heard = np.fft.rfft(other[taken] / np.sqrt(loud[taken, None]))
        spoken = np.fft.rfft(centres).conj()
        self._own += np.einsum("ij,ij->j", spoken, np.fft.rfft(frames))
        self._cross += np.einsum("ij,ij->j", spoken, heard)
        self._other += np.einsum("ij,ij->j", heard, heard.conj()).real * (_CENTRE / _FRAME)
        self._frames += len(taken)

    def leak(self) -> Leak | None:
        """The leak, or None if there is none that matters, or too little to tell by."""
        if self._frames < _FEW or not self._other.any():
            return None
        response = self._solved()
        spectrum = np.fft.rfft(np.roll(np.pad(response, (0, _FRAME - TAPS)), -LEAD))
        hz = np.fft.rfftfreq(_FRAME, 1 / METER_RATE_HZ)
        band = (hz >= _BAND_HZ[0]) & (hz < _BAND_HZ[1])
        own = np.abs(self._own[band])
        level_db = 10 * np.log10(max(float(np.sum(np.abs(spectrum[band]) ** 2 * own) / np.sum(own)), 1e-12))
        explained = (spectrum.conj() * self._cross).real[band]
        shares = [
            float(part.sum() / max(heard.sum(), 1e-30))
            for part, heard in zip(
                np.array_split(explained, _BANDS), np.array_split(self._other[band], _BANDS), strict=True
            )
        ]
        if level_db < _MIN_LEVEL_DB or np.median(shares) < _MIN_EXPLAINED:
            return None
        peak = int(np.argmax(np.abs(response))) - LEAD
        return Leak(float(level_db), peak * 1_000 / METER_RATE_HZ, response.astype(np.float32))

    def _solved(self) -> NDArray[np.float64]:
        """The filter by least squares over the spectrum that is evened out, (TAPS,)."""
        smooth = np.convolve(np.abs(self._own), np.full(9, 1 / 9), "same")
        weight = 1 / (smooth + _WHITENED * smooth.max())
        own = self._own.real * weight  # its imaginary part is what the ends of the frames add
        own += _RIDGE * np.mean(own)
        cross = np.fft.irfft(self._cross * weight, _FRAME)
        return _by_conjugate_gradients(own, cross[(np.arange(TAPS) - LEAD) % _FRAME])


def _by_conjugate_gradients(spectrum: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """The filter h, (TAPS,), whose product with the Toeplitz matrix of an autocorrelation is `wanted`.

    `spectrum` is that autocorrelation's, (_FRAME // 2 + 1,). Hestenes & Stiefel 1952; a product is two transforms, and
    the evened spectrum needs few of them, where elimination takes fifty times as long.
    """
    found = np.zeros(TAPS)
    left = direction = wanted
    size = float(left @ left)
    for _ in range(_STEPS):
        if size == 0.0:
            break
        image = np.fft.irfft(np.fft.rfft(direction, _FRAME) * spectrum, _FRAME)[:TAPS]
        step = size / float(direction @ image)
        found = found + step * direction
        left = left - step * image
        before, size = size, float(left @ left)
        direction = left + (size / before) * direction
    return found


@dataclass(frozen=True, slots=True)
class Likeness:
    """How far two channels are one: the share of either that the other explains with one gain and one delay, the gain
    of the second over the first, and how much later it is."""

    share: float
    gain_db: float
    delay_ms: float


class LikenessMeter:
    """Compares channels in loud frames of each block, by the peak of their cross-correlation."""

    _FRAMES = 6
    _SMOOTH = 7
    """Frames in 0.9 s: next to it a delay is nothing."""

    _BELOW = 30.0
    """15 dB under the loudest frame of the block a frame is still loud."""

    _FINE = 4
    """Points of the cross-correlation for each sample: half a sample's delay costs a fifth of it at 1 kHz."""

    def __init__(self) -> None:
        self._cross: NDArray[np.complex128] = np.zeros(_FRAME // 2 + 1, np.complex128)
        self._powers = np.zeros(2)

    def hear(self, one: NDArray[np.float32], two: NDArray[np.float32], powers: NDArray[np.float32]) -> None:
        """Take in both channels' frames, (n, _FRAME) each, with their mean squares, (2, n)."""
        total = powers.sum(axis=0)
        loud = np.flatnonzero(total > max(_LOUD, total.max() / self._BELOW))
        # Where one side was loudest beside the other for a second, two speakers differ most, and two copies do not.
        second = np.ones(min(self._SMOOTH, len(total)))
        shares = np.convolve(powers[0], second, "same") / np.maximum(np.convolve(total, second, "same"), 1e-12)
        sided = loud[np.argsort(shares[loud], kind="stable")]
        taken = np.concatenate([sided[: self._FRAMES], sided[self._FRAMES :][-self._FRAMES :]])
        scale = 1 / np.sqrt(total[taken, None])
        one, two = one[taken] * scale, two[taken] * scale
        self._powers += (np.sum(np.square(one)), np.sum(np.square(two)))
        self._cross += np.einsum("ij,ij->j", np.fft.rfft(one).conj(), np.fft.rfft(two))

    def likeness(self) -> Likeness:
        """What was found, over delays of up to 60 ms either way."""
        if not self._powers.all():
            return Likeness(0.0, 0.0, 0.0)
        most = (TAPS - LEAD) * self._FINE
        lags = np.arange(-most, most + 1)
        # An inverse transform of four times the length interpolates, and is that much smaller.
        cross = np.fft.irfft(self._cross, self._FINE * _FRAME)[lags] * self._FINE
        cross = cross / (1 - np.abs(lags) / (self._FINE * _FRAME))
        peak = int(np.argmax(np.abs(cross)))
        share = min(1.0, float(cross[peak] ** 2 / np.prod(self._powers)))
        gain_db = 10 * np.log10(self._powers[1] / self._powers[0])
        return Likeness(share, float(gain_db), float(lags[peak]) * 1_000 / (self._FINE * METER_RATE_HZ))


class PairMeter:
    """Both channels of a call beside each other, block by block."""

    def __init__(self) -> None:
        self._leaks = (LeakMeter(), LeakMeter())
        self._likeness = LikenessMeter()
        self._pending: Samples = np.zeros((2, 0), np.float32)

    def hear(self, both: Samples) -> None:
        """Take in a block of both channels, (2, n) float32 at METER_RATE_HZ, without an offset."""
        heard = np.concatenate([self._pending, both], axis=1)
        n_frames = max(0, (heard.shape[1] - 2 * _REACH) // _CENTRE)
        self._pending = heard[:, n_frames * _CENTRE :].copy()
        if not n_frames:
            return
        steps = heard[:, : (n_frames + 1) * _CENTRE].reshape(2, -1, _REACH)
        energies = np.einsum("ijk,ijk->ij", steps, steps)
        halves = energies[:, :-1] + energies[:, 1:]
        centres, frames = halves[:, 1::2] / _CENTRE, (halves[:, :-1:2] + halves[:, 2::2]) / _FRAME
        views = np.lib.stride_tricks.sliding_window_view(heard, _FRAME, axis=1)[:, ::_CENTRE][:, :n_frames]
        first, second = views
        self._leaks[0].hear(second, first, centres[1], frames[0])
        self._leaks[1].hear(first, second, centres[0], frames[1])
        self._likeness.hear(first, second, frames)

    def leaks(self) -> tuple[Leak | None, Leak | None]:
        """What of the other is in the first channel, and in the second."""
        into_first, into_second = self._leaks
        return into_first.leak(), into_second.leak()

    def likeness(self) -> Likeness:
        """How far the channels are one."""
        return self._likeness.likeness()
