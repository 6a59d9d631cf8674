"""A recording looked at without a speech model: its channels, their regions, and its waveforms as envelopes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asr.decode import open_recording
from asr.listener import ChannelSurvey
from asr.loudness import active_level_dbov
from asr.regions import typed_regions
from asr.timebase import to_samples
from asr.types import CallMetadata, Channel, Recording, Region, RegionKind
from asr.vad import SpeechDetector
from configs.settings import Settings
from flows.preparation import listened, speech_of
from flows.report import sound

_COLUMNS = 2_000
"""Of a waveform's picture, wider than any screen shows it."""


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """One channel: level of its speech in dBFS (of all of it if nobody speaks), its signal-to-noise ratio in dB
    (infinite where nothing but speech sounds, None if nobody speaks), and its regions in time order, without the keys'
    digits. `index` is its place in the file."""

    index: int
    channel: Channel
    level_dbfs: float
    snr_db: float | None
    regions: tuple[Region, ...]

    @property
    def seconds(self) -> dict[RegionKind, float]:
        """Seconds of each kind of region that there is."""
        found: Counter[RegionKind] = Counter()
        for region in self.regions:
            found[region.kind] += region.end_s - region.start_s  # type: ignore[assignment]
        return {kind: float(found[kind]) for kind in RegionKind if kind in found}


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is known of a recording before it is transcribed. `findings` are sentences about what is wrong with it."""

    audio: str
    duration_s: float
    container: str
    codec: str
    sample_rate_hz: int
    channels: tuple[ChannelFacts, ...]
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Envelopes:
    """The least and greatest sample of each column of the picture, (n_channels, n_columns) float32 in [-1, 1], of all
    channels of the file."""

    lowest: NDArray[np.float32]
    highest: NDArray[np.float32]


def inspect(
    recording: Recording, detector: SpeechDetector, settings: Settings, call: CallMetadata | None = None
) -> Inspection:
    """Listen to a recording once, as `callwright run` does first. Raises as `preparation.prepare` does."""
    call = call or CallMetadata()
    found = listened(recording, detector, settings, call)
    return Inspection(
        recording.name,
        found.duration_s,
        found.container,
        found.codec,
        found.sample_rate_hz,
        tuple(_facts(channel, call, settings) for channel in found.channels),
        tuple(map(sound, found.findings)),
    )


def envelopes(recording: Recording, duration_s: float, settings: Settings) -> Envelopes:
    """The waveforms, read block by block. Raises what `decode.open_recording` raises."""
    with open_recording(recording, settings.decode) as reader:
        width = max(1, -(-to_samples(duration_s, reader.sample_rate_hz) // _COLUMNS))
        lowest = np.zeros((reader.n_channels, _COLUMNS), np.float32)
        highest = np.zeros_like(lowest)
        at = 0
        for block in reader.blocks:
            columns = np.minimum((at + np.arange(block.shape[1])) // width, _COLUMNS - 1)
            firsts = np.flatnonzero(np.diff(columns, prepend=-1))
            touched = columns[firsts]
            lowest[:, touched] = np.minimum(lowest[:, touched], np.minimum.reduceat(block, firsts, axis=1))
            highest[:, touched] = np.maximum(highest[:, touched], np.maximum.reduceat(block, firsts, axis=1))
            at += block.shape[1]
        n_columns = max(1, -(-at // width))
    return Envelopes(lowest[:, :n_columns], highest[:, :n_columns])


def _facts(channel: ChannelSurvey, call: CallMetadata, settings: Settings) -> ChannelFacts:
    speech = speech_of(channel, call, settings)
    # Whoever looks at a call is not to see which keys were pressed.
    regions = tuple(
        Region(region.start_s, region.end_s, region.channel, region.kind)
        for region in typed_regions(speech, channel.channel, channel.sounds)
    )
    speaks = bool(speech.bursts)
    level_dbfs = channel.level_dbov if speaks else active_level_dbov(channel.power)
    return ChannelFacts(channel.index, channel.channel, level_dbfs, channel.snr_db if speaks else None, regions)
