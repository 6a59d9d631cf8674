from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from asr.errors import ConfigError, FatalError, SkippableError
from asr.types import Channel, Provenance, Recording
from compliance import vault as vaults
from compliance.errors import VaultError
from compliance.master_key import LocalKey, new_key_text
from compliance.types import RedactedTranscript, RedactedTurn, RedactedWord, Redaction
from compliance.vault import Item, Vault, audio_item, transcript_item

CALL, OTHER = (hashlib.sha256(name).hexdigest() for name in (b"call", b"other"))
SECRET = b"the secret is marzipan"


@pytest.fixture
def master() -> LocalKey:
    return LocalKey(os.urandom(32))


@pytest.fixture
def vault(tmp_path: Path, master: LocalKey) -> Vault:
    return Vault(tmp_path, master)


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def transcript(policy: str, entity: str | None = None) -> RedactedTranscript:
    text = f"[{entity}]" if entity else "marzipan"
    turn = RedactedTurn("customer", Channel.CUSTOMER, (RedactedWord(text, 0.0, 1.0, 0.9, entity),))
    removed = (Redaction(entity, Channel.CUSTOMER, 0, 0, 1, 0.0, 1.0),) if entity else ()
    made_by = Provenance("m", "0" * 64, "scripted", "int8", "f", "1")
    return RedactedTranscript("a.wav", 1.0, (Channel.CUSTOMER,), (turn,), (), removed, policy, made_by)


def test_what_is_sealed_opens_and_shows_nothing_of_itself(vault: Vault, tmp_path: Path) -> None:
    vault.seal([Item(CALL, "transcript", SECRET), Item(CALL, "audio", SECRET * 2)])
    assert vault.kinds(CALL) == ("audio", "transcript")
    assert (vault.open(CALL, "transcript"), vault.open(CALL, "audio")) == (SECRET, SECRET * 2)
    assert vault.recordings() == [CALL]
    assert not any(b"marzipan" in body for body in files(tmp_path).values())
    assert "marzipan" not in repr(Item(CALL, "transcript", SECRET))
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.rglob("*") if path.is_file())


def test_every_sealing_has_a_key_and_a_nonce_of_its_own(vault: Vault, tmp_path: Path) -> None:
    keys, nonces = set(), set()
    for _ in range(50):
        vault.seal([Item(CALL, "transcript", SECRET), Item(CALL, "audio", SECRET)])
        assert len(files(tmp_path)) == 3, "what was sealed before is gone"
        keys.add(vaults.key_path(tmp_path, CALL).read_bytes())
        nonces |= {path.read_bytes()[4:16] for path in vaults.sealed_of(tmp_path, CALL)}
    assert (len(keys), len(nonces)) == (50, 100)


def test_a_wrong_master_key_refuses_and_changes_nothing(vault: Vault, tmp_path: Path, master: LocalKey) -> None:
    vault.seal([Item(CALL, "transcript", SECRET)])
    before, wrong = files(tmp_path), LocalKey(os.urandom(32))
    for act in (
        lambda: Vault(tmp_path, wrong).open(CALL, "transcript"),
        lambda: Vault(tmp_path, wrong).rewrap(LocalKey(os.urandom(32))),
    ):
        with pytest.raises(VaultError, match=rf"{master.id}, and this is {wrong.id}.*nothing was changed"):
            act()
    assert files(tmp_path) == before
    assert vault.open(CALL, "transcript") == SECRET


def test_rewrapping_changes_keys_alone_and_goes_on_where_it_was_stopped(
    vault: Vault, tmp_path: Path, master: LocalKey
) -> None:
    calls = [hashlib.sha256(bytes([n])).hexdigest() for n in range(5)]
    for call in calls:
        vault.seal([Item(call, "transcript", call.encode())])
    sealed = {name: body for name, body in files(tmp_path).items() if name.startswith("sealed")}
    new = LocalKey(os.urandom(32))
    half = vaults.key_path(tmp_path, calls[0])
    old_key = half.read_bytes()
    assert vault.rewrap(new) == 5
    half.write_bytes(old_key)  # as if it had been killed before this one
    assert vault.rewrap(new) == 1
    assert {name: body for name, body in files(tmp_path).items() if name.startswith("sealed")} == sealed
    assert [Vault(tmp_path, new).open(call, "transcript") for call in calls] == [call.encode() for call in calls]
    with pytest.raises(VaultError):
        vault.open(calls[0], "transcript")


def test_one_key_of_a_third_master_stops_rewrapping_before_anything_is_written(vault: Vault, tmp_path: Path) -> None:
    vault.seal([Item(CALL, "transcript", SECRET)])
    Vault(tmp_path, LocalKey(os.urandom(32))).seal([Item(OTHER, "transcript", SECRET)])
    before = files(tmp_path)
    with pytest.raises(VaultError):
        vault.rewrap(LocalKey(os.urandom(32)))
    assert files(tmp_path) == before


def test_erasing_the_key_makes_every_copy_unreadable(vault: Vault, tmp_path: Path) -> None:
    vault.seal([Item(CALL, "transcript", SECRET)])
    vault.seal([Item(OTHER, "transcript", SECRET)])
    backup = {name: body for name, body in files(tmp_path).items() if name.startswith("sealed")}
    assert vaults.erase(tmp_path, CALL) == 2
    assert vaults.erase(tmp_path, CALL) == 0
    assert not any(CALL in name for name in files(tmp_path))
    for name, body in backup.items():
        (tmp_path / name).write_bytes(body)
    with pytest.raises(VaultError, match=r"its key was erased"):
        vault.open(CALL, "transcript")
    assert vault.open(OTHER, "transcript") == SECRET
    assert vaults.recordings_in(tmp_path) == sorted([CALL, OTHER]), "a copy that came back is still found"


def swapped(tmp_path: Path, vault: Vault) -> None:
    """The other call's sealed file in the place of this one's."""
    vault.seal([Item(OTHER, "transcript", b"another call")])
    [mine], [theirs] = (vaults.sealed_of(tmp_path, call) for call in (CALL, OTHER))
    mine.write_bytes(theirs.read_bytes())


def key_of_another(tmp_path: Path, vault: Vault) -> None:
    vault.seal([Item(OTHER, "transcript", b"another call")])
    mine, theirs = (vaults.key_path(tmp_path, call) for call in (CALL, OTHER))
    mine.write_bytes(theirs.read_bytes().replace(OTHER.encode(), CALL.encode()))


def bit(at: int, part: str):  # type: ignore[no-untyped-def]
    def flip(tmp_path: Path, vault: Vault) -> None:
        [path] = (tmp_path / part).glob(f"??/{CALL}*")
        body = bytearray(path.read_bytes())
        body[at] ^= 1
        path.write_bytes(body)

    return flip


@pytest.mark.parametrize(
    "change", [swapped, key_of_another, bit(0, "sealed"), bit(5, "sealed"), bit(-1, "sealed"), bit(3, "keys")]
)
def test_changed_files_do_not_open(change, vault: Vault, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    vault.seal([Item(CALL, "transcript", SECRET)])
    change(tmp_path, vault)
    with pytest.raises(VaultError):
        vault.open(CALL, "transcript")


def test_no_security_code_goes_in(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"sound")
    recording = Recording(hashlib.sha256(b"sound").hexdigest(), path, 5)
    for make in (transcript_item, audio_item):
        with pytest.raises(FatalError, match="leaves security codes in"):
            make(recording, transcript("pii"))
    with pytest.raises(SkippableError, match="holds a security code"):
        audio_item(recording, transcript("codes", "CREDIT_CARD_CVV"))
    assert b"marzipan" in transcript_item(recording, transcript("codes")).body
    assert audio_item(recording, transcript("codes")).body == b"sound"
    path.write_bytes(b"other")
    with pytest.raises(FatalError, match="changed on its disk"):
        audio_item(recording, transcript("codes"))


def test_master_keys_from_a_file_and_from_the_environment(tmp_path: Path) -> None:
    path, text = tmp_path / "key", new_key_text()
    path.write_bytes(text)
    one, same = LocalKey.from_file(path), LocalKey.from_environ("K", {"K": text.decode()})
    assert one.id == same.id
    assert same.unwrap(one.wrap(b"d" * 32, CALL), CALL) == b"d" * 32
    with pytest.raises(VaultError):
        same.unwrap(one.wrap(b"d" * 32, CALL), OTHER)


@pytest.mark.parametrize("text", ["", "too short", "bWFyemlwYW4=", "marzipan\n"])
def test_what_is_no_master_key_is_not_quoted(text: str, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(text)
    for read in (lambda: LocalKey.from_file(path), lambda: LocalKey.from_environ("K", {"K": text})):
        with pytest.raises(ConfigError) as caught:
            read()
        assert "marzipan" not in str(caught.value)
        assert "bWFy" not in str(caught.value)
