"""All checks, asked one after another: none can stop another, or the command."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from asr.errors import PipelineError
from flows.desk import fault
from flows.doctor import database, disks, environment, keys, libraries, machine, models, servers, speed
from flows.doctor.finding import Check, Finding, Patient, Status, Verdict, failure
from flows.doctor.patience import within

CHECKS = (
    Check("instructions", machine.instructions),
    Check("cores", machine.cores),
    Check("load", machine.load),
    Check("NUMA", machine.numa),
    Check("memory", machine.memory),
    Check("GPU", machine.gpu),
    Check("threads", environment.thread_counts),
    Check("variables", environment.variables),
    Check("proxies", environment.proxies),
    Check("libraries", libraries.libraries),
    Check("engine", libraries.engine),
    Check("folders", disks.folders),
    Check("disk space", disks.disk_space),
    Check("disk speed", disks.disk_speed, limit_s=60.0, is_slow=True),
    Check("settings file", disks.settings_file),
    Check("master key", keys.master_key),
    Check("signing key", keys.signing_key),
    Check("models", models.models, limit_s=120.0),
    Check("database", database.database),
    Check("clock", database.clock),
    Check("object store", servers.object_store, limit_s=30.0),
    Check("Prefect", servers.prefect),
    Check("language model", servers.language_model),
    Check("speed", speed.speed, limit_s=180.0, is_slow=True),
)
"""In this order, from the machine to what it does."""


def examine(patient: Patient, checks: Sequence[Check] = CHECKS) -> Iterator[Finding]:
    """What each check finds, as it is found."""
    for check in checks:
        verdict = _verdict(check, patient)
        yield Finding(check.name, verdict.status, verdict.found, verdict.remedy)


def is_sound(findings: Sequence[Finding]) -> bool:
    """Whether nothing has failed."""
    return all(finding.status is not Status.FAILURE for finding in findings)


def _verdict(check: Check, patient: Patient) -> Verdict:
    try:
        return within(check.limit_s, lambda: check.ask(patient))
    except PipelineError as error:
        return failure(error.reason, error.remedy)
    except TimeoutError:
        return failure(
            f"no answer within {check.limit_s:g} s", "Something that this asks hangs: a disk, a network or a server"
        )
    except Exception as error:  # noqa: BLE001
        # Its message may hold a secret.
        return failure(f"the check itself failed: {fault(error)}", "Report it as a bug")
