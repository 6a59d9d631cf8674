"""The one place where what was not redacted may rest, encrypted, and only if the settings keep it at all.

Each recording has a data key of its own, made anew each time that it is sealed. `sealed/` holds what is encrypted with
it (AES-256-GCM); `keys/` holds the data key, wrapped by a master key that lies elsewhere. Destroying the one small file
in `keys/` makes every copy of what was sealed unreadable, in backups too, as long as backups leave `keys/` out.

Security codes are never sealed (PCI DSS 3.3.1.2): what can be sealed is made by `transcript_item` and `audio_item`,
which take a transcript as proof.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from asr.errors import FatalError, SkippableError
from asr.types import Recording
from compliance.canonical import canonical
from compliance.errors import VaultError
from compliance.master_key import KEY_BYTES, NONCE_BYTES
from compliance.policies import CODES, POLICIES
from compliance.render import as_json_line
from compliance.types import MasterKey, RedactedTranscript

TRANSCRIPT = "transcript"
AUDIO = "audio"

_MAGIC = b"CWV1"
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Item:
    """What may be sealed of a recording, by its SHA-256: made by transcript_item and audio_item alone."""

    recording: str
    kind: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class _KeyFile:
    """A recording's wrapped data key; `serial` names the sealed files that it opens."""

    recording: str
    serial: str
    master: str
    wrapped: bytes = field(repr=False)


def transcript_item(recording: Recording, transcript: RedactedTranscript) -> Item:
    """All that was said but for security codes, as the JSON of compliance.render.

    Raises FatalError if the transcript's policy leaves security codes in.
    """
    _check_codes(transcript)
    return Item(recording.sha256, TRANSCRIPT, as_json_line(transcript).encode())


def audio_item(recording: Recording, transcript: RedactedTranscript) -> Item:
    """The recording's own bytes, if no security code was found in what was said in it.

    Raises SkippableError if one was, FatalError if the transcript's policy does not look for them or if the file is
    not what it was.
    """
    _check_codes(transcript)
    if any(redaction.entity in CODES for redaction in transcript.redactions):
        raise SkippableError(
            f"{recording.sha256[:12]} holds a security code, so its audio may not be kept",
            "PCI DSS 3.3.1.2 allows no exception, encrypted or not",
        )
    body = recording.path.read_bytes()
    if hashlib.sha256(body).hexdigest() != recording.sha256:
        raise FatalError(f"{recording.sha256[:12]} changed on its disk while it was read", "Run it again")
    return Item(recording.sha256, AUDIO, body)


class Vault:
    """A folder with `keys/` and `sealed/`. The caller writes in the audit trail what is opened, erased or rewrapped."""

    def __init__(self, root: Path, master: MasterKey) -> None:
        self._root = root
        self._master = master

    def seal(self, items: Sequence[Item]) -> None:
        """Seal all that is kept of one recording under a fresh data key, in place of what was sealed of it before.

        Killed at any moment, it leaves what was there or what is new. Raises FatalError for items of two recordings,
        and what the master key raises.
        """
        recording = items[0].recording
        if len({(item.recording, item.kind) for item in items}) != len(items) or {i.recording for i in items} != {
            recording
        }:
            raise FatalError("one recording's items are sealed together, one of each kind", "Seal each by itself")
        data_key, serial = AESGCM.generate_key(KEY_BYTES * 8), os.urandom(8).hex()
        wrapped = self._master.wrap(data_key, recording)
        cipher = AESGCM(data_key)
        for item in items:
            # The key is new, so a random nonce cannot meet itself but among these few.
            nonce = os.urandom(NONCE_BYTES)
            sealed = cipher.encrypt(nonce, item.body, _bound_to(_MAGIC, recording, item.kind, serial))
            _write(self._sealed(recording, serial, item.kind), _MAGIC + nonce + sealed)
        self._write_key(_KeyFile(recording, serial, self._master.id, wrapped))
        for path in self._all_sealed(recording):
            if path.name.split(".")[1] != serial:
                path.unlink(missing_ok=True)

    def kinds(self, recording: str) -> tuple[str, ...]:
        """The kinds that are sealed of a recording and have a key; none if it is not in the vault."""
        if not self._key_path(recording).exists():
            return ()
        serial = self._read_key(recording).serial
        names = (path.name.split(".") for path in self._all_sealed(recording))
        return tuple(sorted(kind for _, found, kind in names if found == serial))

    def open(self, recording: str, kind: str) -> bytes:
        """What was sealed. Raises VaultError if it is not there, was changed, or needs another master key."""
        if kind not in self.kinds(recording):
            raise VaultError(
                f"the vault holds no {kind} of {recording[:12]}", "It was never kept, or its key was erased for good"
            )
        key = self._read_key(recording)
        self._check_master(key)
        data_key = self._master.unwrap(key.wrapped, recording)
        sealed = self._sealed(recording, key.serial, kind).read_bytes()
        start = len(_MAGIC) + NONCE_BYTES
        try:
            return AESGCM(data_key).decrypt(
                sealed[len(_MAGIC) : start],
                sealed[start:],
                _bound_to(sealed[: len(_MAGIC)], recording, kind, key.serial),
            )
        except (InvalidTag, ValueError):
            raise VaultError(
                f"the {kind} of {recording[:12]} in the vault is not what was sealed",
                "Restore its file in sealed/ from a backup; nothing was changed",
            ) from None

    def rewrap(self, new: MasterKey) -> int:
        """Wrap every data key anew and return how many were; those under the new key already are left as they are.

        Every key is unwrapped before the first is written. Killed midway, it goes on from there. Raises VaultError,
        with nothing changed, if one key was wrapped by neither.
        """
        keys = [key for key in map(self._read_key, self.recordings()) if key.master != new.id]
        for key in keys:
            self._check_master(key)
        rewrapped = [
            _KeyFile(key.recording, key.serial, new.id, new.wrap(self._unwrapped(key), key.recording)) for key in keys
        ]
        for key in rewrapped:
            self._write_key(key)
        return len(rewrapped)

    def has_key(self, recording: str) -> bool:
        """Whether there is a data key of a recording; what is left without one cannot be opened by anybody."""
        return self._key_path(recording).exists()

    def check_key(self, recording: str) -> None:
        """Raise VaultError unless the master key unwraps a recording's data key; what it opens is not read."""
        key = self._read_key(recording)
        self._check_master(key)
        self._unwrapped(key)

    def recordings(self) -> list[str]:
        """The SHA-256 of every recording that the vault holds a key of."""
        return recordings_in(self._root)

    def _unwrapped(self, key: _KeyFile) -> bytes:
        return self._master.unwrap(key.wrapped, key.recording)

    def _check_master(self, key: _KeyFile) -> None:
        if key.master != self._master.id:
            raise VaultError(
                f"the vault's key of {key.recording[:12]} was wrapped by the master key {key.master}, and this is "
                f"{self._master.id}",
                "Set vault.master_key to that one, or give it to `callwright vault rewrap --old`; nothing was changed",
            )

    def _read_key(self, recording: str) -> _KeyFile:
        path = self._key_path(recording)
        try:
            kept = json.loads(path.read_bytes())
            key = _KeyFile(kept["recording"], kept["serial"], kept["master"], base64.b64decode(kept["wrapped"]))
        except (OSError, ValueError, KeyError, TypeError):
            raise VaultError(
                f"the vault's key {path} cannot be read", "Restore the file; nothing was changed"
            ) from None
        if key.recording != recording:
            raise VaultError(f"the vault's key {path} is of another recording", "Restore the file; nothing was changed")
        return key

    def _write_key(self, key: _KeyFile) -> None:
        kept = {
            "recording": key.recording,
            "serial": key.serial,
            "master": key.master,
            "wrapped": base64.b64encode(key.wrapped).decode(),
        }
        _write(self._key_path(key.recording), canonical(kept) + b"\n")

    def _key_path(self, recording: str) -> Path:
        return key_path(self._root, recording)

    def _sealed(self, recording: str, serial: str, kind: str) -> Path:
        return self._root / "sealed" / recording[:2] / f"{recording}.{serial}.{kind}"

    def _all_sealed(self, recording: str) -> list[Path]:
        return sealed_of(self._root, recording)


def key_path(root: Path, recording: str) -> Path:
    """Where a vault keeps a recording's wrapped key. Raises FatalError if that is no SHA-256."""
    if not _SHA256.fullmatch(recording):
        raise FatalError("a recording in the vault is named by its whole SHA-256", "Report this as a bug")
    return root / "keys" / recording[:2] / f"{recording}.json"


def sealed_of(root: Path, recording: str) -> list[Path]:
    """What is sealed of a recording, under any key."""
    return sorted((root / "sealed" / recording[:2]).glob(f"{recording}.*.*"))


def recordings_in(root: Path) -> list[str]:
    """The SHA-256 of every recording that a vault holds anything of, with a key or without; needs no master key."""
    keys = {path.stem for path in (root / "keys").glob("??/*.json")}
    return sorted(keys | {path.name.split(".")[0] for path in (root / "sealed").glob("??/*.*.*")})


def erase(root: Path, recording: str) -> int:
    """Destroy a recording's key, then what is sealed of it; return how many files went. Needs no master key.

    The key goes first: from then on nothing that was sealed can be read, here or in any copy.
    """
    path, erased = key_path(root, recording), 0
    if path.exists():
        with path.open("r+b") as file:
            file.write(os.urandom(path.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
        _sync(path.parent)
        erased += 1
    for sealed in sealed_of(root, recording):
        sealed.unlink(missing_ok=True)
        erased += 1
    for folder in ("keys", "sealed"):  # what a killed process left half-written
        for leftover in (root / folder / recording[:2]).glob(f".{recording}.*.tmp"):
            leftover.unlink(missing_ok=True)
    return erased


def _check_codes(transcript: RedactedTranscript) -> None:
    if not POLICIES.get(transcript.policy, frozenset()) >= CODES:
        raise FatalError(
            f"the policy {transcript.policy!r} leaves security codes in, which may not be kept", "Report this as a bug"
        )


def _bound_to(magic: bytes, recording: str, kind: str, serial: str) -> bytes:
    return magic + canonical({"purpose": "callwright vault", "recording": recording, "kind": kind, "serial": serial})


def _write(path: Path, body: bytes) -> None:
    """Write a file that is there whole or not at all, for its owner alone. Raises FatalError if it cannot be."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise FatalError(
            f"the vault cannot write {path}: {error.strerror}", "Check vault.folder and its disk"
        ) from error


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
