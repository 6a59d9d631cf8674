"""Prefect's server for one run: started beside it, and gone with it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from asr.errors import FatalError
from flows import children
from flows.presence import own_folder

_START_TIMEOUT_S = 120.0
HOME = "prefect"

HEARTBEAT_S = 30
"""How often a run tells that it is alive: the least that Prefect takes."""

_SERVER = (
    "--factory",
    "flows.prefect_app:create_app",
    "--log-level",
    "error",
)
"""How Prefect starts its own embedded server, with uvicorn."""

QUIET = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": f"{HEARTBEAT_S}",
}
"""No telemetry, no chatter, and no result of a task on a disk: results hold what callers said."""


@contextmanager
def prefect_server(data_dir: Path) -> Iterator[Callable[[], None]]:
    """Prefect with its home in the data folder; gives a function that waits until its server answers.

    The server starts while models load. Where PREFECT_API_URL names a server, that one is used and none is
    started. Prefect can start a server itself, but one that lives on when its run is killed.

    Raises FatalError, from the function, if the server does not come up.
    """
    os.environ |= {name: value for name, value in QUIET.items() if name not in os.environ}
    if os.environ.get("PREFECT_API_URL"):
        os.environ.setdefault("PREFECT_HOME", str((data_dir / HOME).absolute()))
        yield lambda: None
        return
    # Two servers on one SQLite would lock each other out.
    with own_folder(data_dir, HOME) as home:
        os.environ.setdefault("PREFECT_HOME", str(home.absolute()))
        with _started(home / "server.log") as wait_for_server:
            yield wait_for_server


@contextmanager
def _started(log_path: Path) -> Iterator[Callable[[], None]]:
    port = free_port()
    with log_path.open("w") as log:
        server = children.start(server_line(port), log)
    os.environ["PREFECT_API_URL"] = api_url(port)
    os.environ["no_proxy"] = no_proxy()
    try:
        yield lambda: _wait(server, port, log_path)
    finally:
        del os.environ["PREFECT_API_URL"]
        server.kill()
        server.wait()


def server_line(port: int, host: str = "127.0.0.1") -> list[str]:
    """The command that is Prefect's server, all its services with it: its schedules, automations, late runs."""
    return [sys.executable, "-m", "uvicorn", *_SERVER, "--host", host, "--port", str(port)]


def api_url(port: int) -> str:
    """Where a server on this machine is spoken to."""
    return f"http://127.0.0.1:{port}/api"


def no_proxy() -> str:
    """The hosts that need no proxy, this machine among them: a proxy would look for the server on its own."""
    named = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    return f"{named},127.0.0.1" if named else "127.0.0.1"


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    """Whether a server on this machine is there, and well."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health", timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


def _wait(server: subprocess.Popen[bytes], port: int, log_path: Path) -> None:
    deadline_s = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline_s and server.poll() is None:
        if answers(port):
            return
        time.sleep(0.2)
    raise FatalError("Prefect's server did not start", f"Its log is {log_path}")
