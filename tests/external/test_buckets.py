"""Models out of S3, over HTTP, from moto's server process."""

from __future__ import annotations

import hashlib
from pathlib import Path

import boto3
import pytest

from asr.errors import FatalError, RetryableError
from asr.fetch import Access, fetch
from asr.models import Registry
from storage.buckets import read_object

WEIGHTS = bytes(range(256)) * 1_000


@pytest.fixture(autouse=True)
def account(moto: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"ENDPOINT_URL": moto, "DEFAULT_REGION": "us-east-1", "ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b"}
    for name, value in settings.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    client = boto3.client("s3")
    client.create_bucket(Bucket="models")
    client.put_object(Bucket="models", Key="tiny/model.bin", Body=WEIGHTS)


def test_a_model_is_fetched_from_a_bucket_and_checked(tmp_path: Path) -> None:
    declared = tmp_path / "models.toml"
    digest = hashlib.sha256(WEIGHTS).hexdigest()
    declared.write_text(
        '["own-model"]\nkind = "asr"\ndescription = "ours"\nlicence = "MIT"\n'
        'source = { kind = "s3", uri = "s3://models/tiny" }\n'
        f'files = [{{ name = "model.bin", sha256 = "{digest}", size_bytes = {len(WEIGHTS)} }}]\n'
    )
    model = Registry.load(declared).get("own-model")
    local = fetch(model, tmp_path / "cache", Access(read_object=read_object))
    assert (local.folder / "model.bin").read_bytes() == WEIGHTS


def test_an_object_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FatalError, match=r"s3://models/none cannot be read: S3 says 404"):
        read_object("s3://models/none", tmp_path / "none")


def test_a_server_that_is_away_may_be_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(RetryableError, match=r"s3://models/tiny/model\.bin cannot be read"):
        read_object("s3://models/tiny/model.bin", tmp_path / "model.bin")
