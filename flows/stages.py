"""The stages of a call as plain functions, from a file to what is kept of it. No Prefect here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from asr.chunking import chunk
from asr.crosstalk import Leak
from asr.cutting import LeakFrom, cut_chunks
from asr.engines.base import Engine
from asr.guards import Evidence
from asr.heap import trim_heap
from asr.merge import merge
from asr.regions import find_speech, typed_regions
from asr.rehearing import Said, guarded
from asr.roles import exchanged, swapped
from asr.speakers import turns
from asr.suppression import without_echoes
from asr.survey import survey
from asr.timebase import to_samples, to_seconds
from asr.timings import FrontEndStage, Timings
from asr.treatment import Treatment, plan
from asr.types import (
    Channel,
    Chunk,
    Finding,
    FindingEffect,
    GuardCounts,
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


@dataclass(frozen=True, slots=True, eq=False)
class PreparedChannel:
    """One channel's speech, as chunks; `index` is its place in the file. `bursts` hold its word times in place,
    `treatment` is what is done to its samples before an engine hears them, and `leak` what of the other channel is
    taken out of them first. Of the detector's windows, `power` are the mean squares and `probabilities` those of
    speech, (n_windows,) both: what its text is held against."""

    index: int
    channel: Channel
    chunks: tuple[Chunk, ...]
    bursts: tuple[Span, ...]
    treatment: Treatment
    leak: Leak | None
    power: NDArray[np.float32] = field(repr=False)
    probabilities: NDArray[np.float32] = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A recording that is ready for an engine: where its speech is. Its samples stay in the file."""

    recording: Recording
    facts: AudioFacts
    channels: tuple[PreparedChannel, ...]
    regions: tuple[Region, ...]
    findings: tuple[Finding, ...]
    prepare_s: float

    @property
    def chunks(self) -> list[Chunk]:
        """All channels' chunks, channel by channel."""
        return [chunk for channel in self.channels for chunk in channel.chunks]


@dataclass(frozen=True, slots=True)
class Heard:
    """What an engine heard in a prepared recording's chunks, one to one, its share of the time, and what was done
    against words that nobody said."""

    hypotheses: tuple[Hypothesis, ...] = field(repr=False)
    transcribe_s: float
    guards: GuardCounts = field(default_factory=GuardCounts)


def prepare(
    recording: Recording, detector: SpeechDetector, settings: Settings, timings: Timings | None = None
) -> Prepared:
    """Find a recording's speech and plan its chunks. Raises SkippableError for what is not a call."""
    began_s = time.perf_counter()
    timings = timings or Timings()
    found = survey(recording, detector, settings.decode, None, settings.loudness, timings)
    channels: list[PreparedChannel] = []
    regions: list[Region] = []
    for channel in found.channels:
        with timings.of(FrontEndStage.REGIONS):
            speech = find_speech(channel.probabilities, channel.n_samples, settings.vad, settings.chunk, channel.sounds)
            treatment = plan(channel, speech.bursts, settings.denoise, settings.loudness)
            regions.extend(typed_regions(speech, channel.channel, channel.sounds))
        with timings.of(FrontEndStage.CHUNKING):
            chunks = chunk(speech, channel.channel, settings.chunk)
        channels.append(
            PreparedChannel(
                channel.index,
                channel.channel,
                chunks,
                speech.bursts,
                treatment,
                channel.leak if settings.decode.suppress_crosstalk else None,
                channel.power,
                channel.probabilities,
            )
        )
    facts = AudioFacts(found.duration_s, found.container, found.codec, found.sample_rate_hz)
    prepare_s = time.perf_counter() - began_s
    return Prepared(recording, facts, tuple(channels), tuple(sorted(regions)), found.findings, prepare_s)


@dataclass(frozen=True, slots=True, eq=False)
class _Spoken:
    """A chunk's samples, and whose they are: the recording's index among those prepared, the chunk's in it, and
    whether it is the first of its channel; and where in it somebody speaks."""

    item: int
    number: int
    is_first: bool
    samples: Samples = field(repr=False)
    evidence: Evidence


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
    heard: list[dict[int, tuple[Hypothesis, GuardCounts]]] = [{} for _ in prepared]
    for portion in _portions(_spoken(prepared, settings), to_samples(settings.batch.portion_speech_s)):
        trim_heap()
        found = engine.transcribe(
            [spoken.samples for spoken in portion],
            lambda done_s: on_audio(done_s * recorded_for_speech),
            _after(portion),
        )
        said = [Said(one.samples, one.evidence, hypothesis) for one, hypothesis in zip(portion, found, strict=True)]
        for spoken, answer in zip(portion, guarded(engine, said, settings.guards), strict=True):
            heard[spoken.item][spoken.number] = answer
    trim_heap()
    if not speech:
        on_audio(recorded_s)
    took_s = time.perf_counter() - began_s
    shares = [sum(map(len, item.chunks)) / max(speech, 1) for item in prepared]
    return [
        Heard(
            tuple(answers[number][0] for number in range(len(item.chunks))),
            took_s * share,
            sum((counts for _, counts in answers.values()), GuardCounts()),
        )
        for item, answers, share in zip(prepared, heard, shares, strict=True)
    ]


def _spoken(prepared: Sequence[Prepared], settings: Settings) -> Iterator[_Spoken]:
    for at, item in enumerate(prepared):
        firsts = list(accumulate((len(channel.chunks) for channel in item.channels), initial=0))
        for place, number, samples in read_chunks(item, settings):
            own = item.channels[place]
            evidence = Evidence.of(own.chunks[number], own.bursts, own.probabilities)
            yield _Spoken(at, firsts[place] + number, number == 0, samples, evidence)


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
    words = without_echoes(
        words,
        {channel.channel: channel.power for channel in prepared.channels},
        {channel.channel: channel.leak for channel in prepared.channels},
    )
    transcript = Transcript(
        audio=prepared.recording.name,
        duration_s=prepared.facts.duration_s,
        channels=tuple(words),
        turns=turns(words, settings.turns),
        regions=prepared.regions,
        provenance=provenance,
        findings=prepared.findings,
        guards=heard.guards,
    )
    if (finding := swapped(transcript.turns)) is None:
        return transcript
    if settings.turns.correct_swapped:
        transcript = exchanged(transcript)
        finding = replace(finding, effect=FindingEffect.EXCHANGED)
    return replace(transcript, findings=(*transcript.findings, finding))


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
