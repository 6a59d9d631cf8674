"""The sweep as a Prefect flow, for a schedule. Its result is numbers: no hash and no name of a call reaches Prefect."""

from __future__ import annotations

from prefect import flow

from flows.custody import note_configuration, open_custody
from flows.presence import alone_in
from flows.site import data_dir_here, named, settings_here
from flows.sweep import sweep
from flows.wiring import open_archive


@flow(name="retention-sweep", flow_run_name=named("retention-sweep"), persist_result=False)
def retention_sweep(*, dry_run: bool = False) -> str:
    """Sweep the data folder by the settings of this machine. Raises what flows.sweep.sweep raises.

    Returns a line that says how much went, and raises RuntimeError if something was to go and did not.
    """
    settings, folder = settings_here(), data_dir_here()
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
