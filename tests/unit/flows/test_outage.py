"""What Prefect raises when its server is away, and what it does not."""

from __future__ import annotations

import httpx
import pytest

from asr.errors import FatalError, RetryableError
from flows.outage import prefect_reached

REQUEST = httpx.Request("POST", "http://127.0.0.1:1/api/flow_runs/")


def status(code: int) -> httpx.HTTPStatusError:
    return httpx.HTTPStatusError("refused", request=REQUEST, response=httpx.Response(code))


def at_the_beginning_of_a_run() -> RuntimeError:
    error = RuntimeError("Failed to reach API at http://127.0.0.1:1/api/")
    error.__cause__ = httpx.ConnectError("[Errno 111] Connection refused")
    return error


@pytest.mark.parametrize(
    "error",
    [httpx.ConnectError("refused"), httpx.ReadTimeout("silent"), status(503), at_the_beginning_of_a_run()],
    ids=lambda error: type(error).__name__,
)
def test_a_server_that_is_away_is_waited_for(error: Exception) -> None:
    with pytest.raises(RetryableError, match="Prefect's server cannot be reached"), prefect_reached():
        raise error


@pytest.mark.parametrize("error", [status(404), ValueError("ours"), RuntimeError("ours"), FatalError("a", "b")])
def test_what_else_goes_wrong_is_told_as_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as told, prefect_reached():
        raise error
    assert told.value is error
