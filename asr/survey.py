"""The first of two passes over a recording: what each channel holds, and where, without keeping its samples."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from asr.decode import channels_of, check_sound, open_recording
from asr.errors import RetryableError
from asr.levels import Levels
from asr.options import DecodeOptions
from asr.resample import Resampler
from asr.timebase import to_seconds
from asr.types import Channel, Recording, Samples
from asr.vad import WINDOW, SpeechDetector

_NOISE_WINDOWS = 256
"""Windows of a channel's noise that are kept, 8 s spread over the whole call: enough to learn its spectrum from."""

_SURELY_SILENT = 0.15
"""A window whose probability of speech is lower counts as noise: well under where Silero lets speech end (0.35)."""

_REACH = 10
"""Windows on both sides of speech that are no noise either, 0.3 s: words fade."""


@dataclass(frozen=True, slots=True, eq=False)
class ChannelSurvey:
    """One channel at 16 kHz: the probability of speech in each window of the detector and its mean square, both
    (n_windows,), and a sample of what is heard while nobody speaks, (n,). Its `channel` is None if it is ignored."""

    channel: Channel | None
    n_samples: int
    probabilities: NDArray[np.float32]
    power: NDArray[np.float32]
    noise: Samples = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """A recording, its shape and its channels."""

    duration_s: float
    sample_rate_hz: int
    container: str
    codec: str
    channels: tuple[ChannelSurvey, ...]


def survey(
    recording: Recording,
    detector: SpeechDetector,
    options: DecodeOptions,
    channel_map: tuple[Channel | None, ...] | None = None,
) -> Survey:
    """Listen to a recording from its beginning to its end, block by block, its channels side by side.

    `channel_map` says whose side each of its channels carries, in place of the options.

    Raises SkippableError for what is not a call that can be transcribed (`decode.open_recording`,
    `decode.check_sound`), and RetryableError if memory runs out.
    """
    try:
        with open_recording(recording, options) as reader, ThreadPoolExecutor(reader.n_channels) as pool:
            listeners = [_Listener(reader.sample_rate_hz, detector) for _ in range(reader.n_channels)]
            for block in reader.blocks:
                list(pool.map(_Listener.hear, listeners, block))
            levels = [listener.levels for listener in listeners]
            check_sound(recording.name, levels, reader.sample_rate_hz, options)
            named = channels_of(recording.name, reader.n_channels, options, channel_map)
            return Survey(
                to_seconds(levels[0].n_samples, reader.sample_rate_hz),
                reader.sample_rate_hz,
                reader.container,
                reader.codec,
                tuple(listener.end(channel) for listener, channel in zip(listeners, named, strict=True)),
            )
    except MemoryError as error:
        raise RetryableError(
            f"Memory ran out while {recording.name} was listened to", "Free memory, then try again"
        ) from error


class _Listener:
    """One channel so far."""

    def __init__(self, sample_rate_hz: int, detector: SpeechDetector) -> None:
        self.levels = Levels()
        self._resampler = Resampler(sample_rate_hz)
        self._detection = detector.listen()
        self._n_samples = 0
        self._pending: Samples = np.zeros(0, np.float32)
        self._probabilities: list[NDArray[np.float32]] = []
        self._power: list[NDArray[np.float32]] = []
        self._noise = _NoiseSample()

    def hear(self, native: Samples) -> None:
        """Take in a block at the file's own rate."""
        self.levels.add(native)
        self._take(self._resampler.hear(native))

    def end(self, channel: Channel | None) -> ChannelSurvey:
        """What there was in the channel, once all of it was heard."""
        self._take(self._resampler.end())
        last = self._detection.end()
        if len(last):
            self._count(np.pad(self._pending, (0, WINDOW - len(self._pending))), last)
        return ChannelSurvey(
            channel,
            self._n_samples,
            np.concatenate([np.zeros(0, np.float32), *self._probabilities]),
            np.concatenate([np.zeros(0, np.float32), *self._power]),
            self._noise.samples(),
        )

    def _take(self, samples: Samples) -> None:
        self._n_samples += len(samples)
        probabilities = self._detection.hear(samples)
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
