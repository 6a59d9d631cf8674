"""What Prefect's server does by itself: ends runs whose process is gone, starts one on an event, tells of failures."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from prefect.automations import AutomationCore, EventTrigger, Posture
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState, RunDeployment

from flows.prefect_server import HEARTBEAT_S

_SILENT_S = 3 * HEARTBEAT_S

TAG = "callwright"
"""Of every deployment whose failures are told of."""

BATCH_TAG = "callwright-batch"
"""Of the runs within those, and of those that a command started."""

ARRIVED = "callwright.arrived"
"""The event that starts ingest-watch before its time."""

_ENDS = tuple(f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Crashed", "Cancelled"))
_OURS = {"prefect.resource.role": "tag", "prefect.resource.id": f"prefect.tag.{TAG}"}


def zombies(pool: str) -> AutomationCore:
    """Runs that were heard of, did not end, and are silent have crashed: what they had in hand is done by the next."""
    heartbeat = "prefect.flow-run.heartbeat"
    return AutomationCore(
        name=f"{pool}: zombie runs",
        description=f"A run that is silent for {_SILENT_S} s is marked as crashed.",
        trigger=EventTrigger(
            match={"prefect.resource.id": "prefect.flow-run.*"},
            match_related={**_OURS, "prefect.resource.id": [f"prefect.tag.{TAG}", f"prefect.tag.{BATCH_TAG}"]},
            for_each={"prefect.resource.id"},
            after={heartbeat},
            expect={heartbeat, *_ENDS},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=_SILENT_S),
        ),
        actions=[ChangeFlowRunState(state=StateType.CRASHED, message="Nothing was heard of its process.")],
    )


def arrivals(pool: str, ingest_watch: UUID) -> AutomationCore:
    """Whoever knows that recordings came in says so, and they are done at once."""
    return AutomationCore(
        name=f"{pool}: recordings arrived",
        description=f"The event {ARRIVED} starts ingest-watch.",
        trigger=EventTrigger(
            expect={ARRIVED}, match={"prefect.resource.id": f"callwright.pool.{pool}"}, posture=Posture.Reactive
        ),
        actions=[RunDeployment(deployment_id=ingest_watch, parameters={})],
    )


def failures(pool: str, failure_alert: UUID) -> AutomationCore:
    """A run that failed or crashed is told of by the flow failure-alert, whose own failures are not."""
    told = {"run": "{{ flow_run.name }}", "state": "{{ flow_run.state.name }}"}
    return AutomationCore(
        name=f"{pool}: failure alert",
        description="A run that failed or crashed is told of at service.alert_url.",
        trigger=EventTrigger(
            match={"prefect.resource.id": "prefect.flow-run.*"},
            match_related=_OURS,
            expect={"prefect.flow-run.Failed", "prefect.flow-run.Crashed"},
            posture=Posture.Reactive,
        ),
        actions=[
            RunDeployment(
                deployment_id=failure_alert,
                parameters={name: {"__prefect_kind": "jinja", "template": text} for name, text in told.items()},
            )
        ],
    )
