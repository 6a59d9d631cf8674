from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from storage.busy import code_of, is_busy


def said(code: str, status: int) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "GetObject")  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    ("code", "status", "busy"),
    [
        ("SlowDown", 503, True),
        ("RequestTimeout", 400, True),
        ("AWS.SimpleQueueService.OverLimit", 403, True),
        ("RequestThrottled", 403, True),
        ("429", 429, True),
        ("NoSuchBucket", 404, False),
        ("AccessDenied", 403, False),
    ],
)
def test_busy_is_told_from_refused(code: str, status: int, busy: bool) -> None:  # noqa: FBT001
    assert is_busy(said(code, status)) is busy


def test_a_code_is_its_last_word() -> None:
    assert code_of(said("AWS.SimpleQueueService.NonExistentQueue", 400)) == "NonExistentQueue"
    assert code_of(said("AccessDenied", 403)) == "AccessDenied"
