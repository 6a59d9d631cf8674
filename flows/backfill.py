"""Bringing calls up to date as a flow, for a schedule of Prefect or by hand, after a change of model or settings."""

from __future__ import annotations

import threading
from datetime import date

from prefect import flow

from flows.meter import Bar
from flows.redo import Stage, redo
from flows.site import data_dir_here, named, settings_here
from storage.backlog import Wish


@flow(name="backfill", flow_run_name=named("backfill"), persist_result=False)
def backfill(
    since: date | None = None, until: date | None = None, queue: str | None = None, stage: Stage = Stage.TRANSCRIBE
) -> str:
    """Bring calls up to date by the settings of this machine.

    Returns a line that says how many were, and raises RuntimeError if some could not be, and what flows.redo.redo
    raises.
    """
    wish, stop = Wish(since, until, queue), threading.Event()
    redone = redo(wish, Stage(stage), settings_here(), data_dir_here(), stop, lambda: Bar(quiet=True))
    told = f"{redone.done} up to date now, {len(redone.left)} left as they are, {len(redone.failures)} failed"
    if not redone.complete:
        raise RuntimeError(f"{told}; `callwright backfill` says why")
    return told
