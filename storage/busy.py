"""What S3 and SQS say when they are only busy: some of it with a status that says that the request was wrong."""

from __future__ import annotations

from typing import Any

_SERVER_AT_FAULT = 500
"""HTTP status codes from here on say that the server could not, not that the request was wrong (RFC 9110)."""

_TOO_MANY = 429

_BUSY = {
    "KmsThrottled",
    "OverLimit",
    "RequestThrottled",
    "RequestTimeout",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
"""Errors that come with 400 or 403 too: of S3, SQS, and KMS behind them."""


def code_of(error: Any) -> str:
    """What a botocore ClientError says in a word."""
    return str(error.response.get("Error", {}).get("Code", "unknown")).rpartition(".")[2]


def is_busy(error: Any) -> bool:
    """Whether a botocore ClientError says that the same request may do later."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= _SERVER_AT_FAULT or status == _TOO_MANY or code_of(error) in _BUSY
