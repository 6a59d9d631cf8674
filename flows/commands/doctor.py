"""`callwright doctor`: what is wrong with this machine and its settings, and what to do about it."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path

import click

from configs.settings import Settings
from flows import report
from flows.commands import options
from flows.doctor.examine import CHECKS, examine, is_sound
from flows.doctor.finding import Finding, Patient, Status

_COLOURS = {Status.OK: "green", Status.WARNING: "yellow", Status.FAILURE: "red", Status.SKIPPED: "bright_black"}
_WIDTH = max(len(check.name) for check in CHECKS)


@click.command(epilog="Example: callwright doctor --profile cpu-server --data-dir /var/lib/callwright")
@click.option("--quick", is_flag=True, help="Leave out what takes seconds: the speed of disk and engine.")
@options.settings
@options.data_dir
@options.as_json
def doctor(settings: Settings, data_dir: Path, *, quick: bool, as_json: bool) -> int:
    """Look at the machine, the environment, libraries, models, database, object store, servers and keys, and transcribe
    ten seconds of a sample.

    Each line is ok, a warning or a failure, which say what to do, or skipped. Nothing is changed: what is written to
    try something is deleted again. Exits with 1 if something has failed. docs/doctor.md has all checks.
    """
    began_s, findings = time.monotonic(), []
    for finding in examine(Patient(settings, data_dir), [check for check in CHECKS if not (quick and check.is_slow)]):
        findings.append(finding)
        if not as_json:
            _print(finding)
    if as_json:
        report.print_json({"sound": is_sound(findings), "findings": [asdict(finding) for finding in findings]})
    else:
        counted = {status: sum(finding.status is status for finding in findings) for status in Status}
        told = f"{counted[Status.FAILURE]} failed, {counted[Status.WARNING]} to look at, {counted[Status.OK]} ok"
        click.echo(f"\n{told}, in {time.monotonic() - began_s:.0f} s.")
    return 0 if is_sound(findings) else 1


def _print(finding: Finding) -> None:
    status = click.style(f"{finding.status:<7}", fg=_COLOURS[finding.status])
    click.echo(f"{status}  {finding.name:<{_WIDTH}}  {finding.found}")
    if finding.remedy:
        click.echo(f"{'':<{_WIDTH + 11}}-> {finding.remedy}")
