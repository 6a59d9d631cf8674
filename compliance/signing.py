"""Documents signed with Ed25519 (RFC 8032), which anybody can check who has the public key.

A signed document is canonical JSON, {"body": ..., "signature": {"algorithm", "key_id", "value"}}: the signature, in
base64, is of the body's canonical bytes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from asr.errors import ConfigError
from compliance.canonical import Json, canonical
from compliance.errors import SignatureError

_ALGORITHM = "Ed25519"
_MAKE_ONE = "Make one with `callwright keys new --out FILE`"


class PublicKey:
    """What checks signatures; `id` is the first 16 hex digits of the SHA-256 of its 32 bytes."""

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key
        self.id = hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]

    @classmethod
    def load(cls, path: Path) -> PublicKey:
        """Read a PEM file. Raises ConfigError if it holds no Ed25519 public key."""
        try:
            key = serialization.load_pem_public_key(_read(path))
        except (ValueError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, Ed25519PublicKey):
            raise ConfigError(f"{path} holds no Ed25519 public key", f"{_MAKE_ONE}, which writes FILE.pub beside it")
        return cls(key)

    @property
    def pem(self) -> bytes:
        """The key as PEM, as openssl reads it."""
        return self._key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

    def verified(self, document: bytes) -> Mapping[str, Json]:
        """The body of a signed document. Raises SignatureError if one byte of it is not as it was signed."""
        signed = _parsed(document)
        body, signature = signed["body"], signed["signature"]
        if not (isinstance(body, dict) and isinstance(signature, dict)):
            raise _unsigned("its parts are of the wrong kind")
        if signature.get("algorithm") != _ALGORITHM:
            raise _unsigned("its signature is not of Ed25519")
        if signature.get("key_id") != self.id:
            raise SignatureError(
                f"the document was signed with the key {signature.get('key_id')}, and this one is {self.id}",
                "Name the public key that belongs to it",
            )
        try:
            value = base64.b64decode(str(signature.get("value")), validate=True)
            self._key.verify(value, canonical(body))
        except (binascii.Error, InvalidSignature):
            raise _unsigned("its signature does not fit what it says") from None
        return body


class Signer:
    """Holds a private key and signs with it; it never shows in a repr."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = PublicKey(key.public_key())

    @classmethod
    def new(cls) -> Signer:
        """A signer with a key that nobody else has."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def load(cls, path: Path) -> Signer:
        """Read a PEM file without a password. Raises ConfigError if it holds no Ed25519 private key."""
        try:
            key = serialization.load_pem_private_key(_read(path), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            raise ConfigError(f"{path} holds no Ed25519 private key that opens without a password", _MAKE_ONE)
        return cls(key)

    def save(self, path: Path) -> None:
        """Write the key as PEM, for its owner alone, and the public key beside it with `.pub` added.

        Raises ConfigError if a file is there: a key that is written over can never be had again.
        """
        pem = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write_secret(path, pem)
        path.with_name(f"{path.name}.pub").write_bytes(self.public.pem)

    def signed(self, body: Mapping[str, Json]) -> bytes:
        """The signed document of a body."""
        value = base64.b64encode(self._key.sign(canonical(body))).decode()
        return canonical(
            {"body": body, "signature": {"algorithm": _ALGORITHM, "key_id": self.public.id, "value": value}}
        )


def write_secret(path: Path, secret: bytes) -> None:
    """Write a file that only its owner may read. Raises ConfigError if one is there, or if it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise ConfigError(f"{path} is there already", "Name a new file; no key is ever written over") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}", "Name another file") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"the key {path} cannot be read: {error.strerror}", _MAKE_ONE) from error


def _parsed(document: bytes) -> dict[str, Json]:
    """The document's two parts. Only the canonical form is taken: any other could be read in two ways."""
    try:
        parsed = json.loads(document)
        same = canonical(parsed) == document.removesuffix(b"\n")
    except (ValueError, TypeError, RecursionError):
        raise _unsigned("it is not JSON as it was written") from None
    if not same or not isinstance(parsed, dict) or set(parsed) != {"body", "signature"}:
        raise _unsigned("it is not in the form in which it was written")
    return parsed


def _unsigned(why: str) -> SignatureError:
    return SignatureError(f"this is not a document as it was signed: {why}", "Get it again from where it was kept")
