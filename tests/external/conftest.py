"""The command line as a user has it, in processes of its own, with real models."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers import Moto, Postgres, Prefect, has_postgres

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


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL of the session's own; what needs it is skipped where none is installed."""
    if not has_postgres():
        pytest.skip("PostgreSQL is not installed")
    with tempfile.TemporaryDirectory() as folder:
        server = Postgres(Path(folder))
        server.make()
        server.start()
        yield server
        server.stop()


@pytest.fixture(scope="session")
def postgres_url(postgres: Postgres) -> str:
    """The address of the session's PostgreSQL."""
    return postgres.url


@pytest.fixture(scope="session")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prefect]:
    """A Prefect server of the session's own, for workers in other processes."""
    server = Prefect(tmp_path_factory.mktemp("prefect"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def prefect_url(prefect: Prefect) -> str:
    """The address of the session's Prefect server."""
    return prefect.url


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an HTTP server that does S3, SQS and KMS, of the module's own."""
    server = Moto(tmp_path_factory.mktemp("moto"))
    server.start()
    yield server.url
    server.kill()
