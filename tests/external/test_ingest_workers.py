"""Workers in processes of their own, on SQLite and on PostgreSQL, killed and stopped in mid-work.

Whatever happens to them, each recording is published once or set aside with its history: counted in the ledger.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from storage.session import open_database, writing

ROOT = Path(__file__).parents[2]
LEASE_S = 3.0


@dataclass(slots=True)
class Site:
    """A drop folder and a database, and the workers on them: each a machine of its own, but on SQLite one for all."""

    root: Path
    url: str
    workers: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def drop(self) -> Path:
        return self.root / "drop"

    def start(self, each_s: float, *more: str) -> subprocess.Popen[str]:
        is_sqlite = self.url.startswith("sqlite")
        data = self.root / ("data" if is_sqlite else f"data-{len(self.workers)}")
        line = [sys.executable, str(ROOT / "tests/ingest_worker.py"), self.url, str(data), str(self.drop), str(each_s)]
        environ = os.environ | {"PYTHONPATH": str(ROOT)}
        more = (f"--set=ingest.lease_s={LEASE_S}", *more)
        worker = subprocess.Popen([*line, *more], stdout=subprocess.PIPE, text=True, env=environ)
        self.workers.append(worker)
        assert worker.stdout is not None
        assert worker.stdout.readline() == "looking\n"
        return worker

    def put(self, name: str, body: bytes) -> None:
        (self.drop / f".{name}").write_bytes(body)
        (self.drop / f".{name}").rename(self.drop / name)

    def rows(self, sql: str) -> list[Any]:
        engine = sa.create_engine(self.url.replace("postgresql://", "postgresql+psycopg://"))
        with engine.connect() as connection:
            found = [tuple(row) for row in connection.exec_driver_sql(sql)]
        engine.dispose()
        return found

    def count(self, what: str) -> int:
        return int(self.rows(f"SELECT count(*) FROM {what}")[0][0])

    def until(self, condition: Callable[[], bool], within_s: float = 90.0) -> float:
        began_s = time.monotonic()
        while not condition():
            assert time.monotonic() - began_s < within_s
            time.sleep(0.05)
        return time.monotonic() - began_s

    def settled(self, n: int) -> bool:
        return self.count("arrivals WHERE settled_at IS NOT NULL") == n

    def each_once(self, n: int) -> None:
        """Nothing is lost and nothing twice: every recording has one transcript, and one try that published it."""
        assert self.count("transcripts") == n
        assert self.rows("SELECT sum(published) FROM runs") == [(n,)]
        assert self.count("tries WHERE outcome = 'published'") == n
        assert self.count("audit_events WHERE action = 'recording.publish'") == n
        assert self.count("recordings WHERE state = 'received'") == 0
        assert self.count("tries WHERE ended_at IS NULL") == 0


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    url = f"sqlite:///{tmp_path}/calls.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
        engine = open_database(url)
        with writing(engine) as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE")
            connection.exec_driver_sql("CREATE SCHEMA public")
        engine.dispose()
    site = Site(tmp_path, url)
    site.drop.mkdir()
    yield site
    for worker in site.workers:
        worker.kill()
        worker.communicate()


def test_two_workers_share_what_comes_in(site: Site) -> None:
    for number in range(40):
        site.put(f"{number}.wav", b"%d" % (number % 30))  # ten come twice
    for _ in range(2):
        site.start(0.01)
    site.until(lambda: site.settled(40))
    site.each_once(30)
    assert site.count("sources") == 40
    if site.url.startswith("postgres"):
        assert site.rows("SELECT count(DISTINCT owner) FROM tries WHERE outcome = 'published'") == [(2,)]


def test_a_killed_holders_work_is_taken_over(site: Site) -> None:
    for number in range(6):
        site.put(f"{number}.wav", b"%d" % number)
    first = site.start(0.3)
    site.until(lambda: site.count("tries WHERE outcome = 'published'") >= 1)
    first.kill()
    first.wait()
    assert site.count("tries WHERE ended_at IS NULL") > 0
    site.start(0.01)
    took_s = site.until(lambda: site.settled(6))
    print(f"\ntaken over and done in {took_s:.1f} s, leases of {LEASE_S:g} s")  # noqa: T201
    site.each_once(6)
    assert site.count("tries WHERE outcome = 'lost'") > 0


def test_a_holder_that_was_stopped_comes_back_too_late(site: Site) -> None:
    site.put("a.wav", b"a")
    first = site.start(0.5)
    site.until(lambda: site.count("tries WHERE ended_at IS NULL") == 1)
    first.send_signal(signal.SIGSTOP)
    site.start(0.01)
    site.until(lambda: site.count("tries WHERE outcome = 'published'") == 1)
    first.send_signal(signal.SIGCONT)
    site.until(lambda: site.settled(1))
    time.sleep(1.0)
    site.each_once(1)
    assert first.poll() is None, "it has dropped its result, and goes on"
    owners = site.rows("SELECT owner, outcome FROM tries ORDER BY id")
    assert [outcome for _, outcome in owners] == ["lost", "published"]
    assert owners[0][0] != owners[1][0]


def test_a_poison_recording_is_found_by_halving_and_set_aside(site: Site) -> None:
    for number in range(7):
        site.put(f"{number}.wav", b"%d" % number)
    site.put("poison.wav", b"poison")
    deaths = 0
    while site.start(0.0, "--once").wait(timeout=60) != 0:
        deaths += 1
        assert deaths < 8
        if site.url.startswith("postgres"):
            time.sleep(LEASE_S)  # nobody on this machine knows that the other is dead
    assert deaths == 4  # of 8, 4, 2 and alone
    site.each_once(7)
    [(state, reason)] = site.rows("SELECT state, reason FROM recordings WHERE state <> 'published'")
    assert state == "quarantined"
    assert reason.startswith("4 tries ended with the death of the worker")
