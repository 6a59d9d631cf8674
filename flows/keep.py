"""What is kept beside the transcript: its redaction certificate, and in the vault what the settings keep unredacted."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from asr.errors import SkippableError
from asr.types import Recording, Transcript
from compliance.certificate import UsedModel, certificate, redaction, verified
from compliance.proof import SoundProof
from compliance.redactor import Redactor
from compliance.types import Document, RedactedTranscript
from compliance.vault import AUDIO, TRANSCRIPT, audio_item, transcript_item
from flows.custody import Custody
from storage.audit_log import Detail

Certify = Callable[[Recording, RedactedTranscript, Mapping[str, str], SoundProof | None], Document]
"""Makes a redaction certificate from a recording, its transcript, its renderings' object keys, and how its redacted
copy was proved if there is one."""


def certifier(custody: Custody, names: UsedModel) -> Certify:
    """What makes certificates, by the custody's clock and with its key; `names` is the model that finds names."""

    def certify(
        recording: Recording,
        transcript: RedactedTranscript,
        documents: Mapping[str, str],
        proof: SoundProof | None = None,
    ) -> Document:
        body = redaction(recording, transcript, documents, names, custody.ledger.now())
        body |= verified(proof, documents)
        return certificate(body, custody.signer)

    return certify


def keep_unredacted(recording: Recording, transcript: Transcript, redactor: Redactor, custody: Custody) -> None:
    """Seal what the settings keep unredacted, but for security codes; as shipped that is nothing.

    Audio in which a security code was said is not kept, which the audit trail tells. Raises what the vault raises.
    """
    keep = custody.settings.vault.keep
    if not keep:
        return
    without_codes = redactor.with_policy("codes").redact(transcript)
    items, refused = [], False
    if TRANSCRIPT in keep:
        items.append(transcript_item(recording, without_codes))
    if AUDIO in keep:
        try:
            items.append(audio_item(recording, without_codes))
        except SkippableError:
            refused = True
    if items:
        custody.vault().seal(items)
    detail: Detail = {"kinds": ", ".join(item.kind for item in items), "audio_refused": refused}
    custody.ledger.write("vault.seal", recording.sha256, detail)
