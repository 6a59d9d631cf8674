"""Redacted copies are heard again, and what is still heard of the removed is removed from them, or the call fails."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from asr.errors import FatalError, RetryableError
from asr.merge import merge
from asr.timebase import to_samples
from asr.types import Chunk, Hypothesis, Recording
from compliance.bleep import Removal, padded, whole_turns
from compliance.errors import UnprovenError
from compliance.proof import RedactedAudio, SoundProof, Verification
from compliance.redactor import Redactor
from compliance.survivors import Survivor, counted, survivors
from compliance.types import RedactedTranscript
from configs.settings import Settings
from flows.bleeping import Copy, bleep, covers, places_left, sides, speech_of
from flows.desk import Desk
from flows.listeners import Listener
from flows.neighbourhoods import cut, kept_words, near, pieces
from flows.packing import Piece, Where, hear_together, portions
from flows.preparation import Prepared
from flows.stages import Redacted

ROUNDS = 3
"""What is heard in the first goes with its padding, in the second with its whole turn; after the third the call
fails."""

_REMEDY = "Listen to the source, mend what is amiss with it, then callwright run --again; or set redact.audio to off"


@dataclass(frozen=True, slots=True)
class Listening:
    """What proving works with: who hears copies, the redactor of the settings' policy, and the settings."""

    listeners: tuple[Listener, ...]
    redactor: Redactor
    settings: Settings


@dataclass(slots=True, eq=False)
class Case:
    """One call while its copy is proved. `places` are what it is still to be heard beside."""

    prepared: Prepared
    redacted: RedactedTranscript
    removals: tuple[Removal, ...]
    copy: Copy
    redact_s: float = 0.0
    bleep_s: float = 0.0
    places: list[Removal] = field(default_factory=list)
    whole_call: bool = False
    rounds: int = 0
    heard_s: float = 0.0
    n_places: int = 0
    widened: Counter[str] = field(default_factory=Counter)
    left: list[Survivor] = field(default_factory=list)

    @property
    def recording(self) -> Recording:
        """The call's recording."""
        return self.prepared.recording

    def proof(self, listeners: Sequence[Listener]) -> SoundProof:
        """What a certificate tells of it."""
        copy, named = self.copy, {index: side.value for side, index in sides(self.prepared, self.redacted).items()}
        return SoundProof(
            RedactedAudio(
                copy.form.kind,
                copy.form.container,
                copy.form.codec,
                copy.sample_rate_hz,
                copy.n_samples,
                copy.cover,
                tuple(named.get(at, "ignored" if at in copy.muted else "same") for at in range(len(copy.spans))),
                tuple(tuple((span.start, span.stop) for span in channel) for channel in copy.spans),
                counted(removal.doubt.value for removal in self.removals if removal.doubt),
            ),
            Verification(
                self.rounds,
                self.n_places,
                self.heard_s,
                self.whole_call,
                tuple(listener.told for listener in listeners),
                dict(sorted(self.widened.items())),
            ),
        )


def marked(transcript: RedactedTranscript) -> list[Removal]:
    """What was removed from a text, as stretches of sound without their padding."""
    return [Removal(one.channel, float(one.start_s), float(one.end_s), one.entity) for one in transcript.redactions]


def begin(prepared: Prepared, redacted: Redacted, folder: Path, settings: Settings) -> Case:
    """Copy a call without what is to go, into a folder, to be heard around all that was removed from its text and its
    sound; of a share of all calls, chosen by their hash, everything."""
    began_s = time.perf_counter()
    transcript, removals = redacted.transcript, redacted.removals
    copy = bleep(prepared, transcript, removals, folder / prepared.recording.sha256, settings)
    places = [*marked(transcript), *removals]
    case = Case(prepared, transcript, removals, copy, redacted.redact_s, time.perf_counter() - began_s, places)
    case.whole_call = int(prepared.recording.sha256[:8], 16) < settings.redact.proof_share * 2**32
    return case


def proven(case: Case, listeners: Sequence[Listener], prove_s: float) -> Redacted:
    """A case that is proved, as what is published; `prove_s` is its share of the time that proving took."""
    sound_s = {"bleep": case.bleep_s, "prove": prove_s}
    return Redacted(case.redacted, case.redact_s, case.removals, case.copy.path, case.proof(listeners), sound_s)


def prove(cases: Sequence[Case], listening: Listening, desk: Desk) -> list[Case]:
    """The cases whose copies hold nothing of the removed that can still be heard; the others fail at the desk.

    All cases' sound goes through the engines together. Raises what the engines raise, and FatalError without any.
    """
    if not listening.listeners:
        raise FatalError("nobody is there to hear the redacted copies", "Report it as a bug")
    proven: list[Case] = []
    waiting = desk.each("prove", cases, lambda case: case.recording, _sound)
    for number in range(1, ROUNDS + 1):
        waiting = _heard(waiting, listening, desk)
        proven += [case for case in waiting if not case.left]
        waiting = [case for case in waiting if case.left]
        if not waiting:
            break

        def again(case: Case, number: int = number) -> Case:
            return _sound(_widened(case, number, listening.settings))

        waiting = desk.each("prove", waiting, lambda case: case.recording, again)
    return proven


def _sound(case: Case) -> Case:
    """The case, if its copy holds a tone or silence wherever its text has a mark, but for long pauses; else
    UnprovenError."""
    places, speech = sides(case.prepared, case.redacted), speech_of(case.prepared, case.redacted)
    for one in case.redacted.redactions:
        if not covers(case.copy, places[one.channel], one, speech.get(one.channel, ())):
            raise UnprovenError(f"{case.recording.name}: the sound of a {one.entity} was not removed", _REMEDY)
    if left := places_left(case.copy):
        raise UnprovenError(
            f"{case.recording.name}: its redacted copy holds other sound than it should in {left} places", _REMEDY
        )
    return case


def _widened(case: Case, number: int, settings: Settings) -> Case:
    """The case with a copy in which what was still heard is gone as well. Raises UnprovenError after the last round."""
    entities = counted(survivor.entity for survivor in case.left)
    if number == ROUNDS:
        raise UnprovenError(
            f"{case.recording.name}: after {ROUNDS} rounds {', '.join(entities)} may still be heard in its copy",
            _REMEDY,
        )
    speech = speech_of(case.prepared, case.redacted)
    more = []
    for one in case.left:
        bursts = speech.get(one.channel, ())
        if number == 1:
            place = padded(one.start_s, one.end_s, bursts)
        else:
            place = whole_turns(one.channel, one.start_s, one.end_s, case.redacted, bursts)
        more.append(Removal(one.channel, *place, one.entity))
    case.removals = (*case.removals, *more)
    case.places = more
    case.widened.update(entities)
    case.copy = bleep(case.prepared, case.redacted, case.removals, case.copy.path.with_suffix(""), settings)
    return case


def _heard(cases: list[Case], listening: Listening, desk: Desk) -> list[Case]:
    """The cases with what is left in them; one by one if hearing them together fails."""
    try:
        listen(cases, listening)
    except (RetryableError, FatalError):
        raise
    except Exception:  # noqa: BLE001
        failed = True
    else:
        failed = False
    if not failed:
        return cases

    def alone(case: Case) -> Case:
        listen([case], listening)
        return case

    return desk.each("prove", cases, lambda case: case.recording, alone)


def listen(cases: Sequence[Case], listening: Listening) -> None:
    """Hear the cases' places, all together, and note in each what may be left there. One more round for each."""
    plans = [_plan(case, listening.settings) for case in cases]
    answers: list[dict[Where, list[Hypothesis]]] = [{} for _ in cases]
    most = to_samples(listening.settings.batch.portion_speech_s)
    for portion in portions(_cut(cases, plans, listening.settings), most):
        engines = [listener.engine for listener in listening.listeners]
        for (index, where), heard in hear_together(portion, engines).items():
            answers[index][where] = heard
    for case, plan, found in zip(cases, plans, answers, strict=True):
        case.left = _left(case, plan, found, listening)
        case.rounds += 1
        case.n_places += len(case.places)


def _left(
    case: Case, plan: Mapping[int, Sequence[Chunk]], found: Mapping[Where, Sequence[Hypothesis]], listening: Listening
) -> list[Survivor]:
    """What any of those who heard a case's chunks may have heard of what was removed."""
    named = {place: side for side, place in sides(case.prepared, case.redacted).items()}
    left: set[Survivor] = set()
    for at in range(len(listening.listeners)):
        words = {
            named[place]: merge(chunks, [found[place, number][at] for number in range(len(chunks))], ())
            for place, chunks in plan.items()
        }
        left.update(survivors(words, case.redacted, listening.redactor))
    return sorted(left, key=lambda one: (one.channel, one.start_s, one.end_s, one.entity))


def _plan(case: Case, settings: Settings) -> dict[int, list[Chunk]]:
    """What is to be heard of a case, as chunks by the place of their channel in the file."""
    whole = case.whole_call and not case.rounds
    plan = {}
    for side, place in sides(case.prepared, case.redacted).items():
        places = [one for one in case.places if one.channel is side]
        wanted = None if whole else near(places, kept_words(case.redacted, side), settings.redact.proof_context_s)
        bursts = next(one.bursts for one in case.prepared.channels if one.index == place)
        plan[place] = pieces(side, wanted, bursts, case.copy, place)
        case.heard_s += sum(map(len, plan[place])) / to_samples(1.0)
    return plan


def _cut(cases: Sequence[Case], plans: Sequence[Mapping[int, Sequence[Chunk]]], settings: Settings) -> Iterator[Piece]:
    """The chunks of all cases, as an engine is to hear them."""
    for index, (case, plan) in enumerate(zip(cases, plans, strict=True)):
        treatments = {one.index: one.treatment for one in case.prepared.channels}
        for place, number, samples in cut(case.copy, plan, settings.decode):
            yield (index, (place, number)), treatments[place].apply(samples)
