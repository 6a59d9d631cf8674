"""The first of two passes over a recording: what each channel holds, and where, without keeping its samples."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from asr.channels.checks import ChannelChecks, OffsetRemover, Signs
from asr.channels.findings import are_same, findings, is_dead
from asr.channels.suppression import is_leak
from asr.decode import ChannelMap, channels_of, check_sound, open_recording
from asr.errors import RetryableError
from asr.files.options import DecodeOptions
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

_WORTH_IT = 2.0
"""6 dB: with less gain, as clicks may leave, a detector hears no more than before."""

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

    `channel_map` is this recording's own, where one is known. With `loudness`, a channel too faint for the detector is
    listened to again, made louder for it (`loudness.gain_for_listening`): for speech alone, since what else is told of
    a channel is as received, but for an offset.
    Raises SkippableError for what is not a call that can be transcribed (`decode.open_recording`, `decode.channels_of`,
    `decode.check_sound`), and RetryableError if memory runs out.
    """
    ears = _Ears(recording, detector, options, timings or Timings())
    try:
        heard = ears.listen(channel_map)
        kept = _kept(heard.channels, heard.signs)
        channels = _suited(kept, heard.signs, options)
        if gains := _gains(channels, loudness):
            channels = _suited(ears.listen_again(kept, gains), heard.signs, options)
    except MemoryError as error:
        raise RetryableError(
            f"Memory ran out while {recording.name} was listened to", "Free memory, then try again"
        ) from error
    return Survey(
        heard.duration_s,
        heard.sample_rate_hz,
        heard.container,
        heard.codec,
        channels,
        findings(channels, heard.levels, heard.signs, suppressed=options.suppress_crosstalk),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Heard:
    """A recording as it was listened to for the first time: its shape, all named channels, and what they showed."""

    duration_s: float
    sample_rate_hz: int
    container: str
    codec: str
    channels: tuple[ChannelSurvey, ...]
    levels: dict[int, Levels]
    signs: Signs


@dataclass(frozen=True, slots=True)
class _Ears:
    """A recording, and what it is listened to with."""

    recording: Recording
    detector: SpeechDetector
    options: DecodeOptions
    timings: Timings

    def listen(self, channel_map: ChannelMap | None) -> _Heard:
        """Once from beginning to end, for everything."""
        name = self.recording.name
        with open_recording(self.recording, self.options) as reader:
            mapped = channels_of(name, reader.n_channels, self.options, channel_map)
            named = {at: channel for at, channel in enumerate(mapped) if channel}
            rate_hz = reader.sample_rate_hz
            listeners = [self._listener(rate_hz, SoundListener(rate_hz)) for _ in named]
            levels = {at: Levels() for at in named}
            checks = ChannelChecks(rate_hz, list(named))
            with ThreadPoolExecutor(len(named)) as pool:
                for block in self.timings.each(FrontEndStage.DECODE, reader.blocks):
                    with self.timings.of(FrontEndStage.LEVELS):
                        for at, level in levels.items():
                            level.add(block[at])
                    with self.timings.of(FrontEndStage.CHECKS):
                        sound = checks.hear([block[at] for at in named])
                    list(pool.map(ChannelListener.hear, listeners, sound))
            check_sound(name, list(levels.values()), rate_hz, self.options)
            with self.timings.of(FrontEndStage.CHECKS):
                signs = checks.end()
            channels = tuple(heard.end(*place) for heard, place in zip(listeners, named.items(), strict=True))
            duration_s = to_seconds(next(iter(levels.values())).n_samples, rate_hz)
            return _Heard(duration_s, rate_hz, reader.container, reader.codec, channels, levels, signs)

    def listen_again(
        self, channels: tuple[ChannelSurvey, ...], gains: Mapping[int, float]
    ) -> tuple[ChannelSurvey, ...]:
        """The channels, those that have a gain, by their places in the file, listened to for speech with it."""
        with open_recording(self.recording, self.options) as reader:
            offsets = [OffsetRemover() for _ in gains]
            listeners = [self._listener(reader.sample_rate_hz, None, gain) for gain in gains.values()]
            with ThreadPoolExecutor(len(gains)) as pool:
                for block in self.timings.each(FrontEndStage.DECODE, reader.blocks):
                    sound = [offset.hear(block[at]) for offset, at in zip(offsets, gains, strict=True)]
                    list(pool.map(ChannelListener.hear, listeners, sound))
        at_last = dict(zip(gains, listeners, strict=True))
        return tuple(
            replace(at_last[first.index].end(first.index, first.channel), sounds=first.sounds)
            if first.index in gains
            else first
            for first in channels
        )

    def _listener(self, sample_rate_hz: int, sounds: SoundListener | None, gain: float = 1.0) -> ChannelListener:
        resampler = open_resampler(self.options.resampler, sample_rate_hz)
        return ChannelListener(resampler, self.detector.listen(), sounds, gain, self.timings)


def _kept(channels: tuple[ChannelSurvey, ...], signs: Signs) -> tuple[ChannelSurvey, ...]:
    """All of the channels, but of two copies only the louder one."""
    likeness = signs.likeness
    if likeness is None or not are_same(likeness):
        return channels
    return (replace(channels[1 if likeness.gain_db > _LOUDER_DB else 0], channel=Channel.MIXED),)


def _suited(channels: tuple[ChannelSurvey, ...], signs: Signs, options: DecodeOptions) -> tuple[ChannelSurvey, ...]:
    """The channels as they are to be transcribed: nothing of a dead one, nothing where one hears only the other."""
    suited = []
    for place, channel in enumerate(channels):
        leak = signs.leaks.get(channel.index) if len(channels) > 1 else None
        if is_dead(channel.power):
            suited.append(replace(channel, probabilities=np.zeros_like(channel.probabilities)))
        elif leak is not None and options.suppress_crosstalk:
            leaked = is_leak(channel.power, channels[1 - place].power, leak)
            heard = np.where(leaked, np.float32(0), channel.probabilities)
            suited.append(replace(channel, probabilities=heard, leak=leak, leaked=leaked))
        else:
            suited.append(replace(channel, leak=leak))
    return tuple(suited)


def _gains(channels: tuple[ChannelSurvey, ...], loudness: LoudnessOptions | None) -> dict[int, float]:
    """By their places in the file, how much louder those that are too faint have to be; a dead one holds nothing."""
    if loudness is None:
        return {}
    gains = {
        channel.index: gain_for_listening(channel.power, channel.is_spoken, channel.peak, loudness)
        for channel in channels
        if not is_dead(channel.power)
    }
    return {at: gain for at, gain in gains.items() if gain >= _WORTH_IT}
