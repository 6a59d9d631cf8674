"""Looking after sources as a flow, for a schedule of Prefect: `python -m flows.ingest_watch SOURCE...` serves it.

A flow run does what is there and ends; `callwright watch` goes on, and so loads its models once.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from prefect import flow

from configs.load import load
from flows.inlets.opening import open_inlet
from flows.meter import Bar
from flows.watch import Cycle, watch, watching

EVERY_FIVE_MINUTES = "*/5 * * * *"


@flow(name="ingest-watch", persist_result=False)
def ingest_watch(sources: list[str], data_dir: str = "var", profile: str | None = None) -> str:
    """Do what is complete in the sources by the settings that a command would have there.

    Returns a line that says how much was settled. Raises RuntimeError if something was quarantined or could not be
    read, and what flows.watch.watch raises.
    """
    settings, stop = load(profile, [], os.environ, None), threading.Event()
    counts: dict[str, int] = {}

    def report(cycle: Cycle) -> None:
        for outcome, count in cycle.settled.items():
            counts[outcome] = counts.get(outcome, 0) + count

    inlets = [open_inlet(source, settings) for source in sources]
    with watching(inlets, settings, Path(data_dir), stop, lambda: Bar(quiet=True)) as watcher:
        well = watch(watcher, stop, report, once=True)
    told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items())) or "nothing new"
    if not well:
        raise RuntimeError(f"{told}; `callwright status` says why")
    return told


if __name__ == "__main__":
    ingest_watch.serve(
        name="every-five-minutes",
        cron=EVERY_FIVE_MINUTES,
        parameters={"sources": sys.argv[1:], "data_dir": os.environ.get("CALLWRIGHT_DATA_DIR", "var")},
    )
