"""The command line as a user has it, in processes of its own, with real models."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMAND = (str(Path(sys.executable).with_name("callwright")),)

Callwright = Callable[..., "subprocess.CompletedProcess[str]"]


def environ() -> dict[str, str]:
    """This process's environment without what would change what a run does."""
    ours = ("CALLWRIGHT_", "PREFECT_", "COV_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {name: os.environ[name] for name in ("CALLWRIGHT_MODELS__CACHE_DIR",) if name in os.environ}


@pytest.fixture(scope="session")
def callwright() -> Callwright:
    """Run one command line from a folder that holds no settings, and return what it printed."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        line = [*COMMAND, *map(str, arguments)]
        return subprocess.run(line, capture_output=True, text=True, cwd=ROOT / "tests", env=environ(), check=False)

    return run
