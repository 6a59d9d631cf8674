"""A run over the sources of this machine, for a deployment: what failed below them is tried again."""

from __future__ import annotations

from pathlib import Path

from flows.meter import Bar
from flows.run import run
from flows.site import data_dir_here, settings_here


def run_here() -> str:
    """Do what `callwright run` would over the folders among service.sources; a line says what came of it.

    Raises RuntimeError if some could not be done, and what flows.run.run raises.
    """
    settings = settings_here()
    folders = [Path(source) for source in settings.service.sources if "://" not in source]
    result = run(folders, settings, data_dir_here(), Bar(quiet=True), again=False)
    told = f"{result.processed} processed, {len(result.failures) + len(result.unreadable)} failed"
    if not result.complete:
        raise RuntimeError(f"{told}; `callwright status` says why")
    return told
