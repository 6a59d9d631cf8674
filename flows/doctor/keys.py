"""Keys: there, for their owner alone, and the right ones."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from compliance.signing import Signer
from compliance.vault import Vault
from flows import custody
from flows.doctor.finding import Patient, Verdict, failure, ok, skipped

_TRIED = 100
"""Keys in the vault that are unwrapped, spread over all of them: one that went wrong takes a rewrap with it."""


def master_key(patient: Patient) -> Verdict:
    """Whether the vault's master key is there, can be read by its owner alone, and opens what is in the vault."""
    options = patient.settings.vault
    if not options.master_key:
        if options.keep:
            return failure(
                f"vault.keep is {', '.join(options.keep)}, and vault.master_key names none",
                "Make one: `callwright keys new --kind vault --out FILE`, and set vault.master_key to file:FILE",
            )
        return skipped("nothing is kept unredacted")
    kind, _, name = options.master_key.partition(":")
    if kind == "file" and (open_to := _open_to_others(Path(name))):
        return open_to
    key = custody.master_key(options.master_key, "vault.master_key")
    probe, nobody = secrets.token_bytes(32), "0" * 64
    if key.unwrap(key.wrap(probe, nobody), nobody) != probe:
        return failure("the master key does not open what it closed", "Restore it from its backup")
    vault = Vault(Path(options.folder or patient.data_dir / "vault"), key)
    held = [recording for recording in vault.recordings() if vault.has_key(recording)]
    tried = held[:: max(1, len(held) // _TRIED)]
    for recording in tried:
        vault.check_key(recording)
    opened = f"opens the vault: {len(tried)} of {len(held)} keys were tried" if held else "the vault is empty"
    return ok(f"{kind}; {opened}")


def signing_key(patient: Patient) -> Verdict:
    """Whether the key of certificates and anchors can be read, by its owner alone."""
    named = patient.settings.audit.signing_key
    path = Path(named) if named else patient.data_dir / "keys" / "signing.pem"
    if not named and not path.exists():
        return skipped("there is none yet: it is made when it is first needed")
    if path.exists() and (open_to := _open_to_others(path)):
        return open_to
    return ok(f"{path}, {Signer.load(path).public.id}")


def _open_to_others(path: Path) -> Verdict | None:
    """What is wrong with the rights to a key's file, if anything is."""
    try:
        held = path.stat()
    except OSError:
        return None  # that it cannot be read is for whoever reads it to say
    if held.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return failure(
            f"{path} can be used by others than its owner ({stat.S_IMODE(held.st_mode):o})",
            f"chmod 600 {path}. If others use this machine, make a new key: `callwright keys new`, and for the vault "
            "`callwright vault rewrap`",
        )
    if held.st_uid != os.geteuid() and os.geteuid() != 0:
        return failure(f"{path} belongs to another user ({held.st_uid})", "chown it to the user that runs callwright")
    return None
