"""What keeping, erasing and proving work with: built from settings, once for a command or a run."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import configs
from asr.errors import ConfigError
from compliance import vault as vaults
from compliance.master_key import LocalKey
from compliance.retention import Policy, held_by, parse
from compliance.signing import Signer
from compliance.types import CallFacts, Hold, MasterKey
from compliance.vault import Vault
from configs.settings import Settings, known_keys, plain
from flows.wiring import actor, protection
from storage.anchors import AnchorStore, anchor_store
from storage.kms import KmsKey
from storage.ledger import Ledger
from storage.objects import ObjectStore
from storage.session import Database


@dataclass(frozen=True, slots=True)
class Custody:
    """Everything that may be kept, erased or proved, and by which rules."""

    ledger: Ledger
    database: Database
    objects: ObjectStore
    anchors: AnchorStore
    signer: Signer
    vault_folder: Path
    settings: Settings

    def hold_on(self, call: CallFacts) -> Hold | None:
        """The hold in force that covers a call now, or None."""
        return self.held(call, self.ledger.holds())

    def held(self, call: CallFacts, holds: Sequence[Hold]) -> Hold | None:
        """The first of these holds that covers a call now, or None."""
        return held_by(call, holds, self.ledger.now())

    def in_vault(self, sha256: str) -> bool:
        """Whether the vault holds anything of a recording."""
        return vaults.key_path(self.vault_folder, sha256).exists() or bool(vaults.sealed_of(self.vault_folder, sha256))

    def vault(self) -> Vault:
        """The vault, with its master key. Raises ConfigError if no master key is set or if it is none."""
        return Vault(self.vault_folder, master_key(self.settings.vault.master_key, "vault.master_key"))


def open_custody(database: Database, objects: ObjectStore, settings: Settings, data_dir: Path) -> Custody:
    """Build it from settings. Makes the signing key if none is named and there is none yet.

    Raises ConfigError for a key that cannot be read, or for a vault that is to keep something and has no master key.
    """
    folder = Path(settings.vault.folder or data_dir / "vault")
    anchors = anchor_store(settings.audit.anchors or str(data_dir / "anchors"), protection(settings))
    ledger = Ledger(database, actor=actor())
    custody = Custody(ledger, database, objects, anchors, _signer(settings, data_dir), folder, settings)
    if settings.vault.keep:
        custody.vault()
    return custody


def retention_policy(settings: Settings) -> Policy:
    """The rules of retention. Raises RetentionError for those that cannot be read."""
    path = _rules(settings)
    return parse(_text(path), str(path))


def note_configuration(custody: Custody) -> None:
    """Write in the audit trail that the configuration is another one, if it is; no value of a setting is written."""
    secret = {key.path for key in known_keys().values() if key.secret}
    values = {path: value for path, value in plain(custody.settings).items() if path not in secret}
    custody.ledger.configured(
        {
            "settings": _hash(json.dumps(values, sort_keys=True)),
            "retention": _hash(_text(_rules(custody.settings))),
            "policy": custody.settings.redact.policy,
            "vault.keep": ", ".join(custody.settings.vault.keep),
        }
    )


def master_key(place: str, named: str) -> MasterKey:
    """The master key at file:PATH, env:VARIABLE or kms:KEY. Raises ConfigError for what is none of these."""
    kind, _, name = place.partition(":")
    if name and kind == "file":
        return LocalKey.from_file(Path(name))
    if name and kind == "env":
        return LocalKey.from_environ(name, os.environ)
    if name and kind == "kms":
        return KmsKey(name)
    raise ConfigError(f"{named} names no master key", "Set it to file:PATH, env:VARIABLE or kms:KEY")


def _signer(settings: Settings, data_dir: Path) -> Signer:
    if settings.audit.signing_key:
        return Signer.load(Path(settings.audit.signing_key))
    path = data_dir / "keys" / "signing.pem"
    if not path.exists():
        try:
            Signer.new().save(path)
        except ConfigError:
            if not path.exists():  # else another process was quicker
                raise
    return Signer.load(path)


def _rules(settings: Settings) -> Path:
    return (
        Path(settings.retention.file) if settings.retention.file else Path(configs.__file__).parent / "retention.toml"
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the rules of retention in {path} cannot be read", "Set retention.file") from error


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
