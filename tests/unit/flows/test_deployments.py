"""What Prefect's server is told of the service, on a real one: once, twice, changed, and taken back."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asr.errors import ConfigError
from configs.load import load as load_settings
from configs.settings import Settings

NO_FILE = Path("/dev/null")


def settings(*overrides: str) -> Settings:
    return load_settings(None, overrides, {}, NO_FILE)


@pytest.fixture
def told(prefect_home: Path) -> Callable[..., dict[str, str]]:
    """What was done with each thing, by its name, on the server of the session."""
    from flows.deployments import deploy

    return lambda *overrides: {change.name: change.done for change in deploy(settings(*overrides))}


@pytest.fixture
def client(prefect_home: Path) -> Any:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as found:
        yield found


def until(condition: Callable[[], Any], within_s: float = 120.0) -> Any:
    deadline_s = time.monotonic() + within_s
    while not (found := condition()):
        assert time.monotonic() < deadline_s
        time.sleep(0.2)
    return found


def test_what_is_deployed_twice_is_the_same_and_what_changed_is_changed(
    told: Callable[..., dict[str, str]], client: Any
) -> None:
    first = told("service.pool=a", "service.cpu_asr=2", "service.alert_url=http://127.0.0.1:9/secret")
    assert set(first.values()) == {"made"}
    assert {"ingest-watch/a", "process-calls/a", "retention-sweep/a", "failure-alert/a"} <= set(first)
    assert {"a", "cpu-asr", "a: zombie runs", "a: recordings arrived", "a: failure alert"} <= set(first)
    before = client.read_deployment_by_name("ingest-watch/a")
    assert before.schedules[0].schedule.cron == "*/5 * * * *"
    again = told("service.pool=a", "service.cpu_asr=2", "service.alert_url=http://127.0.0.1:9/secret")
    assert {name: done for name, done in again.items() if done != "same"} == {}
    assert client.read_deployment_by_name("ingest-watch/a").updated == before.updated
    changed = told("service.pool=a", "service.cpu_asr=3", "schedules.ingest_watch=every 5 min")
    assert {name: done for name, done in changed.items() if done != "same"} == {
        "ingest-watch/a": "changed",
        "cpu-asr": "changed",
        "a: failure alert": "removed",
    }
    (schedule,) = client.read_deployment_by_name("ingest-watch/a").schedules
    assert schedule.schedule.interval.total_seconds() == 300
    assert client.read_global_concurrency_limit_by_name("cpu-asr").limit == 3
    assert told("service.pool=a", "schedules.ingest_watch=every 5 min")["cpu-asr"] == "removed"
    assert "secret" not in str(client.read_automations())


def test_what_somebody_paused_stays_paused(told: Callable[..., dict[str, str]], client: Any) -> None:
    told("service.pool=b")
    there = client.read_deployment_by_name("ingest-watch/b")
    client.pause_deployment(there.id)
    assert told("service.pool=b")["ingest-watch/b"] == "same"
    assert client.read_deployment_by_name("ingest-watch/b").paused


def test_containers_get_their_image_their_settings_and_no_credentials(
    told: Callable[..., dict[str, str]], client: Any
) -> None:
    database = "storage.database_url=postgresql://u:s3cret@h/d"
    docker = ("service.pool=c", "service.pool_type=docker", "service.image=registry/callwright:1", database)
    assert told(*docker, 'service.volumes=["/etc/callwright:/etc/callwright"]')["c"] == "made"
    variables = client.read_deployment_by_name("ingest-watch/c").job_variables
    assert variables["image"] == "registry/callwright:1"
    assert variables["volumes"] == ["/etc/callwright:/etc/callwright"]
    assert variables["env"]["PREFECT_LOGGING_TO_API_ENABLED"] == "false"
    assert "s3cret" not in str(variables)
    cluster = ("service.pool=d", "service.pool_type=kubernetes", "service.image=registry/callwright:1", database)
    assert told(*cluster)["d"] == "made"
    template = client.read_work_pool("d").base_job_template
    (container,) = template["job_configuration"]["job_manifest"]["spec"]["template"]["spec"]["containers"]
    assert container["envFrom"] == [{"secretRef": {"name": "callwright"}}]
    assert set(told(*cluster).values()) == {"same"}
    with pytest.raises(ConfigError, match="the work pool d is of type kubernetes"):
        told("service.pool=d")
    with pytest.raises(ConfigError, match="image names none"):
        settings("service.pool_type=docker")


def test_an_event_starts_ingest_watch_and_a_failure_starts_the_alert(
    told: Callable[..., dict[str, str]], client: Any
) -> None:
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterDeploymentId
    from prefect.states import Failed

    told("service.pool=e", "service.alert_url=http://127.0.0.1:9/", "schedules.ingest_watch=")
    watch = client.read_deployment_by_name("ingest-watch/e").id
    alert = client.read_deployment_by_name("failure-alert/e").id

    def runs(deployment: Any) -> list[Any]:
        wanted = FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[deployment]))
        return list(client.read_flow_runs(flow_run_filter=wanted))

    time.sleep(2)  # the server reads its automations now and then
    event = {
        "id": "0192c5e5-0000-7000-8000-000000000001",
        "event": "callwright.arrived",
        "occurred": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "resource": {"prefect.resource.id": "callwright.pool.e"},
    }
    client.request("POST", "/events", json=[event])
    (run,) = until(lambda: runs(watch))
    assert run.parameters == {}
    client.set_flow_run_state(run.id, Failed(message="it went wrong"), force=True)
    (told_of,) = until(lambda: runs(alert))
    assert told_of.parameters == {"run": run.name, "state": "Failed"}


@pytest.mark.parametrize(("text", "seconds"), [("every 30 s", 30), ("every 5 min", 300), ("every 2h", 7_200)])
def test_intervals_are_counted_from_a_fixed_time(text: str, seconds: int, prefect_home: Path) -> None:
    from flows.deployments import schedule_of

    schedule = schedule_of(text, "Europe/Berlin")
    assert schedule is not None
    assert schedule.interval.total_seconds() == seconds
    assert schedule == schedule_of(text, "Europe/Berlin")


def test_what_is_no_schedule_is_refused(prefect_home: Path) -> None:
    from flows.deployments import schedule_of

    assert schedule_of("", "UTC") is None
    with pytest.raises(ConfigError, match=r"the schedule '61 \* \* \* \*' in UTC is none"):
        schedule_of("61 * * * *", "UTC")
    with pytest.raises(ConfigError, match="in Nowhere is none"):
        schedule_of("0 3 * * *", "Nowhere")
    with pytest.raises(ConfigError, match=r"schedules\.ingest_watch"):
        settings("schedules.ingest_watch=now and then")
