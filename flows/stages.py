"""The stages of a call as plain functions, from a file to what is kept of it. No Prefect here."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from asr.chunking import chunk
from asr.decode import decode
from asr.denoise import denoise
from asr.engines.base import Engine
from asr.merge import merge
from asr.regions import find_speech, typed_regions
from asr.resample import resample
from asr.speakers import turns
from asr.timebase import to_seconds
from asr.types import Channel, Chunk, Hypothesis, Provenance, Recording, Region, Span, Transcript
from asr.vad import SpeechDetector
from compliance.redactor import Redactor
from compliance.render import documents
from compliance.types import RedactedTranscript
from configs.settings import Settings
from llm.summarise import summarise
from storage.objects import ObjectStore
from storage.types import AudioFacts, Publication


@dataclass(frozen=True, slots=True, eq=False)
class PreparedChannel:
    """One channel's speech, cut into chunks; `bursts` hold its word times in place."""

    channel: Channel
    chunks: tuple[Chunk, ...]
    bursts: tuple[Span, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A recording that is ready for an engine. Of its audio only the speech is left in memory."""

    recording: Recording
    facts: AudioFacts
    channels: tuple[PreparedChannel, ...]
    regions: tuple[Region, ...]
    prepare_s: float

    @property
    def chunks(self) -> list[Chunk]:
        """All channels' chunks, channel by channel."""
        return [chunk for channel in self.channels for chunk in channel.chunks]


@dataclass(frozen=True, slots=True)
class Heard:
    """What an engine heard in a prepared recording's chunks, one to one, and its share of the time."""

    hypotheses: tuple[Hypothesis, ...] = field(repr=False)
    transcribe_s: float


def prepare(recording: Recording, detector: SpeechDetector, settings: Settings) -> Prepared:
    """Decode, resample, find speech and cut it into chunks. Raises SkippableError for what is not a call."""
    began_s = time.perf_counter()
    audio = decode(recording, settings.decode)
    channels: list[PreparedChannel] = []
    regions: list[Region] = []
    for channel, native in zip(audio.channels, audio.samples, strict=True):
        samples = resample(native, audio.sample_rate_hz)
        speech = find_speech(detector.probabilities(samples), len(samples), settings.vad, settings.chunk)
        clean = denoise(samples, speech.bursts, settings.denoise)
        chunks = chunk(clean, speech, channel, settings.chunk)
        channels.append(PreparedChannel(channel, chunks, speech.bursts))
        regions.extend(typed_regions(speech, channel))
    facts = AudioFacts(audio.duration_s, audio.container, audio.codec, audio.sample_rate_hz)
    return Prepared(recording, facts, tuple(channels), tuple(sorted(regions)), time.perf_counter() - began_s)


def hear(prepared: Sequence[Prepared], engine: Engine, on_audio: Callable[[float], None]) -> list[Heard]:
    """What is said in the chunks of many recordings, batched together; one answer a recording, in order.

    `on_audio` is told the seconds of recorded time that what is done stands for.
    """
    chunks = [chunk for item in prepared for chunk in item.chunks]
    speech = sum(len(chunk.samples) for chunk in chunks)
    recorded_s = sum(item.facts.duration_s for item in prepared)
    began_s = time.perf_counter()
    # Of calls in which nobody speaks nothing is left to tell as it is done.
    recorded_for_speech = recorded_s / to_seconds(speech) if speech else 0.0
    heard = iter(
        engine.transcribe(
            [chunk.samples for chunk in chunks], lambda done_s: on_audio(done_s * recorded_for_speech), _after(prepared)
        )
    )
    if not speech:
        on_audio(recorded_s)
    took_s = time.perf_counter() - began_s
    answers = []
    for item in prepared:
        share = sum(len(chunk.samples) for chunk in item.chunks) / max(speech, 1)
        answers.append(Heard(tuple(next(heard) for _ in item.chunks), took_s * share))
    return answers


def _after(prepared: Sequence[Prepared]) -> list[int | None]:
    """For each chunk of many recordings, which one comes before it in its channel."""
    after: list[int | None] = []
    for channel in (channel for item in prepared for channel in item.channels):
        first = len(after)
        after.extend(None if at == 0 else first + at - 1 for at in range(len(channel.chunks)))
    return after


def assemble(prepared: Prepared, heard: Heard, provenance: Provenance, settings: Settings) -> Transcript:
    """The transcript of a recording from what was heard in its chunks."""
    answers = iter(heard.hypotheses)
    words = {
        channel.channel: merge(channel.chunks, [next(answers) for _ in channel.chunks], channel.bursts)
        for channel in prepared.channels
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
        documents={document.kind: objects.put(document) for document in documents(redacted.transcript)},
        stage_s={
            "prepare": prepared.prepare_s,
            "transcribe": heard.transcribe_s,
            "redact": redacted.redact_s,
            "summarise": summarise_s,
        },
    )
