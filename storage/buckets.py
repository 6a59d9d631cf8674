"""Objects in S3 or in whatever speaks its protocol."""

from __future__ import annotations

from pathlib import Path

from asr.errors import ConfigError, FatalError, RetryableError

_SERVER_AT_FAULT = 500
"""HTTP status codes from here on say that the server could not, not that the request was wrong (RFC 9110)."""


def read_object(uri: str, path: Path) -> None:
    """Write the object of an s3://bucket/key URI to a path.

    Endpoint, region and credentials are those that boto3 finds: AWS_ENDPOINT_URL, AWS_REGION, AWS_PROFILE and the
    like. Raises ConfigError if boto3 is not installed, RetryableError if the server is away or busy, FatalError
    if it refuses.
    """
    try:
        import boto3
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
    except ImportError as error:
        raise ConfigError(f"{uri} needs boto3, which is not installed", "pip install -e '.[s3]'") from error
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    try:
        boto3.client("s3").download_file(bucket, key, str(path))
    except ClientError as error:
        refused = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) < _SERVER_AT_FAULT
        disposition = FatalError if refused else RetryableError
        code = error.response.get("Error", {}).get("Code", "unknown")
        raise disposition(f"{uri} cannot be read: S3 says {code}", "Check its name and your rights to it") from error
    except NoCredentialsError as error:
        raise ConfigError(f"{uri} cannot be read: no AWS credentials are set", "Set AWS_PROFILE or a key") from error
    except (BotoCoreError, Boto3Error) as error:
        raise RetryableError(
            f"{uri} cannot be read: {type(error).__name__}", "Check AWS_ENDPOINT_URL and the network, then try again"
        ) from error
