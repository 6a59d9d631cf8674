"""The command line as a user has it, in processes of its own, with real models."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
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


def as_server(*arguments: str) -> None:
    """Run one of PostgreSQL's programs, which refuse to run as root."""
    user = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    null = subprocess.DEVNULL
    subprocess.run(arguments, check=True, stdout=null, stderr=null, cwd="/", **user)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL of the session's own; what needs it is skipped where none is installed."""
    if shutil.which("initdb") is None:
        pytest.skip("PostgreSQL is not installed")
    with tempfile.TemporaryDirectory() as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        data = str(Path(folder) / "data")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
        as_server(shutil.which("initdb") or "", "-D", data, "-A", "trust", "-U", "postgres")
        control = shutil.which("pg_ctl") or ""
        as_server(control, "-D", data, "-o", options, "-l", f"{folder}/log", "-w", "start")
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
        as_server(control, "-D", data, "-m", "immediate", "stop")


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an HTTP server that does S3, SQS and KMS, of the module's own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = (tmp_path_factory.mktemp("moto") / "log").open("w")
    url = f"http://127.0.0.1:{port}"
    with (
        log,
        subprocess.Popen([sys.executable, "-m", "moto.server", "-p", str(port)], stdout=log, stderr=log) as server,
    ):
        deadline_s = time.monotonic() + 60
        while time.monotonic() < deadline_s:
            try:
                urllib.request.urlopen(url, timeout=5).close()
                break
            except OSError:
                time.sleep(0.1)
        yield url
        server.kill()
