"""Prefect's server may be away: what was done by then is kept, and the same work goes on once it is back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from asr.errors import PipelineError, RetryableError

_SERVER_AT_FAULT = 500
"""HTTP status codes from here on say that the server could not, not that the request was wrong (RFC 9110)."""


@contextmanager
def prefect_reached() -> Iterator[None]:
    """Raises RetryableError in place of what Prefect raises when its server cannot be reached, or is not well."""
    try:
        yield
    except PipelineError:
        raise
    except Exception as error:
        if not _is_away(error):
            raise
        raise RetryableError(
            "Prefect's server cannot be reached", "Check that it is up and that PREFECT_API_URL names it"
        ) from error


def _is_away(error: BaseException | None) -> bool:
    """Whether a request to the server is behind an error: Prefect raises a RuntimeError from it when a run begins."""
    while error is not None:
        if isinstance(error, httpx.HTTPStatusError):
            return error.response.status_code >= _SERVER_AT_FAULT
        if isinstance(error, httpx.TransportError):
            return True
        error = error.__cause__
    return False
