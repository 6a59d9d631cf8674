"""Objects in S3, over HTTP, from moto: whole or not at all, never over another, encrypted and locked as was asked."""

from __future__ import annotations

import base64
import hashlib
import os
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from asr.errors import ConfigError, FatalError
from compliance.types import Document
from configs.load import load
from flows.cli import call
from flows.wiring import open_objects
from storage.bucket_objects import BucketStore
from storage.buckets import Protection, put_new_object
from storage.objects import ObjectStore

DOCUMENT = Document("json", "application/json", b'{"turns": []}')
DIGEST = hashlib.sha256(DOCUMENT.body).hexdigest()
DAY = date(2026, 9, 24)
KEY = f"2026/09/24/{DIGEST}.json"


@pytest.fixture(autouse=True)
def bucket(moto: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    values = {"ENDPOINT_URL": moto, "DEFAULT_REGION": "us-east-1", "ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b"}
    for name, value in values.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    client = boto3.client("s3")
    client.create_bucket(Bucket="kept", ObjectLockEnabledForBucket=True)
    yield client
    for page in client.get_paginator("list_object_versions").paginate(Bucket="kept"):
        for one in [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]:
            client.delete_object(
                Bucket="kept", Key=one["Key"], VersionId=one["VersionId"], BypassGovernanceRetention=True
            )
    client.delete_bucket(Bucket="kept")


@pytest.fixture
def store(tmp_path: Path) -> BucketStore:
    return BucketStore("s3://kept/calls/", Protection(), tmp_path / "scratch")


def keys(client: Any) -> list[str]:
    return [item["Key"] for item in client.list_objects_v2(Bucket="kept").get("Contents", ())]


def test_it_is_an_object_store(store: BucketStore, bucket: Any, tmp_path: Path) -> None:
    seam: ObjectStore = store
    assert seam.put(DOCUMENT, DAY) == KEY
    assert seam.put(DOCUMENT, DAY) == KEY, "the same again changes nothing"
    assert (seam.get(KEY), seam.exists(KEY), keys(bucket)) == (DOCUMENT.body, True, [f"calls/{KEY}"])
    assert len(bucket.list_object_versions(Bucket="kept")["Versions"]) == 1
    seam.check(KEY)
    with seam.file(KEY) as path:
        assert path.read_bytes() == DOCUMENT.body
    assert not path.exists()
    with seam.scratch() as folder:
        (folder / "copy.wav").write_bytes(b"sound")
        key = seam.put_file(folder / "copy.wav", "wav", DAY)
    assert seam.get(key) == b"sound"
    assert list((tmp_path / "scratch").iterdir()) == []
    assert (seam.delete(KEY), seam.delete(KEY), seam.exists(KEY)) == (True, False, False)
    assert [v["Key"] for v in bucket.list_object_versions(Bucket="kept")["Versions"]] == [f"calls/{key}"]


def test_what_is_not_what_its_name_says_is_neither_handed_out_nor_written_over(store: BucketStore, bucket: Any) -> None:
    with pytest.raises(FatalError, match="process the recording again"):
        store.get(KEY)
    with pytest.raises(FatalError, match="process the recording again"):
        store.check(KEY)
    bucket.put_object(Bucket="kept", Key=f"calls/{KEY}", Body=b"other")
    for act in (store.get, store.check):
        with pytest.raises(FatalError, match="does not hold what its name says"):
            act(KEY)
    with pytest.raises(FatalError, match="holds other bytes"):
        store.put(DOCUMENT, DAY)
    with pytest.raises(FatalError, match="not an object's key"):
        store.get("../secret")
    assert bucket.get_object(Bucket="kept", Key=f"calls/{KEY}")["Body"].read() == b"other"


def test_objects_come_with_their_sha256(store: BucketStore, bucket: Any) -> None:
    key = store.put(DOCUMENT, DAY)
    head = bucket.head_object(Bucket="kept", Key=f"calls/{key}", ChecksumMode="ENABLED")
    assert head["ChecksumSHA256"] == base64.b64encode(bytes.fromhex(DIGEST)).decode()


def test_many_writers_of_one_object_leave_one(store: BucketStore, bucket: Any) -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(store.put(DOCUMENT, DAY))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [KEY] * 6
    assert len(bucket.list_object_versions(Bucket="kept")["Versions"]) == 1


def test_an_anchor_is_written_once(bucket: Any) -> None:
    put_new_object("s3://kept/anchor", b"1", Protection("sse-s3"))
    with pytest.raises(FatalError, match="there already"):
        put_new_object("s3://kept/anchor", b"1", Protection())
    assert bucket.head_object(Bucket="kept", Key="anchor")["ServerSideEncryption"] == "AES256"


def test_objects_are_encrypted_and_locked_as_the_settings_say(tmp_path: Path, bucket: Any) -> None:
    key_id = boto3.client("kms").create_key()["KeyMetadata"]["KeyId"]
    settings = load(
        None,
        [
            *("storage.objects_dir=s3://kept/calls", "storage.encryption=sse-kms", f"storage.kms_key={key_id}"),
            *("storage.lock=governance", "storage.lock_days=30"),
        ],
        {},
        Path(os.devnull),
    )
    store = open_objects(settings, tmp_path)
    key = store.put(DOCUMENT, DAY)
    head = bucket.head_object(Bucket="kept", Key=f"calls/{key}", ChecksumMode="ENABLED")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"], head["BucketKeyEnabled"]) == ("aws:kms", key_id, True)
    assert (head["ObjectLockMode"], head["ContentType"]) == ("GOVERNANCE", "application/json")
    assert abs(head["ObjectLockRetainUntilDate"] - datetime.now(UTC) - timedelta(days=30)) < timedelta(hours=1)
    with pytest.raises(FatalError, match="AccessDenied"):
        store.delete(key)
    assert store.get(key) == DOCUMENT.body


@pytest.mark.parametrize("wrong", ["storage.lock=governance", "storage.lock_days=3", "storage.kms_key=k"])
def test_settings_that_do_not_go_together_are_refused(wrong: str) -> None:
    with pytest.raises(ConfigError, match="do not go together"):
        load(None, [wrong], {}, Path(os.devnull))


def test_a_rule_of_the_lifecycle_is_written_beside_others(bucket: Any, tmp_path: Path) -> None:
    other = {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": "x/"}, "Expiration": {"Days": 9}}
    bucket.put_bucket_lifecycle_configuration(Bucket="kept", LifecycleConfiguration={"Rules": [other]})
    line = ["objects", "lifecycle", "--set", "storage.objects_dir=s3://kept/calls", "--data-dir", str(tmp_path)]
    for days in (90, 60, 0):
        assert call([*line, "--set", f"storage.cold_after_days={days}"]) == 0
        rules = bucket.get_bucket_lifecycle_configuration(Bucket="kept")["Rules"]
        moves = {rule["Filter"]["Prefix"]: rule["Transitions"][0]["Days"] for rule in rules if "Transitions" in rule}
        assert moves == ({"calls/": days} if days else {})
        assert "theirs" in {rule["ID"] for rule in rules}
    bucket.delete_bucket_lifecycle(Bucket="kept")
    assert call(line) == 0
    assert call([*line[:2], "--data-dir", str(tmp_path)]) == 2
