"""What a flow that a worker runs finds where it runs: the machine's settings, its data folder, and its own name.

Flows take no settings as parameters: Prefect keeps parameters, and a machine with a GPU has others than one without.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from configs.load import as_environment, load
from configs.settings import Settings

DATA_DIR = "CALLWRIGHT_DATA_DIR"


def settings_here() -> Settings:
    """The settings that a command would have here. Raises ConfigError as configs.load.load does."""
    return load(None, (), os.environ, None)


def data_dir_here() -> Path:
    """The data folder that a command would have here."""
    return Path(os.environ.get(DATA_DIR, "var"))


def environment(settings: Settings, data_dir: Path) -> dict[str, str]:
    """What makes another process on this machine find these settings and this data folder, wherever it works."""
    return {**as_environment(settings), DATA_DIR: str(data_dir.absolute())}


def named(flow: str) -> Callable[[], str]:
    """What names a flow's runs so that a person can read it: flow, when the run began, in UTC, and machine."""
    return lambda: f"{flow} {datetime.now(UTC):%Y-%m-%d %H:%M} on {socket.gethostname()}"
