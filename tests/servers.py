"""PostgreSQL, S3 with SQS, and Prefect's server, each a process of its own that can be killed and started again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

_START_S = 300.0


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def has_postgres() -> bool:
    """Whether PostgreSQL's programs are installed."""
    return shutil.which("initdb") is not None


@dataclass(slots=True)
class Postgres:
    """A PostgreSQL of its own below a folder that is there. `durable` lets it write as it would for real."""

    folder: Path
    durable: bool = False
    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        """Its address; the user is its superuser."""
        return self.url_by(self.port)

    def url_by(self, port: int, name: str = "postgres") -> str:
        """The address of one of its databases by another port, that of a wire to it."""
        return f"postgresql://postgres@127.0.0.1:{port}/{name}"

    def execute(self, statement: str) -> None:
        """Run a statement outside any transaction."""
        with _engine(self.url).execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.exec_driver_sql(statement)

    def make(self) -> None:
        """Make the cluster's files."""
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres")
        self._run("initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync")

    def start(self) -> None:
        """Start it, after a kill too: it recovers from its log, and answers then."""
        sync = "" if self.durable else " -c fsync=off"
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder}{sync}"
        line = ("pg_ctl", "-o", options, "-l", f"{self.folder}/log", "-w", "-t", str(int(_START_S)), "start")
        # After kill -9 its other processes are there for a moment more, and a new first process would not start.
        _until(lambda: self._run(*line, check=False) == 0)

    def stop(self) -> None:
        """Stop it at once, as if it crashed: all its processes are gone, and nothing is written any more."""
        self._run("pg_ctl", "-m", "immediate", "stop", check=False)

    def kill(self) -> None:
        """kill -9 its first process, which takes all others with it."""
        pid = int((self.folder / "data/postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)

    def _run(self, program: str, *arguments: str, check: bool = True) -> int:
        """Run one of its programs, which refuse to run as root."""
        user: dict[str, Any] = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
        line = [shutil.which(program) or program, "-D", f"{self.folder}/data", *arguments]
        null = subprocess.DEVNULL
        return subprocess.run(line, check=check, stdout=null, stderr=null, cwd="/", **user).returncode


@dataclass(slots=True)
class Process:
    """A server that is one process on a port, with a home folder."""

    home: Path
    port: int = field(default_factory=free_port)
    _running: subprocess.Popen[bytes] | None = None

    def line(self) -> list[str]:
        """What to run."""
        raise NotImplementedError

    def environ(self) -> dict[str, str]:
        """In which environment."""
        return dict(os.environ)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Of the process as it runs now."""
        assert self._running is not None
        return self._running.pid

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "log").open("ab") as log:
            self._running = subprocess.Popen(self.line(), stdout=log, stderr=log, env=self.environ())
        _until(lambda: _answers(self.port))

    def kill(self) -> None:
        """kill -9."""
        if self._running is not None:
            self._running.kill()
            self._running.wait()
            self._running = None


@dataclass(slots=True)
class Moto(Process):
    """Moto's server, which does S3, SQS and KMS in memory: what it held is gone once it is killed."""

    def line(self) -> list[str]:
        """Its own way to be run."""
        return [sys.executable, "-m", "moto.server", "-p", str(self.port)]


@dataclass(slots=True)
class Prefect(Process):
    """Prefect's server on SQLite in its home."""

    def line(self) -> list[str]:
        """As flows.prefect_server starts one."""
        from flows.prefect_server import _SERVER

        return [sys.executable, "-m", "uvicorn", *_SERVER, "--port", str(self.port)]

    def environ(self) -> dict[str, str]:
        """Without telemetry, in a home of its own."""
        quiet = {"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        return kept | quiet | {"PREFECT_HOME": str(self.home)}


def _engine(url: str) -> sa.Engine:
    return sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=sa.NullPool)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _until(condition: Callable[[], bool], within_s: float = _START_S) -> None:
    deadline_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)
