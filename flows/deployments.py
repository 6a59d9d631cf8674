"""What Prefect's server is to know of the service, as code: written where it differs, and left alone where not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any, cast
from uuid import UUID

from prefect.automations import AutomationCore
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.objects import (
    ConcurrencyLimitConfig,
    ConcurrencyLimitStrategy,
)
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectNotFound
from prefect.types.entrypoint import EntrypointType

from asr.errors import ConfigError, FatalError
from configs.settings import Settings
from flows.automations import TAG, arrivals, failures, zombies
from flows.limits import limits
from flows.prefect_server import QUIET

_SECONDS = {"s": 1, "min": 60, "h": 3_600}
_FROM = datetime(2026, 1, 1, tzinfo=UTC)
"""What intervals are counted from: always the same, or each deployment would change them."""

_IN_A_PROCESS = "python -m flows.engine"
"""How a process worker starts a run: `callwright worker` puts its own Python first on the path."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """A flow that workers run: its function, when it runs by itself, and how many of its runs go on at once."""

    entrypoint: str
    schedule: str
    at_once: int
    tags: tuple[str, ...] = (TAG,)


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that the server knows, and what was done with it: "made", "changed", "removed" or "same"."""

    kind: str
    name: str
    done: str
    detail: str = ""


def deployed(settings: Settings) -> tuple[Deployed, ...]:
    """All flows that workers run. A new flow is a line here, and its schedule a key of ScheduleOptions."""
    schedules, watchers = settings.schedules, settings.service.watchers
    return (
        Deployed("flows.ingest_watch.ingest_watch", schedules.ingest_watch, watchers),
        Deployed("flows.process_calls.process_calls", schedules.process_calls, 1),
        Deployed("flows.retention_sweep.retention_sweep", schedules.retention_sweep, 1),
        Deployed("flows.backfill.backfill", schedules.backfill, 1),
        Deployed("flows.quality_report.quality_weekly", schedules.quality_weekly, 1),
        Deployed("flows.quality_report.quality_monthly", schedules.quality_monthly, 1),
        Deployed("flows.failure_alert.failure_alert", "", 10, tags=("callwright-alert",)),
    )


def deploy(settings: Settings) -> list[Change]:
    """Make the server know the pool, deployments, limits and automations of the settings; twice changes nothing.

    What somebody paused there stays so. Raises ConfigError for a schedule that is none, or a pool of another type, and
    FatalError if there is no server.
    """
    with get_client(sync_client=True) as client:
        if (error := client.api_healthcheck()) is not None:
            raise FatalError(
                f"Prefect's server does not answer: {type(error).__name__}",
                "Set PREFECT_API_URL to that of a server, or start one with `callwright up`",
            )
        changes = [_pool(client, settings)]
        ids: dict[str, UUID] = {}
        for one in deployed(settings):
            change, ids[one.entrypoint.rpartition(".")[2]] = _deployment(client, one, settings)
            changes.append(change)
        changes += [change for tag, most in limits(settings).items() for change in _limit(client, tag, most)]
        return changes + list(_automations(client, ids, settings))


def schedule_of(text: str, time_zone: str) -> CronSchedule | IntervalSchedule | None:
    """The schedule that a setting says, None for none. Raises ConfigError for fields of cron that are none.

    >>> schedule_of("every 5 min", "UTC").interval
    datetime.timedelta(seconds=300)
    """
    if not text:
        return None
    try:
        if every := re.fullmatch(r"every (\d+) ?(s|min|h)", text):
            interval = timedelta(seconds=int(every[1]) * _SECONDS[every[2]])
            return IntervalSchedule(interval=interval, anchor_date=_FROM, timezone=time_zone)
        return CronSchedule(cron=text, timezone=time_zone)
    except ValueError as error:
        raise ConfigError(
            f"the schedule '{text}' in {time_zone} is none", "Write five fields of cron, or `every 5 min`"
        ) from error


def _pool(client: SyncPrefectClient, settings: Settings) -> Change:
    name, kind = settings.service.pool, settings.service.pool_type
    template = _template(client, settings)
    try:
        there = client.read_work_pool(name)
    except ObjectNotFound:
        client.create_work_pool(WorkPoolCreate(name=name, type=kind, base_job_template=template))
        return Change("work pool", name, "made", kind)
    if there.type != kind:
        raise ConfigError(
            f"the work pool {name} is of type {there.type}, and service.pool_type is {kind}",
            "Name another pool in service.pool",
        )
    if there.base_job_template == template:
        return Change("work pool", name, "same", kind)
    client.update_work_pool(name, WorkPoolUpdate(base_job_template=template))
    return Change("work pool", name, "changed", kind)


def _template(client: SyncPrefectClient, settings: Settings) -> dict[str, Any]:
    """Prefect's own template of the pool's type; in Kubernetes with the secret that holds settings and credentials."""
    kind = settings.service.pool_type
    known = {name: worker for package in client.read_worker_metadata().values() for name, worker in package.items()}
    template: dict[str, Any] = known[kind]["default_base_job_configuration"]
    if kind == "kubernetes":
        pod = template["job_configuration"]["job_manifest"]["spec"]["template"]["spec"]
        pod["containers"][0]["envFrom"] = [{"secretRef": {"name": settings.service.secret}}]
    return template


def _job_variables(settings: Settings) -> dict[str, Any]:
    service = settings.service
    if service.pool_type == "process":
        return {"command": _IN_A_PROCESS}
    mounted = {"volumes": list(service.volumes)} if service.pool_type == "docker" else {}
    return {"image": service.image, "env": QUIET, **mounted}


def _deployment(client: SyncPrefectClient, one: Deployed, settings: Settings) -> tuple[Change, UUID]:
    module, _, function = one.entrypoint.rpartition(".")
    pool, flow = settings.service.pool, getattr(import_module(module), function)
    schedule = schedule_of(one.schedule, settings.schedules.time_zone)
    wanted: RunnerDeployment = flow.to_deployment(
        name=pool,
        description=(flow.description or "").partition("\n")[0],
        schedules=[schedule] if schedule else [],
        tags=list(one.tags),
        concurrency_limit=ConcurrencyLimitConfig(
            limit=one.at_once, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW
        ),
        work_pool_name=pool,
        job_variables=_job_variables(settings),
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    name = f"{flow.name}/{pool}"
    try:
        there = client.read_deployment_by_name(name)
    except ObjectNotFound:
        there = None
    if there is not None and _as_it_is(there) == _as_wanted(wanted):
        return Change("deployment", name, "same", one.schedule), there.id
    # Outside of an event loop it is no coroutine.
    made = cast("UUID", wanted.apply())
    return Change("deployment", name, "changed" if there else "made", one.schedule), made


def _as_wanted(wanted: RunnerDeployment) -> dict[str, Any]:
    return {
        "entrypoint": wanted.entrypoint,
        "description": wanted.description,
        "tags": sorted(wanted.tags),
        "pool": wanted.work_pool_name,
        "job_variables": wanted.job_variables,
        "at_once": wanted.concurrency_limit,
        "schedules": [_dump(one.schedule) for one in wanted.schedules or []],
        "parameters": wanted._parameter_openapi_schema.model_dump(exclude_unset=True),  # noqa: SLF001
    }


def _as_it_is(there: DeploymentResponse) -> dict[str, Any]:
    limit = there.global_concurrency_limit
    return {
        "entrypoint": there.entrypoint,
        "description": there.description,
        "tags": sorted(there.tags),
        "pool": there.work_pool_name,
        "job_variables": there.job_variables,
        "at_once": limit.limit if limit else None,
        "schedules": [_dump(one.schedule) for one in there.schedules],
        "parameters": there.parameter_openapi_schema,
    }


def _dump(schedule: Any) -> dict[str, Any]:
    dumped: dict[str, Any] = schedule.model_dump(mode="json")
    return dumped


def _limit(client: SyncPrefectClient, tag: str, most: int) -> Iterator[Change]:
    try:
        now: int | None = client.read_global_concurrency_limit_by_name(tag).limit
    except ObjectNotFound:
        now = None
    if most:
        client.upsert_global_concurrency_limit_by_name(tag, most)
        yield Change("limit", tag, "made" if now is None else "same" if now == most else "changed", str(most))
    elif now is not None:
        client.delete_global_concurrency_limit_by_name(tag)
        yield Change("limit", tag, "removed")


def _automations(client: SyncPrefectClient, ids: Mapping[str, UUID], settings: Settings) -> Iterator[Change]:
    pool = settings.service.pool
    is_told = bool(settings.service.alert_url)
    wanted: Sequence[tuple[AutomationCore, bool]] = (
        (zombies(pool), True),
        (arrivals(pool, ids["ingest_watch"]), True),
        (failures(pool, ids["failure_alert"]), is_told),
    )
    for automation, is_wanted in wanted:
        found = client.read_automations_by_name(automation.name)
        there, twice = (found[0], found[1:]) if is_wanted and found else (None, found)
        for one in twice:
            client.delete_automation(one.id)
        if not is_wanted:
            yield from [Change("automation", automation.name, "removed")] if found else []
        elif there is None:
            client.create_automation(automation)
            yield Change("automation", automation.name, "made")
        elif _shape(there) == _shape(automation):
            yield Change("automation", automation.name, "same")
        else:
            client.update_automation(there.id, automation)
            yield Change("automation", automation.name, "changed")


def _shape(automation: AutomationCore) -> Any:
    return _in_order(automation.model_dump(mode="json", include={"description", "trigger", "actions"}))


def _in_order(value: Any) -> Any:
    """Texts in a list stand for a set, whose order means nothing."""
    if isinstance(value, dict):
        return {name: _in_order(held) for name, held in value.items()}
    if isinstance(value, list):
        return sorted(value) if all(isinstance(one, str) for one in value) else [_in_order(one) for one in value]
    return value
