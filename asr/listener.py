"""One channel, listened to block by block: what is kept of it when its samples are gone."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from asr.channels.crosstalk import Leak
from asr.resample import BlockResampler
from asr.sounds.sound import Sound, SoundListener
from asr.timings import FrontEndStage, Timings
from asr.types import Channel, Samples
from asr.vad import WINDOW, Listening

_NOISE_WINDOWS = 256
"""Windows of a channel's noise that are kept, 8 s spread over the whole call: enough to learn its spectrum from."""

_SURELY_SILENT = 0.15
"""A window whose probability of speech is lower counts as noise: well under where Silero lets speech end (0.35)."""

_REACH = 10
"""Windows on both sides of speech that are no noise either, 0.3 s: words fade."""


@dataclass(frozen=True, slots=True, eq=False)
class ChannelSurvey:
    """One channel at 16 kHz: the probability of speech in each window of the detector and its mean square, both
    (n_windows,), its largest magnitude, a sample of what is heard while nobody speaks, (n,), and the tones, keys and
    music. `index` is its place in the file, and `leak` what of the other channel is in it and not counted as speech."""

    index: int
    channel: Channel
    n_samples: int
    probabilities: NDArray[np.float32]
    power: NDArray[np.float32]
    peak: float
    noise: Samples = field(repr=False)
    sounds: tuple[Sound, ...] = ()
    leak: Leak | None = None


class ChannelListener:
    """One channel so far."""

    def __init__(
        self, resampler: BlockResampler, detection: Listening, sounds: SoundListener, gain: float, timings: Timings
    ) -> None:
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
            sounds = self._sounds.end()
        return ChannelSurvey(
            index,
            channel,
            self._n_samples,
            np.concatenate([np.zeros(0, np.float32), *self._probabilities]),
            np.concatenate([np.zeros(0, np.float32), *self._power]),
            self._peak,
            self._noise.samples(),
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
        self._probabilities.append(probabilities)
        self._power.append(np.mean(np.square(windows), axis=1, dtype=np.float32))
        loud = np.pad(probabilities >= _SURELY_SILENT, _REACH)
        near = np.lib.stride_tricks.sliding_window_view(loud, 2 * _REACH + 1).any(axis=1)
        self._noise.add(windows[~near])


class _NoiseSample:
    """Windows spread evenly over all that were added, at most _NOISE_WINDOWS: whenever there are twice as many, every
    other one goes, and from then on every other one is taken."""

    def __init__(self) -> None:
        self._kept: list[Samples] = []
        self._every = 1
        self._seen = 0

    def add(self, windows: NDArray[np.float32]) -> None:
        """More windows, (n, WINDOW), in time order."""
        for window in windows:
            if self._seen % self._every == 0:
                self._kept.append(np.array(window))
            self._seen += 1
            if len(self._kept) == 2 * _NOISE_WINDOWS:
                self._kept = self._kept[::2]
                self._every *= 2

    def samples(self) -> Samples:
        """Those that are kept, end to end."""
        return np.concatenate([np.zeros(0, np.float32), *self._kept])
