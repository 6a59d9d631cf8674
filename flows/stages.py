"""The stages of a call as plain functions, from a file to what is kept of it. No Prefect here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from asr.chunking import chunk
from asr.cutting import cut_chunks
from asr.denoise import denoise, is_noisy, snr_db
from asr.engines.base import Engine
from asr.merge import merge
from asr.regions import find_speech, typed_regions
from asr.speakers import turns
from asr.survey import survey
from asr.timebase import to_samples, to_seconds
from asr.types import Channel, Chunk, Hypothesis, Provenance, Recording, Region, Samples, Span, Transcript
from asr.vad import SpeechDetector
from compliance.redactor import Redactor
from compliance.render import documents
from compliance.types import RedactedTranscript
from configs.settings import Settings
from flows.keep import Certify
from llm.summarise import summarise
from storage.objects import ObjectStore
from storage.types import AudioFacts, Publication


@dataclass(frozen=True, slots=True, eq=False)
class PreparedChannel:
    """One channel's speech, as chunks; `bursts` hold its word times in place. `noise`, a sample of it at 16 kHz, is
    there if the channel is to be cleaned of it."""

    channel: Channel
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
    """Find a recording's speech and plan its chunks. Raises SkippableError for what is not a call."""
    began_s = time.perf_counter()
    found = survey(recording, detector, settings.decode)
    channels: list[PreparedChannel] = []
    regions: list[Region] = []
    for channel in found.channels:
        speech = find_speech(channel.probabilities, channel.n_samples, settings.vad, settings.chunk)
        noisy = is_noisy(snr_db(channel.power, speech.bursts), settings.denoise)
        noise = channel.noise if noisy and len(channel.noise) else None
        chunks = chunk(speech, channel.channel, settings.chunk)
        channels.append(PreparedChannel(channel.channel, chunks, speech.bursts, noise))
        regions.extend(typed_regions(speech, channel.channel))
    facts = AudioFacts(found.duration_s, found.container, found.codec, found.sample_rate_hz)
    return Prepared(recording, facts, tuple(channels), tuple(sorted(regions)), time.perf_counter() - began_s)


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
    prepared: Prepared,
    heard: Heard,
    redacted: Redacted,
    objects: ObjectStore,
    settings: Settings,
    certify: Certify,
) -> Publication:
    """Summarise, keep the renderings and the certificate, and gather what the database keeps.

    Objects are named by what they hold, so that a second try after a kill writes the same ones.
    """
    began_s = time.perf_counter()
    summary = summarise(redacted.transcript, settings.summarise)
    summarise_s = time.perf_counter() - began_s
    keys = {document.kind: objects.put(document) for document in documents(redacted.transcript)}
    return Publication(
        recording=prepared.recording,
        audio=prepared.facts,
        transcript=redacted.transcript,
        summary=summary,
        documents=keys,
        stage_s={
            "prepare": prepared.prepare_s,
            "transcribe": heard.transcribe_s,
            "redact": redacted.redact_s,
            "summarise": summarise_s,
        },
        certificate=objects.put(certify(prepared.recording, redacted.transcript, keys)),
    )
