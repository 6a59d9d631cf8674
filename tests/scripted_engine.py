"""`python -m flows.engine`, by which a worker of Prefect's starts a run, with models that say what they are told to."""

from __future__ import annotations

import os
import runpy

from flows.children import die_with

EACH_S = 0.4
"""What the engine takes for a recording."""

if __name__ == "__main__":
    die_with(os.getppid())
    from flows.site import settings_here
    from tests.scripted_worker import load_these

    load_these(EACH_S, settings_here())
    runpy.run_module("prefect.engine", run_name="__main__", alter_sys=True)
