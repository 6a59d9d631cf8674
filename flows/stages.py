"""The stages of a call as plain functions, from a file to what is kept of it. No Prefect here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from asr.chunking import chunk
from asr.cutting import cut_chunks
from asr.decode import open_recording
from asr.denoise import denoise, is_noisy, snr_db
from asr.engines.base import Engine
from asr.errors import MetadataError
from asr.merge import merge
from asr.regions import find_speech, typed_regions, without
from asr.speakers import turns
from asr.survey import survey
from asr.timebase import covering, to_samples, to_seconds
from asr.types import (
    CallMetadata,
    Channel,
    Chunk,
    Hypothesis,
    Provenance,
    Recording,
    Region,
    Samples,
    Span,
    Transcript,
)
from asr.vad import SpeechDetector
from compliance.redactor import Redactor
from compliance.render import documents
from compliance.types import RedactedTranscript
from configs.settings import Settings
from llm.summarise import summarise
from storage.objects import ObjectStore
from storage.types import AudioFacts, Publication

_ROUNDED_UP_S = 1.0
"""How far a pause may reach past the end of its recording: recorders tell whole seconds, and round them up."""


@dataclass(frozen=True, slots=True, eq=False)
class PreparedChannel:
    """One channel's speech, as chunks; `bursts` hold its word times in place. `noise`, a sample of it at 16 kHz, is
    there if the channel is to be cleaned of it. A channel that is ignored is None and holds nothing."""

    channel: Channel | None
    chunks: tuple[Chunk, ...]
    bursts: tuple[Span, ...]
    noise: Samples | None = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A recording that is ready for an engine: where its speech is. Its samples stay in the file."""

    recording: Recording
    facts: AudioFacts
    channels: tuple[PreparedChannel, ...]
    regions: tuple[Region, ...]
    prepare_s: float
    call: CallMetadata = field(default_factory=CallMetadata)

    @property
    def chunks(self) -> list[Chunk]:
        """All channels' chunks, channel by channel."""
        return [chunk for channel in self.channels for chunk in channel.chunks]


@dataclass(frozen=True, slots=True)
class Heard:
    """What an engine heard in a prepared recording's chunks, one to one, and its share of the time."""

    hypotheses: tuple[Hypothesis, ...] = field(repr=False)
    transcribe_s: float


def prepare(
    recording: Recording, detector: SpeechDetector, settings: Settings, call: CallMetadata | None = None
) -> Prepared:
    """Find a recording's speech, but for that in its call's pauses, and plan its chunks.

    Raises SkippableError for what is not a call, MetadataError if its channel map or its pauses do not fit it.
    """
    began_s = time.perf_counter()
    call = call or CallMetadata()
    _check_map(recording, call, settings)
    found = survey(recording, detector, settings.decode, call.channel_map)
    _check_pauses(found.duration_s, call)
    pauses = [covering(start_s, end_s) for start_s, end_s in call.pauses]
    channels: list[PreparedChannel] = []
    regions: list[Region] = []
    for channel in found.channels:
        if channel.channel is None:
            channels.append(PreparedChannel(None, (), (), None))
            continue
        found_speech = find_speech(channel.probabilities, channel.n_samples, settings.vad, settings.chunk)
        speech = without(found_speech, pauses)
        noisy = is_noisy(snr_db(channel.power, speech.bursts), settings.denoise)
        noise = channel.noise if noisy and len(channel.noise) else None
        chunks = chunk(speech, channel.channel, settings.chunk)
        channels.append(PreparedChannel(channel.channel, chunks, speech.bursts, noise))
        regions.extend(typed_regions(speech, channel.channel))
    facts = AudioFacts(found.duration_s, found.container, found.codec, found.sample_rate_hz)
    return Prepared(recording, facts, tuple(channels), tuple(sorted(regions)), time.perf_counter() - began_s, call)


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


@dataclass(frozen=True, slots=True, eq=False)
class _Spoken:
    """A chunk's samples, and whose they are: the recording's index among those prepared, the chunk's in it, and
    whether it is the first of its channel."""

    item: int
    number: int
    is_first: bool
    samples: Samples = field(repr=False)


def hear(
    prepared: Sequence[Prepared], engine: Engine, settings: Settings, on_audio: Callable[[float], None]
) -> list[Heard]:
    """What is said in the chunks of many recordings, batched together; one answer a recording, in order.

    So much speech is in memory at a time as `batch.portion_speech_s` says. `on_audio` is told the seconds of recorded
    time that what is done stands for. Raises what the engine raises, and SkippableError for a file that changed.
    """
    speech = sum(len(chunk) for item in prepared for chunk in item.chunks)
    recorded_s = sum(item.facts.duration_s for item in prepared)
    began_s = time.perf_counter()
    # Of calls in which nobody speaks nothing is left to tell as it is done.
    recorded_for_speech = recorded_s / to_seconds(speech) if speech else 0.0
    heard: list[dict[int, Hypothesis]] = [{} for _ in prepared]
    for portion in _portions(_spoken(prepared, settings), to_samples(settings.batch.portion_speech_s)):
        found = engine.transcribe(
            [spoken.samples for spoken in portion],
            lambda done_s: on_audio(done_s * recorded_for_speech),
            _after(portion),
        )
        for spoken, hypothesis in zip(portion, found, strict=True):
            heard[spoken.item][spoken.number] = hypothesis
    if not speech:
        on_audio(recorded_s)
    took_s = time.perf_counter() - began_s
    shares = [sum(map(len, item.chunks)) / max(speech, 1) for item in prepared]
    return [
        Heard(tuple(answers[number] for number in range(len(item.chunks))), took_s * share)
        for item, answers, share in zip(prepared, heard, shares, strict=True)
    ]


def _spoken(prepared: Sequence[Prepared], settings: Settings) -> Iterator[_Spoken]:
    for at, item in enumerate(prepared):
        firsts = list(accumulate((len(channel.chunks) for channel in item.channels), initial=0))
        plans = [channel.chunks for channel in item.channels]
        for channel, number, samples in cut_chunks(item.recording, plans, settings.decode):
            noise = item.channels[channel].noise
            clean = samples if noise is None else denoise(samples, noise)
            yield _Spoken(at, firsts[channel] + number, number == 0, clean)


def _portions(spoken: Iterator[_Spoken], most: int) -> Iterator[list[_Spoken]]:
    """What is spoken, some of it at a time: so many samples, but at least one chunk."""
    portion: list[_Spoken] = []
    held = 0
    for one in spoken:
        if portion and held + len(one.samples) > most:
            yield portion
            portion, held = [], 0
        portion.append(one)
        held += len(one.samples)
    if portion:
        yield portion


def _after(portion: Sequence[_Spoken]) -> list[int | None]:
    """For each chunk of a portion, which of it comes before in its channel."""
    places = {(spoken.item, spoken.number): at for at, spoken in enumerate(portion)}
    return [None if spoken.is_first else places.get((spoken.item, spoken.number - 1)) for spoken in portion]


def assemble(prepared: Prepared, heard: Heard, provenance: Provenance, settings: Settings) -> Transcript:
    """The transcript of a recording from what was heard in its chunks."""
    answers = iter(heard.hypotheses)
    words = {
        channel.channel: merge(channel.chunks, [next(answers) for _ in channel.chunks], channel.bursts)
        for channel in prepared.channels
        if channel.channel is not None
    }
    return Transcript(
        audio=prepared.recording.name,
        duration_s=prepared.facts.duration_s,
        channels=tuple(words),
        turns=turns(words, settings.turns),
        regions=prepared.regions,
        provenance=provenance,
    )


@dataclass(frozen=True, slots=True)
class Redacted:
    """A recording's transcript from here on: what it held is gone."""

    transcript: RedactedTranscript
    redact_s: float


def redact(transcript: Transcript, redactor: Redactor) -> Redacted:
    """Take out what the policy names."""
    began_s = time.perf_counter()
    return Redacted(redactor.redact(transcript), time.perf_counter() - began_s)


def publication(
    prepared: Prepared, heard: Heard, redacted: Redacted, objects: ObjectStore, settings: Settings
) -> Publication:
    """Summarise, keep the renderings, and gather what the database keeps.

    Objects are named by what they hold, so that a second try after a kill writes the same ones.
    """
    began_s = time.perf_counter()
    summary = summarise(redacted.transcript, settings.summarise)
    summarise_s = time.perf_counter() - began_s
    return Publication(
        recording=prepared.recording,
        audio=prepared.facts,
        transcript=redacted.transcript,
        summary=summary,
        documents={document.kind: objects.put(document) for document in documents(redacted.transcript, prepared.call)},
        stage_s={
            "prepare": prepared.prepare_s,
            "transcribe": heard.transcribe_s,
            "redact": redacted.redact_s,
            "summarise": summarise_s,
        },
    )
