"""Telling somebody of a run that failed, as a flow that an automation starts: the web hook stays out of Prefect."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

from prefect import flow

from flows.site import named, settings_here

_TIMEOUT_S = 30.0


@flow(
    name="failure-alert", flow_run_name=named("failure-alert"), persist_result=False, retries=3, retry_delay_seconds=20
)
def failure_alert(run: str, state: str) -> str:
    """Post a run's name and state to service.alert_url of this machine. Raises RuntimeError if it is not taken."""
    url = settings_here().service.alert_url
    if not url:
        return "service.alert_url is not set on this machine"
    tell(url, f"callwright: {run} is {state}. `callwright status` and Prefect's page of the run say more.")
    return "told"


def tell(url: str, text: str) -> None:
    """Post a sentence as JSON, {"text": ...}. Raises RuntimeError, which does not show the URL, if it is not taken."""
    body = json.dumps({"text": text}).encode()
    try:
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310
        urllib.request.urlopen(request, timeout=_TIMEOUT_S).close()  # noqa: S310
    except urllib.error.HTTPError as error:
        error.close()
        raise RuntimeError(f"service.alert_url did not take the alert: it answered {error.code}") from None
    except (OSError, ValueError) as error:
        raise RuntimeError(f"service.alert_url did not take the alert: {type(error).__name__}") from None
