"""Prefect's server for one run: started beside it, and gone with it."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from asr.errors import FatalError
from flows.presence import own_folder

_START_TIMEOUT_S = 120.0
_PR_SET_PDEATHSIG = 1
_HOME = "prefect"

_SERVER = (
    "--factory",
    "prefect.server.api.server:create_app",
    "--host",
    "127.0.0.1",
    "--log-level",
    "error",
)
"""How Prefect starts its own embedded server, with uvicorn."""

_QUIET = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
}
"""No telemetry, no chatter, and no result of a task on a disk: results hold what callers said."""


@contextmanager
def prefect_server(data_dir: Path) -> Iterator[Callable[[], None]]:
    """Prefect with its home in the data folder; gives a function that waits until its server answers.

    The server starts while models load. Where PREFECT_API_URL names a server, that one is used and none is
    started. Prefect can start a server itself, but one that lives on when its run is killed.

    Raises FatalError, from the function, if the server does not come up.
    """
    os.environ |= {name: value for name, value in _QUIET.items() if name not in os.environ}
    if os.environ.get("PREFECT_API_URL"):
        os.environ.setdefault("PREFECT_HOME", str((data_dir / _HOME).absolute()))
        yield lambda: None
        return
    # Two servers on one SQLite would lock each other out.
    with own_folder(data_dir, _HOME) as home:
        os.environ.setdefault("PREFECT_HOME", str(home.absolute()))
        with _started(home / "server.log") as wait_for_server:
            yield wait_for_server


@contextmanager
def _started(log_path: Path) -> Iterator[Callable[[], None]]:
    port = _free_port()
    with log_path.open("w") as log:
        server = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "uvicorn", *_SERVER, "--port", str(port)],
            stdout=log,
            stderr=log,
            # Ctrl-C is for the run alone, which has yet to tell the server how it ended.
            start_new_session=True,
            preexec_fn=partial(_die_with, os.getpid()) if sys.platform == "linux" else None,  # noqa: PLW1509
        )
    os.environ["PREFECT_API_URL"] = f"http://127.0.0.1:{port}/api"
    os.environ["no_proxy"] = _no_proxy()
    try:
        yield lambda: _wait(server, port, log_path)
    finally:
        del os.environ["PREFECT_API_URL"]
        server.kill()
        server.wait()


def _die_with(parent_pid: int) -> None:
    """In the child: be killed by the kernel when the run ends, even by kill -9."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(1)  # the run ended before the kernel was asked


def _no_proxy() -> str:
    """The hosts that need no proxy, this machine among them: a proxy would look for the server on its own."""
    named = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    return f"{named},127.0.0.1" if named else "127.0.0.1"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(server: subprocess.Popen[bytes], port: int, log_path: Path) -> None:
    deadline_s = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline_s and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise FatalError("Prefect's server did not start", f"Its log is {log_path}")
