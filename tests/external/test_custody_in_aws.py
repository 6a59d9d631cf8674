"""Source files in a bucket with versions, anchors in a bucket, a master key in KMS: over HTTP, from moto."""

from __future__ import annotations

import hashlib
import os
import urllib.request
from pathlib import Path

import boto3
import pytest

from asr.errors import FatalError, RetryableError
from compliance.errors import VaultError
from compliance.master_key import LocalKey
from compliance.vault import Item, Vault
from storage.anchors import anchor_store
from storage.buckets import Protection
from storage.kms import KmsKey
from storage.places import erase_place, move_place

CALL = hashlib.sha256(b"call").hexdigest()
OTHER = hashlib.sha256(b"other").hexdigest()
URI = "s3://drop/in/call.wav"


@pytest.fixture(autouse=True)
def account(moto: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"ENDPOINT_URL": moto, "DEFAULT_REGION": "us-east-1", "ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b"}
    for name, value in settings.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    urllib.request.urlopen(urllib.request.Request(f"{moto}/moto-api/reset", method="POST"), timeout=10).close()  # noqa: S310
    client = boto3.client("s3")
    for bucket in ("drop", "cold", "evidence"):
        client.create_bucket(Bucket=bucket)


def put(body: bytes, key: str = "in/call.wav") -> None:
    boto3.client("s3").put_object(Bucket="drop", Key=key, Body=body)


def versioned() -> None:
    boto3.client("s3").put_bucket_versioning(Bucket="drop", VersioningConfiguration={"Status": "Enabled"})


def left(bucket: str = "drop") -> tuple[list[bytes], int]:
    """The bodies of all versions in a bucket, and how many delete markers there are."""
    client = boto3.client("s3")
    listed = client.list_object_versions(Bucket=bucket)
    bodies = [
        client.get_object(Bucket=bucket, Key=item["Key"], VersionId=item["VersionId"])["Body"].read()
        for item in listed.get("Versions", ())
    ]
    return sorted(bodies), len(listed.get("DeleteMarkers", ()))


def test_a_file_in_a_bucket_without_versions_goes() -> None:
    put(b"call")
    put(b"call", "in/call.wav.other")
    assert erase_place(URI, CALL).count == 1
    assert left() == ([b"call"], 0), "a longer name is another object"
    assert erase_place(URI, CALL).note == "was gone"


def test_all_versions_go_and_their_delete_markers() -> None:
    versioned()
    put(b"call")
    put(b"call")
    boto3.client("s3").delete_object(Bucket="drop", Key="in/call.wav")
    assert left() == ([b"call", b"call"], 1)
    outcome = erase_place(URI, CALL)
    assert (outcome.done, outcome.count, outcome.note) == (True, 2, "")
    assert left() == ([], 0)


def test_versions_of_another_recording_stay_and_none_comes_to_light_again() -> None:
    versioned()
    put(b"other")
    put(b"call")
    boto3.client("s3").delete_object(Bucket="drop", Key="in/call.wav")
    outcome = erase_place(URI, CALL)
    assert (outcome.count, outcome.note) == (1, "1 versions at its place hold other bytes and stay")
    assert left() == ([b"other"], 1)


def test_a_file_is_moved_to_another_bucket_with_nothing_left_behind() -> None:
    versioned()
    put(b"call")
    put(b"other")
    outcome, where = move_place(URI, CALL, "s3://cold/archive")
    assert (outcome.count, where) == (1, f"s3://cold/archive/{CALL}.wav")
    assert left() == ([b"other"], 0)
    assert left("cold") == ([b"call"], 0)
    assert move_place(URI, CALL, "s3://cold/archive")[1] is None
    assert not move_place(URI, CALL, "/a/folder")[0].done


def test_a_bucket_that_refuses_is_told_of() -> None:
    with pytest.raises(FatalError, match="NoSuchBucket"):
        erase_place("s3://nowhere/call.wav", CALL)


def test_anchors_in_a_bucket_are_written_once() -> None:
    store = anchor_store("s3://evidence/callwright/", Protection())
    assert store.numbers() == []
    where = store.write(1, b"one")
    store.write(2, b"two")
    assert where == "s3://evidence/callwright/anchor-000000000001.json"
    assert [store.read(number) for number in store.numbers()] == [b"one", b"two"]
    with pytest.raises(FatalError, match="there already"):
        store.write(1, b"three")
    assert store.read(1) == b"one"


@pytest.fixture
def kms() -> KmsKey:
    return KmsKey(boto3.client("kms").create_key()["KeyMetadata"]["KeyId"])


def test_a_vault_under_a_master_key_in_kms(kms: KmsKey, tmp_path: Path) -> None:
    vault = Vault(tmp_path, kms)
    vault.seal([Item(CALL, "transcript", b"marzipan"), Item(CALL, "audio", b"sound")])
    assert vault.open(CALL, "audio") == b"sound"
    with pytest.raises(FatalError, match="KMS says InvalidCiphertext"):
        kms.unwrap(kms.wrap(b"d" * 32, CALL), OTHER)
    other = KmsKey(boto3.client("kms").create_key()["KeyMetadata"]["KeyId"])
    with pytest.raises(VaultError, match="wrapped by the master key"):
        Vault(tmp_path, other).open(CALL, "transcript")
    local = LocalKey(os.urandom(32))
    assert vault.rewrap(other) == 1
    assert Vault(tmp_path, other).rewrap(local) == 1
    assert Vault(tmp_path, local).open(CALL, "transcript") == b"marzipan"


def test_a_key_that_kms_does_not_know_changes_nothing(tmp_path: Path) -> None:
    with pytest.raises(FatalError, match="KMS says NotFoundException"):
        Vault(tmp_path, KmsKey("12345678-1234-1234-1234-123456789012")).seal([Item(CALL, "transcript", b"x")])
    assert not (tmp_path / "keys").exists()


def test_kms_that_is_away_may_be_tried_again(kms: KmsKey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(RetryableError, match="KMS cannot be reached"):
        kms.wrap(b"d" * 32, CALL)
