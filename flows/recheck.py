"""Published calls checked again: that what is kept is what was certified, and that nothing is left in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from asr.bleeping import Cover
from asr.errors import FatalError, PipelineError, SkippableError
from asr.files.writers import Format
from asr.types import CallMetadata, Channel, Span
from asr.vad import SpeechDetector
from compliance.bleep import UNTOLD, Removal
from compliance.certificate import spans, turns_digest, words_digest
from compliance.errors import SignatureError
from compliance.marks import entity_of
from compliance.redactor import Redactor
from compliance.render import documents as rendered
from compliance.signing import PublicKey
from compliance.survivors import counted, text_survivors
from compliance.types import AUDIO_KINDS, Kind, RedactedTranscript, RedactedTurn, RedactedWord
from configs.settings import Settings
from flows import preparation
from flows.bleeping import Copy, as_recording, covers, places_left, speech_of
from flows.custody import Custody
from flows.proof import Case, Listening, listen, marked
from storage.errors import NoTranscriptError
from storage.golden import Golden, GoldenTurn
from storage.objects import digest_of, object_name
from storage.repository import Repository
from storage.types import StoredRecording
from storage.vouched import Vouched

_CERTIFICATE = "callwright redaction certificate"


@dataclass(frozen=True, slots=True)
class Checked:
    """One call: what is wrong with it, a sentence each and no value of it, and whether a redacted copy was heard."""

    name: str
    sha256: str
    faults: tuple[str, ...]
    audio: bool


@dataclass(frozen=True, slots=True)
class Checker:
    """What calls are checked with: where they are kept, the key to trust, and who reads and hears them again."""

    custody: Custody
    repository: Repository
    public: PublicKey
    detector: SpeechDetector
    listening: Listening

    def check(self, found: StoredRecording) -> Checked:
        """Check a published call, and write in the audit trail that it was.

        Its certificate has to be signed; its renderings and its copy have to be those that were certified, or for
        renderings those that its metadata gave since; its text is read again, and its copy compared with what should
        stand in it, sample by sample, and heard again beside what was removed. Raises RetryableError and FatalError of
        the engines.
        """
        try:
            transcript = self.repository.transcript(found.id)
        except NoTranscriptError as error:
            return Checked(found.name, found.sha256, (error.reason,), audio=False)
        kept = self.repository.documents(found.id)
        faults: list[str] = []
        trail = self.custody.ledger.vouched(found.sha256).get(found.sha256)
        body = self._certificate(found, trail, faults)
        if trail:
            faults += _not_as_in_trail(kept, trail)
        faults += self._tables(found, transcript, body, trail)
        faults += self._renderings(found, transcript, kept, body)
        if left := text_survivors(transcript, self._redactor(transcript.policy)):
            faults.append(f"{', '.join(left)} is found in its text")
        if left := text_survivors(self._corrected(found.id, transcript), self._redactor(transcript.policy)):
            faults.append(f"{', '.join(left)} is found in its correction")
        copies = {kind: key for kind, key in kept.items() if kind in AUDIO_KINDS}
        for kind, key in copies.items():
            try:
                faults += self._copy(transcript, kind, key, body.get("redacted_audio"))
            except SkippableError as error:
                faults.append(f"its {kind} cannot be heard: {error.reason}")
        self.repository.looked_at(
            found.sha256, "redaction.verify", {"faults": len(faults), "audio": len(copies), "policy": transcript.policy}
        )
        return Checked(found.name, found.sha256, tuple(faults), bool(copies))

    def _redactor(self, policy: str) -> Redactor:
        own = self.listening.redactor
        return own if own.policy == policy else own.with_policy(policy)

    def _corrected(self, recording_id: int, transcript: RedactedTranscript) -> RedactedTranscript:
        """The transcript with the turns as somebody corrected them; without any if nobody did."""
        turns = Golden(self.custody.database).correction(recording_id)
        return replace(transcript, turns=tuple(map(_as_redacted, turns)), redactions=())

    def missing(self, published: Sequence[StoredRecording]) -> list[Checked]:
        """Calls that are published, says the audit trail, and that are not among those that the database has so."""
        known = {one.sha256 for one in published}
        fault = "the audit trail says that it is published, and the database does not"
        return [
            Checked(sha256[:12], sha256, (fault,), audio=False)
            for sha256 in self.custody.ledger.vouched()
            if sha256 not in known
        ]

    def _certificate(self, found: StoredRecording, trail: Vouched | None, faults: list[str]) -> Mapping[str, Any]:
        """The body of the call's last certificate of redaction; empty, with a fault, if there is none to trust."""
        for key in reversed(self.custody.ledger.certificates(found.id)):
            try:
                body = self.public.verified(self.custody.objects.get(key))
            except SignatureError as error:
                faults.append(f"its certificate is not sound: {error.reason}")
                return {}
            except PipelineError as error:
                faults.append(error.reason)
                return {}
            source = body.get("source")
            if body.get("type") == _CERTIFICATE:
                if trail and trail.certificate not in (None, key):
                    faults.append("its certificate is another one than the audit trail names")
                if not isinstance(source, dict) or source.get("sha256") != found.sha256:
                    faults.append("its certificate is of another recording")
                return body
        faults.append("it has no certificate of redaction")
        return {}

    def _tables(
        self, found: StoredRecording, transcript: RedactedTranscript, body: Mapping[str, Any], trail: Vouched | None
    ) -> list[str]:
        """What the tables hold otherwise than it was certified. Certificates of old tell of the renderings alone."""
        certified, policy = body.get("database"), body.get("policy")
        if certified is None or policy is None:
            return []
        held = {
            "turns": (turns_digest(self.repository.plain_turns(found.id)), certified.get("turns")),
            "words": (words_digest(transcript.turns), certified.get("words")),
            "spans": (spans(transcript), body.get("spans")),
            "policy": (transcript.policy, policy.get("name")),
        }
        if trail and Kind.WORDS in trail.erased:
            del held["words"]
        return [
            f"its {name} in the database {'is' if name == 'policy' else 'are'} not what was certified"
            for name, (now, was) in held.items()
            if now != was
        ]

    def _renderings(
        self, found: StoredRecording, transcript: RedactedTranscript, kept: Mapping[str, str], body: Mapping[str, Any]
    ) -> list[str]:
        told = self.repository.metadata(found.id) or CallMetadata()
        anew = {document.kind: object_name(document) for document in rendered(transcript, told)}
        certified = body.get("transcript") or {}
        faults = []
        for kind, key in kept.items():
            if kind in AUDIO_KINDS:
                continue
            try:
                self.custody.objects.check(key)
            except PipelineError as error:
                faults.append(error.reason)
            if digest_of(key) != certified.get(kind) and Path(key).name != anew.get(kind):
                faults.append(f"its {kind} is neither what was certified nor what its words give")
        return faults

    def _copy(
        self, transcript: RedactedTranscript, kind: str, key: str, certified: Mapping[str, Any] | None
    ) -> list[str]:
        """What is wrong with a redacted copy."""
        with ExitStack() as opened:
            try:
                path = opened.enter_context(self.custody.objects.file(key))
            except FatalError as error:
                return [error.reason]
            if certified is None or certified.get("sha256") != digest_of(key):
                return [f"its {kind} is not what was certified"]
            return self._sound(transcript, kind, path, certified)

    def _sound(self, transcript: RedactedTranscript, kind: str, path: Path, certified: Mapping[str, Any]) -> list[str]:
        """What is wrong with a redacted copy that is the one that was certified."""
        copy, sides = _described(path, certified)
        faults = []
        heard = _case(copy, sides, transcript, self.detector, self.listening.settings)
        speech = speech_of(heard.prepared, heard.redacted)
        uncovered = [
            one.entity
            for one in transcript.redactions
            if one.channel not in sides or not covers(copy, sides.index(one.channel), one, speech.get(one.channel, ()))
        ]
        if uncovered:
            faults.append(f"the sound of {', '.join(counted(uncovered))} was not removed")
        if left := places_left(copy):
            faults.append(f"its {kind} holds other sound than it should in {left} places")
        listen([heard], replace(self.listening, redactor=self._redactor(transcript.policy)))
        faults += [
            f"{entity} may be heard in its {kind}" for entity in counted(survivor.entity for survivor in heard.left)
        ]
        return faults


def _as_redacted(turn: GoldenTurn) -> RedactedTurn:
    at_s = turn.start_s or 0.0
    words = (RedactedWord(word, at_s, at_s, 1.0, entity_of(word)) for word in turn.text.split())
    return RedactedTurn(turn.speaker, turn.channel, tuple(words))


def _not_as_in_trail(kept: Mapping[str, str], trail: Vouched) -> list[str]:
    """Renderings and copies that the tables name otherwise than the audit trail does."""
    named = sorted({*kept, *trail.documents})
    return [
        f"its {kind} is {'another one than the audit trail names' if kind in kept else 'not in the database'}"
        for kind in named
        if kept.get(kind) != trail.documents.get(kind)
    ]


def _described(path: Path, certified: Mapping[str, Any]) -> tuple[Copy, tuple[Channel | None, ...]]:
    """A copy as its certificate tells of it, and whose side each channel of the file is."""
    named = [str(one) for one in certified["channels"]]
    cover: Cover = "silence" if certified["cover"] == "silence" else "beep"
    copy = Copy(
        path,
        Format(certified["kind"], certified["container"], certified["codec"]),
        certified["sample_rate_hz"],
        certified["samples"],
        cover,
        tuple(tuple(Span(start, stop) for start, stop in channel) for channel in certified["replaced"]),
        tuple(at for at, name in enumerate(named) if name == "ignored"),
    )
    return copy, tuple(Channel(name) if name in set(Channel) else None for name in named)


def _case(
    copy: Copy,
    sides: tuple[Channel | None, ...],
    transcript: RedactedTranscript,
    detector: SpeechDetector,
    settings: Settings,
) -> Case:
    """A copy as something to be heard beside all that was removed from it: speech is looked for in the copy itself."""
    # A tone sits at its own peak for a quarter of its samples: where most is replaced, that would pass for clipping.
    unclipped = settings.decode.model_copy(update={"max_clipped_share": 1.0})
    settings = settings.model_copy(update={"decode": unclipped})
    call = CallMetadata(channel_map=sides, sources={"channel_map": "its certificate"})
    prepared = preparation.prepare(as_recording(copy.path), detector, settings, call)
    # The transcript's sides are the certificate's, exchanged or not.
    plain = replace(transcript, findings=())
    named = {side: at for at, side in enumerate(sides) if side}
    # A copy does not tell what a tone stands for.
    tones = [
        Removal(side, span.start / copy.sample_rate_hz, span.stop / copy.sample_rate_hz, UNTOLD)
        for side, at in named.items()
        for span in copy.spans[at]
    ]
    return Case(prepared, plain, (), copy, places=[*marked(transcript), *tones])
