"""The database, and the clock: what is in the database tells whether this machine knows the time."""

from __future__ import annotations

import tempfile
import time
from contextlib import suppress
from pathlib import Path

from asr.errors import PipelineError
from flows.doctor.disks import can_write, database_file
from flows.doctor.finding import Patient, Verdict, failure, ok, skipped, warning
from flows.doctor.patience import within
from flows.wiring import database_url
from storage.health import DatabaseHealth, database_health
from storage.session import open_database

_SLOW_S = 0.1
"""A publication is some ten statements: at this it takes a second, beside seconds of hearing."""

_SKEW_S, _WRONG_S = 5.0, 60.0
"""Events that are told in a wrong order confuse who reads them; a minute is over the length of most leases, and S3
refuses what is 15 minutes off."""

_ASKED_S = 5.0


def database(patient: Patient) -> Verdict:
    """Whether the database answers, has the newest schema, and can be written."""
    if not _is_there(patient):
        return skipped("there is none yet: the first `callwright run` makes it")
    if (file := database_file(patient)) and not can_write(file.parent):
        return skipped(f"the folder of {file} cannot be written")
    health = _health(patient)
    took_ms = health.answer_s * 1e3, health.write_s * 1e3
    found = f"schema {health.schema or 'none'}, {took_ms[0]:.1f} ms a question, {took_ms[1]:.1f} a write"
    if health.schema and not health.is_known:
        return failure(
            f"schema {health.schema} is of a newer version; this one knows {health.newest_schema}",
            "Update callwright to at least the version that made the database",
        )
    if health.schema != health.newest_schema:
        return warning(
            f"{found}; the newest is {health.newest_schema}",
            "Back it up; `callwright status`, like any other command, then brings it up to date",
        )
    if max(health.answer_s, health.write_s) > _SLOW_S:
        return warning(found, "Keep SQLite on a local disk, and PostgreSQL near: every publication waits for it")
    return ok(found)


def clock(patient: Patient) -> Verdict:
    """Whether this machine's clock goes with the database's, the newest event in it, and that of the data's disk."""
    seen = {"the data folder's disk": _disk_ahead_s(patient.data_dir)}
    # What is wrong with a database that does not answer is said elsewhere.
    with suppress(PipelineError, TimeoutError):
        if _is_there(patient):
            health = within(_ASKED_S, lambda: _health(patient))
            if database_file(patient) is None:
                seen["the database's server"] = health.clock_ahead_s
            # An event may be as old as it likes, but not of a time to come.
            seen["the newest event in the audit trail"] = max(0.0, health.event_ahead_s)
    witness, ahead_s = max(seen.items(), key=lambda one: abs(one[1]))
    found = f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())} UTC, as {', '.join(seen)}"
    if abs(ahead_s) <= _SKEW_S:
        return ok(found)
    skewed = f"this clock is {abs(ahead_s):.0f} s {'behind' if ahead_s > 0 else 'ahead of'} {witness}"
    remedy = "Let chrony or systemd-timesyncd set the clock, here and there: `chronyc tracking`, `timedatectl`"
    return failure(skewed, remedy) if abs(ahead_s) > _WRONG_S else warning(skewed, remedy)


def _is_there(patient: Patient) -> bool:
    """Whether there is a database to be asked: a server's is taken to be there, a file is looked for."""
    file = database_file(patient)
    return file is None or file.exists()


def _health(patient: Patient) -> DatabaseHealth:
    opened = open_database(database_url(patient.settings, patient.data_dir))
    try:
        return database_health(opened)
    finally:
        opened.dispose()


def _disk_ahead_s(folder: Path) -> float:
    """How far the clock of whoever keeps the folder is ahead; 0 where nothing can be written."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as file:
            before_s = time.time()
            file.write(b"callwright doctor")
            file.flush()
            return Path(file.name).stat().st_mtime - (before_s + time.time()) / 2
    except OSError:
        return 0.0
