"""Objects in S3 or in whatever speaks its protocol."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from asr.errors import ConfigError, FatalError, RetryableError
from storage.busy import code_of, is_busy

_PRECONDITION_FAILED, _CONFLICT = 412, 409
"""What S3 says if an object is there, and if another writes it at the same moment."""

_CHUNK_BYTES = 1 << 20

_NOT_THERE = (404, 405)
"""What S3 says of a key or version that is not there, and of a delete marker."""


def read_object(uri: str, path: Path) -> None:
    """Write the object of an s3://bucket/key URI to a path.

    Endpoint, region and credentials are those that boto3 finds: AWS_ENDPOINT_URL, AWS_REGION, AWS_PROFILE and the
    like. Raises ConfigError if boto3 is not installed, RetryableError if the server is away or busy, FatalError
    if it refuses.
    """
    bucket, key = _split(uri)
    with _mapped_errors(uri, "read"):
        _client(uri).download_file(bucket, key, str(path))


def get_object(uri: str) -> bytes | None:
    """Return what an object holds, None if there is none. Raises what read_object raises."""
    bucket, key = _split(uri)
    with _mapped_errors(uri, "read"):
        from botocore.exceptions import ClientError

        try:
            return bytes(_client(uri).get_object(Bucket=bucket, Key=key)["Body"].read())
        except ClientError as error:
            if _is_not_there(error):
                return None
            raise


@dataclass(frozen=True, slots=True)
class Protection:
    """How S3 keeps what is written: encrypted by which key, and locked in which mode for how many days; empty is as
    the bucket does it."""

    encryption: str = ""
    kms_key: str = ""
    lock: str = ""
    lock_days: int = 0

    def headers(self, now: datetime) -> dict[str, Any]:
        """The parameters of PutObject that say so."""
        named: dict[str, Any] = {}
        if self.encryption == "sse-s3":
            named["ServerSideEncryption"] = "AES256"
        elif self.encryption == "sse-kms":
            named |= {"ServerSideEncryption": "aws:kms", "BucketKeyEnabled": True}
            named |= {"SSEKMSKeyId": self.kms_key} if self.kms_key else {}
        if self.lock:
            named["ObjectLockMode"] = self.lock.upper()
            named["ObjectLockRetainUntilDate"] = now + timedelta(days=self.lock_days)
        return named


def put_new_object(uri: str, body: bytes, protection: Protection) -> None:
    """Write an object that is not there yet; FatalError if one is. Raises what read_object raises."""
    if not _put(uri, body, hashlib.sha256(body).hexdigest(), protection, "application/json"):
        raise FatalError(f"{uri} is there already", "It is written once: name another place, or look who wrote it")


def put_if_new(uri: str, body: bytes | BinaryIO, sha256: str, protection: Protection, media_type: str) -> None:
    """Write an object whose SHA-256 in hex is known; one that is there with that SHA-256 is as good.

    Raises FatalError if another is there, and what read_object raises.
    """
    if _put(uri, body, sha256, protection, media_type):
        return
    bucket, key = _split(uri)
    with _mapped_errors(uri, "read"):
        client = _client(uri)
        there = client.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED").get("ChecksumSHA256")
        if (there or _base64(_hash(client, bucket, key))) != _base64(sha256):
            raise FatalError(f"{uri} holds other bytes than its name says", "Delete it, and it is written anew")


def _put(uri: str, body: bytes | BinaryIO, sha256: str, protection: Protection, media_type: str) -> bool:
    """Write an object unless one is there; False if one is. S3 refuses bytes that do not have that SHA-256."""
    bucket, key = _split(uri)
    with _mapped_errors(uri, "written"):
        from botocore.exceptions import ClientError

        checked = {"ChecksumAlgorithm": "SHA256", "ChecksumSHA256": _base64(sha256), "ContentType": media_type}
        headers = protection.headers(datetime.now(UTC))
        try:
            _client(uri).put_object(Bucket=bucket, Key=key, Body=body, IfNoneMatch="*", **checked, **headers)
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            if status == _PRECONDITION_FAILED:
                return False
            if status == _CONFLICT:
                raise RetryableError(f"{uri} is being written by another", "It is tried again") from error
            raise
    return True


def _base64(sha256: str) -> str:
    return base64.b64encode(bytes.fromhex(sha256)).decode()


def set_transition(uri: str, after_days: int, storage_class: str) -> None:
    """Let objects below an s3://bucket/prefix move to a class of storage when they are so old; 0 days ends that.

    Other rules of the bucket stay. Raises what read_object raises.
    """
    bucket, prefix = _split(uri)
    named = f"callwright {prefix.rstrip('/')}".strip()
    with _mapped_errors(uri, "given a lifecycle"):
        from botocore.exceptions import ClientError

        client = _client(uri)
        try:
            rules = client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "NoSuchLifecycleConfiguration":
                raise
            rules = []
        others = [rule for rule in rules if rule.get("ID") != named]
        ours = {
            "ID": named,
            "Status": "Enabled",
            "Filter": {"Prefix": f"{prefix.rstrip('/')}/" if prefix else ""},
            "Transitions": [{"Days": after_days, "StorageClass": storage_class}],
        }
        wanted = [*others, ours] if after_days else others
        if wanted:
            client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": wanted})
        elif rules:
            client.delete_bucket_lifecycle(Bucket=bucket)


def list_objects(uri: str) -> list[str]:
    """Return the URIs of the objects below an s3://bucket/prefix, in order. Raises what read_object raises."""
    bucket, prefix = _split(uri)
    with _mapped_errors(uri, "listed"):
        pages = _client(uri).get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix.rstrip('/')}/")
        keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
    return [f"s3://{bucket}/{key}" for key in sorted(keys)]


def erase_versions(uri: str, sha256: str) -> tuple[int, int]:
    """Delete every version of an object that holds these bytes; return how many went, and how many others stay.

    Once no version is left, the delete markers go too; as long as another recording's version is there they stay, or
    it would come to light again. In a bucket without versions the object is its one version. Raises what read_object
    raises.
    """
    bucket, key = _split(uri)
    erased = kept = 0
    with _mapped_errors(uri, "deleted"):
        client = _client(uri)
        versions, markers = _versions(client, bucket, key)
        for version in versions:
            if _hash(client, bucket, key, version) == sha256:
                client.delete_object(Bucket=bucket, Key=key, VersionId=version)
                erased += 1
            else:
                kept += 1
        for marker in () if kept else markers:
            client.delete_object(Bucket=bucket, Key=key, VersionId=marker)
    return erased, kept


def erase_all_versions(uri: str) -> int:
    """Delete all versions of an object, and its delete markers; return how many went. Raises as read_object does."""
    bucket, key = _split(uri)
    with _mapped_errors(uri, "deleted"):
        client = _client(uri)
        versions, markers = _versions(client, bucket, key)
        for version in (*versions, *markers):
            client.delete_object(Bucket=bucket, Key=key, VersionId=version)
    return len(versions)


def copy_object(uri: str, target: str, sha256: str) -> bool:
    """Copy the newest version that holds these bytes to another URI; False if none does. Raises as read_object does."""
    bucket, key = _split(uri)
    target_bucket, target_key = _split(target)
    with _mapped_errors(uri, "moved"):
        client = _client(uri)
        for at, version in enumerate(_versions(client, bucket, key)[0]):
            # An object of a bucket without versions is the latest, and needs no name that not all servers know.
            named = {} if at == 0 and version == "null" else {"VersionId": version}
            etag = client.head_object(Bucket=bucket, Key=key, **named)["ETag"]
            if _hash(client, bucket, key, version) == sha256:
                source = {"Bucket": bucket, "Key": key, **named}
                # Another may have taken its place since.
                client.copy(source, target_bucket, target_key, ExtraArgs={"CopySourceIfMatch": etag})
                return True
    return False


@dataclass(frozen=True, slots=True)
class ObjectVersion:
    """One version of an object; its `version_id` is "null" in a bucket without versions."""

    uri: str
    version_id: str
    etag: str
    modified_at: datetime
    size_bytes: int
    is_latest: bool = True

    @property
    def version(self) -> str:
        """What is another one when the bytes may be."""
        return f"{self.version_id} {self.etag.strip(chr(34))} {self.modified_at:%Y%m%dT%H%M%SZ}"


def list_versions(uri: str) -> list[ObjectVersion]:
    """Return all versions of all objects whose names begin as the URI does, but for those that were deleted since.

    Raises what read_object raises.
    """
    bucket, prefix = _split(uri)
    found: list[ObjectVersion] = []
    deleted: set[str] = set()
    with _mapped_errors(uri, "listed"):
        for page in _client(uri).get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
            deleted |= {f"s3://{bucket}/{item['Key']}" for item in page.get("DeleteMarkers", ()) if item["IsLatest"]}
            found += [
                ObjectVersion(
                    f"s3://{bucket}/{item['Key']}",
                    item["VersionId"],
                    item["ETag"],
                    item["LastModified"].astimezone(UTC),
                    item["Size"],
                    item["IsLatest"],
                )
                for item in page.get("Versions", ())
            ]
    return [version for version in found if version.uri not in deleted]


def find_version(uri: str, version_id: str = "") -> ObjectVersion | None:
    """Return a version of an object, the latest if none is named; None if there is none. Raises as read_object does."""
    bucket, key = _split(uri)
    with _mapped_errors(uri, "read"):
        from botocore.exceptions import ClientError

        named = {"VersionId": version_id} if version_id else {}
        try:
            head = _client(uri).head_object(Bucket=bucket, Key=key, **named)
        except ClientError as error:
            if _is_not_there(error):
                return None
            raise
    there = head.get("VersionId", "null"), head["ETag"], head["LastModified"].astimezone(UTC)
    return ObjectVersion(uri, *there, head["ContentLength"])


def fetch_version(uri: str, version_id: str, path: Path, within_s: float) -> str | None:
    """Write a version of an object to a new path and return the SHA-256 of its bytes; None if it is not there.

    Raises RetryableError too if fewer bytes come than were told, or if they take longer; then no file is left.
    """
    bucket, key = _split(uri)
    deadline_s = time.monotonic() + within_s
    digest, size_bytes = hashlib.sha256(), 0
    with _mapped_errors(uri, "read"):
        from botocore.exceptions import ClientError

        named = {"VersionId": version_id} if version_id else {}
        try:
            answer = _client(uri).get_object(Bucket=bucket, Key=key, **named)
        except ClientError as error:
            if _is_not_there(error):
                return None
            raise
        partial = path.with_name(f"{path.name}.part")
        try:
            with partial.open("wb") as file:
                for chunk in answer["Body"].iter_chunks(_CHUNK_BYTES):
                    file.write(chunk)
                    digest.update(chunk)
                    size_bytes += len(chunk)
                    if time.monotonic() > deadline_s:
                        raise RetryableError(f"{uri} took longer than {within_s:g} s to come", "See ingest.fetch_s")
            if size_bytes != answer["ContentLength"]:
                raise RetryableError(f"{uri} came cut short", "It is tried again")
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    return digest.hexdigest()


def _is_not_there(error: Any) -> bool:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status in _NOT_THERE and error.response.get("Error", {}).get("Code") != "NoSuchBucket"


def tag_version(uri: str, version_id: str, tags: Mapping[str, str]) -> None:
    """Add tags to a version of an object, beside those that it has. Raises what read_object raises."""
    bucket, key = _split(uri)
    named = {} if version_id in {"", "null"} else {"VersionId": version_id}
    with _mapped_errors(uri, "tagged"):
        client = _client(uri)
        had = client.get_object_tagging(Bucket=bucket, Key=key, **named)["TagSet"]
        merged = {tag["Key"]: tag["Value"] for tag in had} | dict(tags)
        tag_set = [{"Key": name, "Value": value} for name, value in merged.items()]
        client.put_object_tagging(Bucket=bucket, Key=key, Tagging={"TagSet": tag_set}, **named)


def _versions(client: Any, bucket: str, key: str) -> tuple[list[str], list[str]]:
    """The version ids of an object, newest first, and those of its delete markers."""
    versions: list[str] = []
    markers: list[str] = []
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key):
        versions += [item["VersionId"] for item in page.get("Versions", ()) if item["Key"] == key]
        markers += [item["VersionId"] for item in page.get("DeleteMarkers", ()) if item["Key"] == key]
    return versions, markers


def _hash(client: Any, bucket: str, key: str, version: str = "") -> str:
    digest = hashlib.sha256()
    named = {"VersionId": version} if version else {}
    body = client.get_object(Bucket=bucket, Key=key, **named)["Body"]
    for chunk in body.iter_chunks(_CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def _split(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def _client(uri: str) -> Any:
    try:
        import boto3
    except ImportError as error:
        raise ConfigError(f"{uri} needs boto3, which is not installed", "pip install -e '.[s3]'") from error
    return boto3.client("s3")


@contextmanager
def _mapped_errors(uri: str, done: str) -> Iterator[None]:
    try:
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
    except ImportError as error:
        raise ConfigError(f"{uri} needs boto3, which is not installed", "pip install -e '.[s3]'") from error
    try:
        yield
    except ClientError as error:
        reason = f"{uri} cannot be {done}: S3 says {code_of(error)}"
        if is_busy(error):
            raise RetryableError(reason, "It is busy; try again later") from error
        raise FatalError(reason, "Check its name and your rights to it") from error
    except NoCredentialsError as error:
        raise ConfigError(f"{uri} cannot be {done}: no AWS credentials are set", "Set AWS_PROFILE or a key") from error
    except (BotoCoreError, Boto3Error) as error:
        raise RetryableError(
            f"{uri} cannot be {done}: {type(error).__name__}", "Check AWS_ENDPOINT_URL and the network, then try again"
        ) from error
