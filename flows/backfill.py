"""Bringing calls up to date as a flow, for a schedule of Prefect or by hand, after a change of model or settings."""

from __future__ import annotations

import os
import threading
from datetime import date
from pathlib import Path

from prefect import flow

from configs.load import load
from flows.meter import Bar
from flows.redo import Stage, redo
from storage.backlog import Wish


@flow(name="backfill", persist_result=False)
def backfill(
    since: date | None = None,
    until: date | None = None,
    queue: str | None = None,
    stage: Stage = Stage.TRANSCRIBE,
    data_dir: str = "var",
    profile: str | None = None,
) -> str:
    """Bring calls up to date by the settings that a command would have there.

    Returns a line that says how many were, and raises RuntimeError if some could not be, and what flows.redo.redo
    raises.
    """
    settings, stop = load(profile, [], os.environ, None), threading.Event()
    wish = Wish(since, until, queue)
    redone = redo(wish, Stage(stage), settings, Path(data_dir), stop, lambda: Bar(quiet=True))
    told = f"{redone.done} up to date now, {len(redone.left)} left as they are, {len(redone.failures)} failed"
    if not redone.complete:
        raise RuntimeError(f"{told}; `callwright backfill` says why")
    return told
