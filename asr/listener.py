"""One channel, listened to block by block: what is kept of it when its samples are gone."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from asr.channels.crosstalk import Leak
from asr.denoise import snr_db
from asr.loudness import active_level_dbov
from asr.resample import BlockResampler
from asr.sounds.sound import Sound, SoundListener
from asr.timings import FrontEndStage, Timings
from asr.types import Channel, RegionKind, Samples
from asr.vad import WINDOW, Listening, inside

_NOISE_WINDOWS = 256
"""Windows of a channel's noise that are kept, 8 s spread over the whole call: enough to learn its spectrum from."""

_SPEECH, _SURELY_SILENT = 0.5, 0.15
"""Silero VAD's threshold: from it on a window counts as speech. One with a lower probability than the second counts as
noise: well under where Silero lets speech end (0.35)."""

_REACH = 10
"""Windows on both sides of speech that are no noise either, 0.3 s: words fade."""


@dataclass(frozen=True, slots=True, eq=False)
class Quiet:
    """Windows of a channel in which nobody seemed to speak, (n, WINDOW) at 16 kHz, and which they are, (n,)."""

    windows: NDArray[np.float32] = field(repr=False)
    places: NDArray[np.intp] = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class ChannelSurvey:
    """One channel at 16 kHz: the probability of speech in each window of the detector and its mean square, both
    (n_windows,), its largest magnitude, a sample of what is heard while nobody speaks, and the tones, keys and music.

    `index` is its place in the file, `leak` what of the other channel is in it, and `leaked` the windows, (n_windows,)
    bool, which that explains and which are not counted as speech. What is told of speech, noise and their levels is
    told here alone, so that findings, treatment and inspection say the same.
    """

    index: int
    channel: Channel
    n_samples: int
    probabilities: NDArray[np.float32]
    power: NDArray[np.float32]
    peak: float
    quiet: Quiet
    sounds: tuple[Sound, ...] = ()
    leak: Leak | None = None
    leaked: NDArray[np.bool_] | None = None

    @property
    def is_spoken(self) -> NDArray[np.bool_]:
        """Which windows are speech, (n_windows,) bool: what the detector hears in tones and keys is none."""
        tones = [sound.span for sound in self.sounds if sound.kind is not RegionKind.MUSIC]
        spoken: NDArray[np.bool_] = (self.probabilities >= _SPEECH) & ~inside(len(self.power), tones)
        return spoken

    @property
    def is_noise(self) -> NDArray[np.bool_]:
        """Which windows are the line's noise, (n_windows,) bool: no speech is near, no tone or music sounds, and
        nothing leaks into them."""
        loud = np.pad(self.probabilities >= _SURELY_SILENT, _REACH)
        near = np.lib.stride_tricks.sliding_window_view(loud, 2 * _REACH + 1).any(axis=1)
        noise: NDArray[np.bool_] = ~near & ~inside(len(self.power), [sound.span for sound in self.sounds])
        return noise if self.leaked is None else noise & ~self.leaked

    @property
    def noise(self) -> Samples:
        """A sample of the line's noise, (n,): windows that need not have followed each other, end to end."""
        return self.quiet.windows[self.is_noise[self.quiet.places]].reshape(-1)

    @property
    def level_dbov(self) -> float:
        """The active level of its speech (`loudness.active_level_dbov`), -inf if there is none."""
        return active_level_dbov(self.power[self.is_spoken])

    @property
    def snr_db(self) -> float:
        """Its signal-to-noise ratio (`denoise.snr_db`)."""
        return snr_db(self.power, self.is_spoken, self.is_noise)


class ChannelListener:
    """One channel so far."""

    def __init__(
        self,
        resampler: BlockResampler,
        detection: Listening,
        sounds: SoundListener | None,
        gain: float,
        timings: Timings,
    ) -> None:
        """`gain` makes it louder for the detector alone; without `sounds` no tones, keys or music are looked for."""
        self._sounds = sounds
        self._resampler = resampler
        self._detection = detection
        self._gain = np.float32(gain)
        self._timings = timings
        self._n_samples = 0
        self._peak = 0.0
        self._pending: Samples = np.zeros(0, np.float32)
        self._probabilities: list[NDArray[np.float32]] = []
        self._power: list[NDArray[np.float32]] = []
        self._noise = _NoiseSample()

    def hear(self, native: Samples) -> None:
        """Take in a block, (n,) float32 at the file's own rate."""
        if self._sounds is not None:
            with self._timings.of(FrontEndStage.SOUNDS):
                self._sounds.hear(native)
        with self._timings.of(FrontEndStage.RESAMPLE):
            samples = self._resampler.hear(native)
        self._take(samples)

    def end(self, index: int, channel: Channel) -> ChannelSurvey:
        """What there was in the channel, once all of it was heard."""
        self._take(self._resampler.end())
        with self._timings.of(FrontEndStage.VAD):
            last = self._detection.end()
        if len(last):
            self._count(np.pad(self._pending, (0, len(last) * WINDOW - len(self._pending))), last)
        with self._timings.of(FrontEndStage.SOUNDS):
            sounds = self._sounds.end() if self._sounds is not None else ()
        return ChannelSurvey(
            index,
            channel,
            self._n_samples,
            np.concatenate([np.zeros(0, np.float32), *self._probabilities]),
            np.concatenate([np.zeros(0, np.float32), *self._power]),
            self._peak,
            self._noise.kept(),
            sounds,
        )

    def _take(self, samples: Samples) -> None:
        self._n_samples += len(samples)
        with self._timings.of(FrontEndStage.VAD):
            probabilities = self._detection.hear(samples if self._gain == 1.0 else samples * self._gain)
        with self._timings.of(FrontEndStage.LEVELS):
            self._peak = max(self._peak, *np.abs([samples.min(initial=0.0), samples.max(initial=0.0)]).tolist())
            self._collect(samples, probabilities)

    def _collect(self, samples: Samples, probabilities: NDArray[np.float32]) -> None:
        heard = np.concatenate([self._pending, samples])
        whole = len(probabilities) * WINDOW
        self._pending = heard[whole:]
        self._count(heard[:whole], probabilities)

    def _count(self, samples: Samples, probabilities: NDArray[np.float32]) -> None:
        if not len(probabilities):
            return
        windows = samples.reshape(-1, WINDOW)
        self._noise.add(windows, probabilities < _SURELY_SILENT)
        self._probabilities.append(probabilities)
        self._power.append(np.einsum("ij,ij->i", windows, windows) / np.float32(WINDOW))


class _NoiseSample:
    """Windows spread evenly over all that were added, at most twice _NOISE_WINDOWS: whenever there are so many, every
    other one goes, and from then on every other one is taken."""

    def __init__(self) -> None:
        self._kept: list[tuple[int, Samples]] = []
        self._every = 1
        self._chosen = 0
        self._seen = 0

    def add(self, windows: NDArray[np.float32], chosen: NDArray[np.bool_]) -> None:
        """More windows, (n, WINDOW), in time order, and which of them may be kept, (n,)."""
        left = np.flatnonzero(chosen)
        while len(left):
            room = 2 * _NOISE_WINDOWS - len(self._kept)
            taken = left[-self._chosen % self._every :: self._every][:room]
            self._kept += [(self._seen + at, np.array(windows[at])) for at in taken.tolist()]
            heard = int(np.searchsorted(left, taken[-1])) + 1 if len(taken) == room else len(left)
            self._chosen += heard
            left = left[heard:]
            if len(taken) == room:
                self._kept = self._kept[::2]
                self._every *= 2
        self._seen += len(windows)

    def kept(self) -> Quiet:
        """Those that are left."""
        windows = np.array([window for _, window in self._kept], np.float32).reshape(-1, WINDOW)
        return Quiet(windows, np.array([place for place, _ in self._kept], np.intp))
