"""One try of each fault that a try of takes seconds; `python -m tests.benchmarks.faults` makes many.

Killed and stopped workers, and a poison recording: test_ingest_workers.py.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.benchmarks.drills import Park, park
from tests.benchmarks.faults import run
from tests.servers import has_postgres


@pytest.fixture(scope="module")
def servers() -> Iterator[Park]:
    if not has_postgres():
        pytest.skip("PostgreSQL is not installed")
    with park(cut_s=1.0) as made:
        yield made


@pytest.mark.parametrize(
    "name", ["prefect", "database-kill", "s3", "cut-database", "cut-prefect", "s3-503", "clock", "events"]
)
def test_nothing_is_lost_and_nothing_twice(servers: Park, name: str) -> None:
    [tried] = run(name, servers, range(1))
    assert (tried.lost, tried.doubled, tried.seen) == (0, 0, "")


@pytest.mark.long
@pytest.mark.parametrize("name", ["pool-worker", "pool-run"])
def test_another_worker_of_the_pool_takes_over(servers: Park, name: str) -> None:
    [tried] = run(name, servers, range(1))
    assert (tried.lost, tried.doubled, tried.seen) == (0, 0, "")


@pytest.mark.skipif(os.geteuid() != 0, reason="a file system is mounted, for which this user has no right")
def test_a_full_disk_is_waited_for(servers: Park) -> None:
    [tried] = run("disk", servers, range(1))
    assert (tried.lost, tried.doubled, tried.seen) == (0, 0, "")
