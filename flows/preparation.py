"""A recording made ready for an engine: where in it somebody speaks, and its chunks as the engine is to hear them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from asr.channels.crosstalk import Leak
from asr.chunking import chunk
from asr.cutting import LeakFrom, channel_blocks, cut_chunks
from asr.decode import open_recording
from asr.diarize.attribution import overlaps, talk
from asr.diarize.types import Diarizer, Speaking
from asr.errors import MetadataError
from asr.listener import ChannelSurvey
from asr.regions import Speech, find_speech, typed_regions, without
from asr.survey import Survey, survey
from asr.timebase import covering
from asr.timings import FrontEndStage, Timings
from asr.treatment import Treatment, plan
from asr.types import CallMetadata, Channel, Chunk, Finding, Recording, Region, RegionKind, Samples, Span
from asr.vad import SpeechDetector
from configs.settings import Settings
from storage.types import AudioFacts

_ROUNDED_UP_S = 1.0
"""How far a pause may reach past the end of its recording: recorders tell whole seconds, and round them up."""


@dataclass(frozen=True, slots=True, eq=False)
class PreparedChannel:
    """One channel's speech, as chunks; `index` is its place in the file. `bursts` hold its word times in place,
    `treatment` is what is done to its samples before an engine hears them, and `leak` what of the other channel is
    taken out of them first. Of the detector's windows, `power` are the mean squares and `probabilities` those of
    speech, (n_windows,) both: what its text is held against. `speaking` tells who talks when, if several share it."""

    index: int
    channel: Channel
    chunks: tuple[Chunk, ...]
    bursts: tuple[Span, ...]
    treatment: Treatment
    leak: Leak | None
    power: NDArray[np.float32] = field(repr=False)
    probabilities: NDArray[np.float32] = field(repr=False)
    speaking: tuple[Speaking, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A recording that is ready for an engine: where its speech is. Its samples stay in the file."""

    recording: Recording
    facts: AudioFacts
    channels: tuple[PreparedChannel, ...]
    regions: tuple[Region, ...]
    findings: tuple[Finding, ...]
    prepare_s: float
    call: CallMetadata = field(default_factory=CallMetadata)

    @property
    def chunks(self) -> list[Chunk]:
        """All channels' chunks, channel by channel."""
        return [chunk for channel in self.channels for chunk in channel.chunks]


def prepare(
    recording: Recording,
    detector: SpeechDetector,
    settings: Settings,
    call: CallMetadata | None = None,
    timings: Timings | None = None,
    diarizer: Diarizer | None = None,
) -> Prepared:
    """Find a recording's speech, but for that in its call's pauses, plan its chunks, and tell the speakers of a mixed
    channel apart if there is a diarizer.

    Raises SkippableError for what is not a call, MetadataError if its channel map or its pauses do not fit it.
    """
    began_s = time.perf_counter()
    timings = timings or Timings()
    call = call or CallMetadata()
    found = listened(recording, detector, settings, call, timings)
    planned = [_planned(channel, call, settings, timings) for channel in found.channels]
    if diarizer is not None:
        planned = [_diarized(recording, *one, diarizer, settings) for one in planned]
    return Prepared(
        recording,
        AudioFacts(found.duration_s, found.container, found.codec, found.sample_rate_hz),
        tuple(channel for channel, _ in planned),
        tuple(sorted(region for _, regions in planned for region in regions)),
        found.findings,
        time.perf_counter() - began_s,
        call,
    )


def listened(
    recording: Recording,
    detector: SpeechDetector,
    settings: Settings,
    call: CallMetadata,
    timings: Timings | None = None,
) -> Survey:
    """The first pass over a recording whose channels are as its call tells. Raises as `prepare` does."""
    _check_map(recording, call, settings)
    found = survey(recording, detector, settings.decode, call.channel_map, settings.loudness, timings)
    _check_pauses(found.duration_s, call)
    return found


def speech_of(channel: ChannelSurvey, call: CallMetadata, settings: Settings) -> Speech:
    """What is spoken in a channel, but for its call's pauses."""
    heard = find_speech(channel.probabilities, channel.n_samples, settings.vad, settings.chunk, channel.sounds)
    return without(heard, [covering(start_s, end_s) for start_s, end_s in call.pauses])


def _planned(
    channel: ChannelSurvey, call: CallMetadata, settings: Settings, timings: Timings
) -> tuple[PreparedChannel, tuple[Region, ...]]:
    """A channel's chunks and regions."""
    with timings.of(FrontEndStage.REGIONS):
        speech = speech_of(channel, call, settings)
        treatment = plan(channel, settings.denoise, settings.loudness)
        regions = typed_regions(speech, channel.channel, channel.sounds)
    with timings.of(FrontEndStage.CHUNKING):
        chunks = chunk(speech, channel.channel, settings.chunk)
    prepared = PreparedChannel(
        channel.index,
        channel.channel,
        chunks,
        speech.bursts,
        treatment,
        channel.leak if settings.decode.suppress_crosstalk else None,
        channel.power,
        channel.probabilities,
    )
    return prepared, regions


def _diarized(
    recording: Recording,
    channel: PreparedChannel,
    regions: tuple[Region, ...],
    diarizer: Diarizer,
    settings: Settings,
) -> tuple[PreparedChannel, tuple[Region, ...]]:
    """The same with who talks when in it, and where several do, if several share it: on one side's own channel, that is
    looked for only if the settings say so, and nothing changes if it has one speaker."""
    shared = channel.channel is Channel.MIXED
    speech = [covering(region.start_s, region.end_s) for region in regions if region.kind is RegionKind.SPEECH]
    if not speech or not (shared or settings.diarize.within_channels):
        return channel, regions
    speaking = diarizer.diarize(channel_blocks(recording, channel.index, settings.decode), speech, shared=shared)
    if not shared and len({one.speaker for one in speaking}) < 2:
        return channel, regions
    told = talk(speaking, channel.channel) + overlaps(speaking, channel.channel)
    return replace(channel, speaking=speaking), (*regions, *told)


def _check_map(recording: Recording, call: CallMetadata, settings: Settings) -> None:
    if call.channel_map is None:
        return
    with open_recording(recording, settings.decode) as reader:
        n_channels = reader.n_channels
    if len(call.channel_map) != n_channels:
        raise MetadataError(
            f"{call.sources['channel_map']}: channel_map names {len(call.channel_map)} channels, the file has "
            f"{n_channels}",
            "Name agent, customer, mixed or ignored once for each channel of the file",
        )


def _check_pauses(duration_s: float, call: CallMetadata) -> None:
    for start_s, end_s in call.pauses:
        if start_s >= duration_s or end_s > duration_s + _ROUNDED_UP_S:
            raise MetadataError(
                f"{call.sources['pauses']}: pauses has [{start_s:g}, {end_s:g}], past the end of the recording at "
                f"{duration_s:.3f} s",
                "Give the seconds from where the recording begins, and check that this is its file",
            )


def read_chunks(
    prepared: Prepared, settings: Settings, timings: Timings | None = None
) -> Iterator[tuple[int, int, Samples]]:
    """The second pass: a recording's chunks as an engine is to hear them, as `cutting.cut_chunks` gives them, but for
    the channel, which is its place among those prepared."""
    timings = timings or Timings()
    channels = prepared.channels
    places = {channel.index: place for place, channel in enumerate(channels)}
    plans = [channels[places[i]].chunks if i in places else () for i in range(max(places) + 1)]
    # A channel with a leak is one of two.
    leaks = {
        channel.index: LeakFrom(channel.leak, channels[1 - place].index)
        for place, channel in enumerate(channels)
        if channel.leak is not None
    }
    cut = cut_chunks(prepared.recording, plans, settings.decode, leaks)
    for index, number, samples in timings.each(FrontEndStage.CUTTING, cut):
        place = places[index]
        with timings.of(FrontEndStage.TREATMENT):
            treated = channels[place].treatment.apply(samples)
        yield place, number, treated
