"""A master key that never leaves AWS KMS."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from asr.errors import ConfigError, FatalError, RetryableError

_SERVER_AT_FAULT = 500
_BUSY = {"ThrottlingException", "KMSInternalException", "DependencyTimeoutException"}


class KmsKey:
    """A MasterKey in AWS KMS, by its id, ARN or alias; data keys are bound to their recording by encryption context.

    Endpoint, region and credentials are those that boto3 finds. Every method raises ConfigError if boto3 or
    credentials are missing, RetryableError if KMS is away or busy, FatalError if it refuses.
    """

    def __init__(self, key_id: str) -> None:
        self._key_id = key_id

    @property
    def id(self) -> str:
        """The key's id as it was named."""
        return f"kms:{self._key_id}"

    def wrap(self, data_key: bytes, recording: str) -> bytes:
        """Let KMS encrypt a data key."""
        with _mapped_errors(self._key_id):
            answer = _client().encrypt(KeyId=self._key_id, Plaintext=data_key, EncryptionContext=_context(recording))
        return bytes(answer["CiphertextBlob"])

    def unwrap(self, wrapped: bytes, recording: str) -> bytes:
        """Let KMS decrypt a data key; FatalError if another key or recording is meant."""
        with _mapped_errors(self._key_id):
            answer = _client().decrypt(
                KeyId=self._key_id, CiphertextBlob=wrapped, EncryptionContext=_context(recording)
            )
        return bytes(answer["Plaintext"])


def _client() -> Any:
    try:
        import boto3
    except ImportError as error:
        raise ConfigError(
            "a master key in KMS needs boto3, which is not installed", "pip install -e '.[s3]'"
        ) from error
    return boto3.client("kms")


def _context(recording: str) -> dict[str, str]:
    return {"purpose": "callwright data key", "recording": recording}


@contextmanager
def _mapped_errors(key_id: str) -> Iterator[None]:
    try:
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
    except ImportError as error:
        raise ConfigError(
            "a master key in KMS needs boto3, which is not installed", "pip install -e '.[s3]'"
        ) from error
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", "unknown"))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        disposition = RetryableError if code in _BUSY or status >= _SERVER_AT_FAULT else FatalError
        raise disposition(
            f"the master key {key_id} does not open this: KMS says {code}",
            "Check vault.master_key and your rights to it; nothing was changed",
        ) from error
    except NoCredentialsError as error:
        raise ConfigError("KMS cannot be asked: no AWS credentials are set", "Set AWS_PROFILE or a key") from error
    except BotoCoreError as error:
        raise RetryableError(
            f"KMS cannot be reached: {type(error).__name__}", "Check the network, try again"
        ) from error
