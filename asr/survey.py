"""The first of two passes over a recording: what each channel holds, and where, without keeping its samples."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from asr.channels.checks import ChannelChecks, Signs
from asr.channels.findings import are_same, findings, is_dead
from asr.channels.suppression import without_leak
from asr.decode import ChannelMap, channels_of, check_sound, open_recording
from asr.errors import RetryableError
from asr.files.options import DecodeOptions
from asr.files.readers import Reader
from asr.levels import Levels
from asr.listener import ChannelListener, ChannelSurvey
from asr.loudness import gain_for_listening
from asr.options import LoudnessOptions
from asr.resample import open_resampler
from asr.sounds.sound import SoundListener
from asr.timebase import to_seconds
from asr.timings import FrontEndStage, Timings
from asr.types import Channel, Finding, Recording
from asr.vad import SpeechDetector

_LOUDER_DB = 1.0
"""Of two copies the second is taken if it is louder by more."""


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """A recording, its shape, its channels but for those that are ignored, and what is amiss with them."""

    duration_s: float
    sample_rate_hz: int
    container: str
    codec: str
    channels: tuple[ChannelSurvey, ...]
    findings: tuple[Finding, ...] = ()


def survey(
    recording: Recording,
    detector: SpeechDetector,
    options: DecodeOptions,
    channel_map: ChannelMap | None = None,
    loudness: LoudnessOptions | None = None,
    timings: Timings | None = None,
) -> Survey:
    """Listen to a recording from its beginning to its end, block by block, its channels side by side.

    `channel_map` is this recording's own, where one is known. With `loudness`, one with a channel too faint for the
    detector is listened to again, that channel made louder for it (`loudness.gain_for_listening`); what is told of the
    channel's power, peak and noise is as received, but for an offset.
    Raises SkippableError for what is not a call that can be transcribed (`decode.open_recording`, `decode.channels_of`,
    `decode.check_sound`), and RetryableError if memory runs out.
    """
    ears = _Ears(detector, options, timings or Timings())
    found = ears.listen(recording, channel_map, {})
    if loudness is None:
        return found
    gains = {
        channel.index: gain_for_listening(channel.power, channel.probabilities, channel.peak, loudness)
        for channel in found.channels
    }
    return found if set(gains.values()) == {1.0} else ears.listen(recording, channel_map, gains)


@dataclass(frozen=True, slots=True)
class _Ears:
    """What a recording is listened to with."""

    detector: SpeechDetector
    options: DecodeOptions
    timings: Timings

    def listen(self, recording: Recording, channel_map: ChannelMap | None, gains: Mapping[int, float]) -> Survey:
        """Once from beginning to end, channels made louder for the detector by `gains`, by their places in the file."""
        try:
            with open_recording(recording, self.options) as reader:
                mapped = channels_of(recording.name, reader.n_channels, self.options, channel_map)
                named = {at: channel for at, channel in enumerate(mapped) if channel}
                listeners = [self._listener(reader, gains.get(at, 1.0)) for at in named]
                levels = {at: Levels() for at in named}
                checks = ChannelChecks(reader.sample_rate_hz, list(named))
                with ThreadPoolExecutor(len(named)) as pool:
                    for block in self.timings.each(FrontEndStage.DECODE, reader.blocks):
                        with self.timings.of(FrontEndStage.LEVELS):
                            for at, level in levels.items():
                                level.add(block[at])
                        with self.timings.of(FrontEndStage.CHECKS):
                            sound = checks.hear([block[at] for at in named])
                        list(pool.map(ChannelListener.hear, listeners, sound))
                check_sound(recording.name, list(levels.values()), reader.sample_rate_hz, self.options)
                with self.timings.of(FrontEndStage.CHECKS):
                    signs = checks.end()
                ends = (heard.end(*place) for heard, place in zip(listeners, named.items(), strict=True))
                channels = _suited(tuple(ends), signs, self.options)
                return Survey(
                    to_seconds(next(iter(levels.values())).n_samples, reader.sample_rate_hz),
                    reader.sample_rate_hz,
                    reader.container,
                    reader.codec,
                    channels,
                    findings(channels, levels, signs, suppressed=self.options.suppress_crosstalk),
                )
        except MemoryError as error:
            raise RetryableError(
                f"Memory ran out while {recording.name} was listened to", "Free memory, then try again"
            ) from error

    def _listener(self, reader: Reader, gain: float) -> ChannelListener:
        resampler = open_resampler(self.options.resampler, reader.sample_rate_hz)
        sounds = SoundListener(reader.sample_rate_hz)
        return ChannelListener(resampler, self.detector.listen(), sounds, gain, self.timings)


def _suited(channels: tuple[ChannelSurvey, ...], signs: Signs, options: DecodeOptions) -> tuple[ChannelSurvey, ...]:
    """The channels as they are to be transcribed: of two copies the louder one, nothing of a dead one, and no speech
    where one hears only the other."""
    likeness = signs.likeness
    if likeness is not None and are_same(likeness):
        louder = channels[1 if likeness.gain_db > _LOUDER_DB else 0]
        return (replace(louder, channel=Channel.MIXED),)
    suited = []
    for place, channel in enumerate(channels):
        leak = signs.leaks.get(channel.index)
        if is_dead(channel.power):
            suited.append(replace(channel, probabilities=np.zeros_like(channel.probabilities)))
        elif leak is not None and options.suppress_crosstalk:
            source = channels[1 - place]
            heard = without_leak(channel.probabilities, channel.power, source.power, leak)
            suited.append(replace(channel, probabilities=heard, leak=leak))
        else:
            suited.append(replace(channel, leak=leak))
    return tuple(suited)
