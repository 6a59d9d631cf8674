from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from asr.errors import ConfigError
from asr.types import Channel, Provenance, Recording
from compliance.canonical import canonical
from compliance.certificate import ErasedItem, UsedModel, certificate, erasure, redaction
from compliance.errors import SignatureError
from compliance.signing import PublicKey, Signer
from compliance.types import RedactedTranscript, RedactedTurn, RedactedWord, Redaction

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer.new()


def a_redaction() -> dict[str, object]:
    word = RedactedWord("[CREDIT_CARD]", 0.5, 1.25, 0.9, "CREDIT_CARD")
    transcript = RedactedTranscript(
        "secret name.wav",
        2.0,
        (Channel.CUSTOMER,),
        (RedactedTurn("customer", Channel.CUSTOMER, (RedactedWord("marzipan", 0.0, 0.5, 0.9), word)),),
        (),
        (Redaction("CREDIT_CARD", Channel.CUSTOMER, 0, 1, 16, 0.5, 1.25),),
        "pci",
        Provenance("whisper", "ab" * 32, "openvino", "int8", "f" * 16, "0.1.0"),
    )
    recording = Recording("cd" * 32, Path("/calls/secret name.wav"), 1_000)
    names = UsedModel("spacy", "ef" * 32, "names")
    return redaction(recording, transcript, {"json": "aa/aabb.json", "vtt": "cc/ccdd.vtt"}, names, AT)  # type: ignore[return-value]


def test_canonical_json_is_the_same_whatever_the_order() -> None:
    assert canonical({"b": 1, "a": [True, None, "ä\n"]}) == '{"a":[true,null,"ä\\n"],"b":1}'.encode()
    for wrong in ({"a": 1.0}, {"ä": 1}, {"a": [{"b": 0.5}]}):
        with pytest.raises(TypeError):
            canonical(wrong)  # type: ignore[arg-type]


def test_a_redaction_certificate_holds_hashes_and_times_and_no_value(signer: Signer) -> None:
    document = certificate(a_redaction(), signer)  # type: ignore[arg-type]
    body = signer.public.verified(document.body)
    assert body["source"] == {"sha256": "cd" * 32, "size_bytes": 1_000}
    assert body["transcript"] == {"json": "aabb", "vtt": "ccdd"}
    assert body["spans"] == {"CREDIT_CARD": [{"channel": "customer", "start_ms": 500, "end_ms": 1_250}]}
    assert body["policy"] == {"name": "pci", "entities": ["CREDIT_CARD", "CREDIT_CARD_CVV", "CREDIT_CARD_EXPIRATION"]}
    assert [model["id"] for model in json.loads(document.body)["body"]["models"]] == ["whisper", "spacy"]
    assert (body["redacted_audio"], body["verification"], body["at"]) == (None, None, "2026-01-02T03:04:05+00:00")
    assert body["key_id"] == signer.public.id
    assert b"marzipan" not in document.body
    assert b"secret name" not in document.body


def test_an_erasure_certificate_tells_what_went_and_what_did_not() -> None:
    items = [ErasedItem("ab", "transcript", True, 3, ""), ErasedItem("ab", "source_audio", False, 0, "legal hold 1")]
    body = erasure({"scope": "call"}, items, ["the audit trail"], AT)
    assert body["erased"] == [{"recording": "ab", "kind": "transcript", "count": 3, "note": ""}]
    assert body["not_erased"] == [{"recording": "ab", "kind": "source_audio", "count": 0, "note": "legal hold 1"}]
    assert body["kept"] == ["the audit trail"]


def test_keys_are_kept_for_their_owner_and_never_written_over(signer: Signer, tmp_path: Path) -> None:
    path = tmp_path / "keys" / "k.pem"
    signer.save(path)
    assert path.stat().st_mode & 0o077 == 0
    again = Signer.load(path)
    assert PublicKey.load(tmp_path / "keys" / "k.pem.pub").verified(again.signed({"a": 1})) == {"a": 1}
    with pytest.raises(ConfigError, match="no key is ever written over"):
        Signer.new().save(path)
    for load in (PublicKey.load, Signer.load):
        with pytest.raises(ConfigError):
            load(tmp_path / "none")
    with pytest.raises(ConfigError, match="holds no Ed25519 public key"):
        PublicKey.load(path)


def test_another_key_is_named(signer: Signer) -> None:
    other = Signer.new()
    with pytest.raises(SignatureError, match=rf"signed with the key {signer.public.id}, and this one is"):
        other.public.verified(signer.signed({"a": 1}))


def test_every_single_changed_byte_is_found(signer: Signer) -> None:
    document = certificate(a_redaction(), signer).body  # type: ignore[arg-type]
    for at in range(len(document)):
        changed = document[:at] + bytes([document[at] ^ 1]) + document[at + 1 :]
        with pytest.raises(SignatureError):
            signer.public.verified(changed)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"{}",
        b'{"body":1,"signature":2}',
        b'{"body":{},"signature":{"algorithm":"none","key_id":"","value":""}}',
        b'{"body":{"a":1.5},"signature":{}}',
        b"[" * 100_000,
        b"\xff",
    ],
)
def test_what_is_no_document_is_refused(document: bytes, signer: Signer) -> None:
    with pytest.raises(SignatureError):
        signer.public.verified(document)


def test_the_five_lines_of_python_and_openssl_of_the_docs_agree(signer: Signer, tmp_path: Path) -> None:
    signer.save(tmp_path / "k.pem")
    (tmp_path / "c").write_bytes(certificate(a_redaction(), signer).body)  # type: ignore[arg-type]
    document = json.loads((tmp_path / "c").read_text())
    (tmp_path / "body").write_bytes(
        json.dumps(document["body"], ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    )
    (tmp_path / "sig").write_bytes(base64.b64decode(document["signature"]["value"]))
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    line = [
        "openssl",
        "pkeyutl",
        "-verify",
        "-pubin",
        "-inkey",
        "k.pem.pub",
        "-rawin",
        "-in",
        "body",
        "-sigfile",
        "sig",
    ]
    assert subprocess.run(line, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    (tmp_path / "body").write_bytes((tmp_path / "body").read_bytes() + b" ")
    assert subprocess.run(line, cwd=tmp_path, capture_output=True, check=False).returncode != 0
    raw = hashlib.sha256(base64.b64decode((tmp_path / "k.pem.pub").read_text().split("\n")[1])[-32:])
    assert raw.hexdigest()[:16] == signer.public.id
