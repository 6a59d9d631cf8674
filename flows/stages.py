"""The stages of a call as plain functions, from what an engine hears to what is kept of it. No Prefect here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from pathlib import Path

from asr.channels.roles import exchanged, swapped
from asr.channels.suppression import without_echoes
from asr.conversation import conversation
from asr.engines.base import Engine
from asr.guards import Evidence
from asr.heap import trim_heap
from asr.merge import merge
from asr.rehearing import Said, guarded
from asr.speakers import turns
from asr.timebase import to_samples, to_seconds
from asr.types import FindingEffect, GuardCounts, Hypothesis, Provenance, Samples, Transcript
from compliance.bleep import Removal, removals
from compliance.errors import UnprovenError
from compliance.proof import SoundProof
from compliance.redactor import Redactor
from compliance.render import documents
from compliance.survivors import text_survivors
from compliance.types import Document, RedactedTranscript
from configs.settings import Settings
from flows.analyses import read_analyses
from flows.bleeping import speech_of
from flows.hearing.second_hearing import SecondHearing
from flows.keep import Certify
from flows.preparation import Prepared, read_chunks
from llm.analyses import about
from llm.roles import by_role
from llm.summarise import summarise
from storage.objects import Shelf
from storage.types import CallQuality, Publication


@dataclass(frozen=True, slots=True)
class Heard:
    """What an engine heard in a prepared recording's chunks, one to one, its share of the time, and what was done
    against words that nobody said."""

    hypotheses: tuple[Hypothesis, ...] = field(repr=False)
    transcribe_s: float
    guards: GuardCounts = field(default_factory=GuardCounts)
    second: SecondHearing | None = None
    """What another model made of a part of the call, if it is one of the sample."""
    quality: CallQuality | None = None
    """What the call's figures say of how well it was heard, once it is assembled."""


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
        turns=turns(words, settings.turns, {channel.channel: channel.speaking for channel in prepared.channels}),
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
    removals: tuple[Removal, ...] = ()
    """What goes from the sound, if a redacted copy is to be made."""
    copy: Path | None = None
    proof: SoundProof | None = None
    sound_s: Mapping[str, float] = field(default_factory=dict)
    """Seconds that copying and proving took."""


def redact(transcript: Transcript, redactor: Redactor) -> Redacted:
    """Take out what the policy names, and read what is left once more.

    Raises UnprovenError if that finds anything: redacting goes on until nothing is found, so a fault is behind it.
    """
    began_s = time.perf_counter()
    redacted = redactor.redact(transcript)
    if left := text_survivors(redacted, redactor):
        raise UnprovenError(
            f"{transcript.audio}: a second reading of its text finds {', '.join(left)}", "Report it as a bug"
        )
    return Redacted(redacted, time.perf_counter() - began_s)


def sound_to_remove(prepared: Prepared, transcript: Transcript, redacted: Redacted) -> Redacted:
    """The redacted call with what goes from its sound; `transcript` is what it was made from."""
    speech = speech_of(prepared, redacted.transcript)
    return replace(redacted, removals=removals(transcript, redacted.transcript, speech))


def publication(
    prepared: Prepared,
    heard: Heard,
    redacted: Redacted,
    shelf: Shelf,
    settings: Settings,
    certify: Certify,
) -> tuple[Publication, tuple[Document, ...]]:
    """Summarise, and gather what the database keeps and the documents that are to be put on the shelf before.

    Objects are named by what they hold, so that a second try after a kill writes the same ones.
    """
    facts = conversation(redacted.transcript.turns, redacted.transcript.regions, redacted.transcript.duration_s)
    began_s = time.perf_counter()
    told, analyses = by_role(redacted.transcript, facts), read_analyses(settings)
    found = analyses.by_rules(told.turns, tuple(analyses.kinds))
    summary = summarise(told, settings.summarise, about(found))
    summarise_s = time.perf_counter() - began_s
    rendered = documents(redacted.transcript, prepared.call)
    keys = shelf.keys(rendered)
    if redacted.copy is not None:
        keys[redacted.copy.suffix[1:]] = shelf.file_key(redacted.copy)
    certificate = certify(prepared.recording, redacted.transcript, keys, redacted.proof)
    made = Publication(
        recording=prepared.recording,
        audio=prepared.facts,
        transcript=redacted.transcript,
        summary=summary,
        documents=keys,
        conversation=facts,
        quality=heard.quality and replace(heard.quality, redactions=len(redacted.transcript.redactions)),
        analyses=found,
        stage_s={
            "prepare": prepared.prepare_s,
            "transcribe": heard.transcribe_s,
            "redact": redacted.redact_s,
            **redacted.sound_s,
            "summarise": summarise_s,
        },
        certificate=shelf.key(certificate),
    )
    return made, (*rendered, certificate)
