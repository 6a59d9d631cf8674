"""Certificates: what was redacted, and what was erased, signed so that a third party can check them without us.

They hold hashes, kinds, counts and times, and never a value. docs/compliance.md shows how to check one with openssl.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal

from asr.types import Recording
from compliance.canonical import Json, canonical
from compliance.policies import POLICIES
from compliance.proof import SoundProof
from compliance.signing import Signer
from compliance.types import AUDIO_KINDS, Document, RedactedTranscript, RedactedTurn

KIND = "certificate"

VERSION = 1
"""Raised when a field changes its meaning."""


@dataclass(frozen=True, slots=True)
class UsedModel:
    """A model that took part, by its id and the hash of its files."""

    id: str
    sha256: str
    task: Literal["speech", "names"]


@dataclass(frozen=True, slots=True)
class ErasedItem:
    """One kind of what was kept of a recording: erased, or still there and why. `count` is of files and rows."""

    recording: str
    kind: str
    erased: bool
    count: int
    note: str


def redaction(
    recording: Recording, transcript: RedactedTranscript, documents: Mapping[str, str], names: UsedModel, at: datetime
) -> dict[str, Json]:
    """The body of a redaction certificate.

    `documents` maps a rendering's kind to its object key, whose stem is its SHA-256; `database` has those of what
    the tables hold of the transcript. Redacted audio and the results of checking are null; `verified` tells of them.
    """
    made_by = transcript.provenance
    speech = UsedModel(made_by.model_id, made_by.model_sha256, "speech")
    hashes: dict[str, Json] = {kind: _sha256(key) for kind, key in documents.items() if kind not in AUDIO_KINDS}
    return {
        "type": "callwright redaction certificate",
        "version": VERSION,
        "at": _instant(at),
        "source": {"sha256": recording.sha256, "size_bytes": recording.size_bytes},
        "transcript": hashes,
        "database": {"turns": turns_digest(transcript.turns), "words": words_digest(transcript.turns)},
        "redacted_audio": None,
        "verification": None,
        "policy": {"name": transcript.policy, "entities": sorted(POLICIES.get(transcript.policy, ()))},
        "models": [{"id": model.id, "sha256": model.sha256, "task": model.task} for model in (speech, names)],
        "engine": {"name": made_by.engine, "precision": made_by.precision},
        "settings": made_by.config_fingerprint,
        "code_version": made_by.code_version,
        "spans": spans(transcript),
        **({"second_reader": asdict(transcript.second_reading)} if transcript.second_reading else {}),
    }


def verified(proof: SoundProof | None, documents: Mapping[str, str]) -> dict[str, Json]:
    """The fields of a redaction certificate that tell how it was proved: its text was read again and gave no finding,
    and its redacted copy, one of the documents, was heard again, if there is one."""
    text: Json = {"verdict": "passed", "survivors": {}}
    if proof is None:
        return {"verification": {"text": text, "audio": None}}
    audio = proof.audio.told(_sha256(documents[proof.audio.kind]))
    return {"redacted_audio": audio, "verification": {"text": text, "audio": proof.verification.told()}}


def erasure(
    request: Mapping[str, Json], items: Sequence[ErasedItem], kept: Sequence[str], at: datetime
) -> dict[str, Json]:
    """The body of an erasure certificate: what was asked, what is gone, what is not and why.

    `kept` are sentences about what outlives every erasure, such as the audit trail.
    """
    return {
        "type": "callwright erasure certificate",
        "version": VERSION,
        "at": _instant(at),
        "request": dict(request),
        "erased": [_item(item) for item in items if item.erased],
        "not_erased": [_item(item) for item in items if not item.erased],
        "kept": list(kept),
    }


def certificate(body: Mapping[str, Json], signer: Signer) -> Document:
    """The signed document of a body, with the key's id in what is signed."""
    return Document(KIND, "application/json", signer.signed({**body, "key_id": signer.public.id}))


def spans(transcript: RedactedTranscript) -> dict[str, Json]:
    """What was removed by type: channel, and start and end in whole milliseconds."""
    found: dict[str, list[Json]] = {}
    for redaction in transcript.redactions:
        span: Json = {
            "channel": redaction.channel.value,
            "start_ms": _ms(redaction.start_s),
            "end_ms": _ms(redaction.end_s),
        }
        found.setdefault(redaction.entity, []).append(span)
    return dict(found)


def turns_digest(turns: Sequence[RedactedTurn]) -> str:
    """SHA-256, in hex, of the canonical JSON of the turns: [speaker, channel, start_ms, end_ms, text] each.

    It stays the same when retention takes the words and leaves the turns.
    """
    return _digest(
        [[turn.speaker, turn.channel.value, _ms(turn.start_s), _ms(turn.end_s), turn.text] for turn in turns]
    )


def words_digest(turns: Sequence[RedactedTurn]) -> str:
    """SHA-256, in hex, of the canonical JSON of the words by turn: [text, start_ms, end_ms, entity or null] each."""
    return _digest(
        [[[word.text, _ms(word.start_s), _ms(word.end_s), word.entity] for word in turn.words] for turn in turns]
    )


def _digest(value: Json) -> str:
    return hashlib.sha256(canonical(value)).hexdigest()


def _ms(at_s: float) -> int:
    return round(float(at_s) * 1_000)


def _sha256(key: str) -> str:
    return key.rpartition("/")[2].partition(".")[0]


def _item(item: ErasedItem) -> dict[str, Json]:
    return {"recording": item.recording, "kind": item.kind, "count": item.count, "note": item.note}


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")
