"""Master keys that lie in a file or in the environment. One in AWS KMS is storage.kms.KmsKey."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from asr.errors import ConfigError
from compliance.canonical import canonical
from compliance.errors import VaultError

KEY_BYTES = 32
"""AES-256."""

NONCE_BYTES = 12
"""What AES-GCM takes without hashing it first (NIST SP 800-38D, 8.2)."""

_REMEDY = "A master key is 32 bytes in base64: `callwright keys new --kind vault --out FILE` makes one"


class LocalKey:
    """A MasterKey of 32 bytes in this process's memory: AES-256-GCM with a random nonce for each data key."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ConfigError(f"the master key has {len(key)} bytes", _REMEDY)
        self._cipher = AESGCM(key)
        self._id = hmac.new(key, b"callwright master key id", hashlib.sha256).hexdigest()[:16]

    @classmethod
    def from_file(cls, path: Path) -> LocalKey:
        """Read a key file. Raises ConfigError if it cannot be read or holds no key."""
        try:
            text = path.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError):
            raise ConfigError(f"the master key {path} cannot be read", _REMEDY) from None
        return cls(_decoded(text))

    @classmethod
    def from_environ(cls, name: str, environ: Mapping[str, str]) -> LocalKey:
        """Read a key from a variable. Raises ConfigError if it is not set or holds no key."""
        if name not in environ:
            raise ConfigError(f"the variable {name} is to hold the vault's master key and is not set", _REMEDY)
        return cls(_decoded(environ[name]))

    @property
    def id(self) -> str:
        """16 hex digits of an HMAC with the key, by which it can be told from others."""
        return f"local:{self._id}"

    def wrap(self, data_key: bytes, recording: str) -> bytes:
        """Nonce, and the data key encrypted with the recording as associated data."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, data_key, _bound_to(recording))

    def unwrap(self, wrapped: bytes, recording: str) -> bytes:
        """The data key. Raises VaultError if it was wrapped by another key, or for another recording."""
        try:
            return self._cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _bound_to(recording))
        except (InvalidTag, ValueError):
            raise VaultError(
                f"the vault's key of {recording[:12]} does not open with this master key",
                "Set vault.master_key to the key that it was wrapped by, or restore the key's file; nothing was "
                "changed",
            ) from None


def new_key_text() -> bytes:
    """A new master key as it stands in a file: base64 and a newline."""
    return base64.b64encode(os.urandom(KEY_BYTES)) + b"\n"


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        # Not chained: the cause may show the key.
        raise ConfigError("the master key is not base64", _REMEDY) from None


def _bound_to(recording: str) -> bytes:
    return canonical({"purpose": "callwright data key", "recording": recording})
