"""Looking after sources as a flow, for a schedule of Prefect.

A flow run does what is there and ends; `callwright watch` goes on, and so loads its models once.
"""

from __future__ import annotations

import threading

from prefect import flow

from flows.inlets.opening import open_inlet
from flows.meter import Bar
from flows.site import data_dir_here, named, settings_here
from flows.watch import Cycle, watch, watching


@flow(name="ingest-watch", flow_run_name=named("ingest-watch"), persist_result=False)
def ingest_watch() -> str:
    """Do what is complete in service.sources by the settings of this machine.

    Returns a line that says how much was settled. Raises RuntimeError if something was quarantined or could not be
    read, and what flows.watch.watch raises.
    """
    settings, stop = settings_here(), threading.Event()
    counts: dict[str, int] = {}

    def report(cycle: Cycle) -> None:
        for outcome, count in cycle.settled.items():
            counts[outcome] = counts.get(outcome, 0) + count

    inlets = [open_inlet(source, settings) for source in settings.service.sources]
    with watching(inlets, settings, data_dir_here(), stop, lambda: Bar(quiet=True)) as watcher:
        well = watch(watcher, stop, report, once=True)
    told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items())) or "nothing new"
    if not well:
        raise RuntimeError(f"{told}; `callwright status` says why")
    return told
