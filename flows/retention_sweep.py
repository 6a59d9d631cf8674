"""The sweep as a Prefect flow, to be scheduled: `python -m flows.retention_sweep` serves it every night.

The flow's parameters and result are numbers: no hash and no name of a call reaches Prefect.
"""

from __future__ import annotations

import os
from pathlib import Path

from prefect import flow

from configs.load import load
from flows.custody import note_configuration, open_custody
from flows.presence import alone_in
from flows.sweep import sweep
from flows.wiring import open_archive

NIGHTLY = "0 3 * * *"


@flow(name="retention-sweep", persist_result=False)
def retention_sweep(data_dir: str = "var", profile: str | None = None, *, dry_run: bool = False) -> str:
    """Sweep the data folder by the settings that a command would have there. Raises what flows.sweep.sweep raises.

    Returns a line that says how much went, and raises RuntimeError if something was to go and did not.
    """
    settings = load(profile, [], os.environ, None)
    folder = Path(data_dir)
    with alone_in(folder, settings.ingest.let_go_s):
        archive = open_archive(settings, folder)
        custody = open_custody(archive.database, archive.objects, settings, folder)
        note_configuration(custody)
        swept = sweep(custody, dry_run=dry_run)
    counts = {state: sum(line.state == state for line in swept.lines) for state in ("due", "erased", "held", "failed")}
    told = ", ".join(f"{count} {state}" for state, count in counts.items())
    if not swept.complete:
        raise RuntimeError(f"{told}; `callwright sweep` says why")
    return told


if __name__ == "__main__":
    retention_sweep.serve(
        name="nightly", cron=NIGHTLY, parameters={"data_dir": os.environ.get("CALLWRIGHT_DATA_DIR", "var")}
    )
