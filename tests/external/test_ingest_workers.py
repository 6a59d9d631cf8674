"""Workers in processes of their own, on SQLite and on PostgreSQL, killed and stopped in mid-work.

Whatever happens to them, each recording is published once or set aside with its history: counted in the ledger.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.session import open_database, writing
from tests.ingest_site import LEASE_S, Site, machine_environ
from tests.scripted_worker import POISON_S, recording


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path: Path, prefect_url: str) -> Iterator[Site]:
    url = f"sqlite:///{tmp_path}/calls.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
        engine = open_database(url)
        with writing(engine) as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE")
            connection.exec_driver_sql("CREATE SCHEMA public")
        engine.dispose()
    site = Site(tmp_path, url, machine_environ(prefect_url))
    site.drop.mkdir()
    yield site
    site.end()


def test_two_workers_share_what_comes_in(site: Site) -> None:
    for number in range(40):
        site.put(f"{number}.wav", recording(number % 30))  # ten come twice
    for _ in range(2):
        # A few in hand at a time, for long enough that the second comes before the first has done all.
        site.start(0.3, "ingest.batch_recordings=4")
    site.until(lambda: site.settled(40))
    site.each_once(30)
    assert site.count("sources") == 40
    if site.url.startswith("postgres"):
        assert site.rows("SELECT count(DISTINCT owner) FROM tries WHERE outcome = 'published'") == [(2,)]


def test_a_killed_holders_work_is_taken_over(site: Site) -> None:
    site.fill(range(6))
    first = site.start(0.3, "batch.group_recordings=1")
    in_hand = "tries WHERE ended_at IS NULL"
    site.until(lambda: site.count("tries WHERE outcome = 'published'") >= 1 and site.count(in_hand) > 0)
    first.kill()
    first.join()
    assert site.count(in_hand) > 0
    site.start(0.01)
    took_s = site.until(lambda: site.settled(6))
    print(f"\ntaken over and done in {took_s:.1f} s, leases of {LEASE_S:g} s")  # noqa: T201
    site.each_once(6)
    assert site.count("tries WHERE outcome = 'lost'") > 0


def test_a_holder_that_was_stopped_comes_back_too_late(site: Site) -> None:
    site.fill([1])
    first = site.start(0.5)
    site.until(lambda: site.count("tries WHERE ended_at IS NULL") == 1)
    os.kill(first.pid or 0, signal.SIGSTOP)
    site.start(0.01)
    site.until(lambda: site.count("tries WHERE outcome = 'published'") == 1)
    os.kill(first.pid or 0, signal.SIGCONT)
    site.until(lambda: site.settled(1))
    time.sleep(1.0)
    site.each_once(1)
    assert first.is_alive(), "it has dropped its result, and goes on"
    owners = site.rows("SELECT owner, outcome FROM tries ORDER BY id")
    assert [outcome for _, outcome in owners] == ["lost", "published"]
    assert owners[0][0] != owners[1][0]


def test_a_poison_recording_is_found_by_halving_and_set_aside(site: Site) -> None:
    site.fill(range(7))
    site.put("poison.wav", recording(7, POISON_S))
    deaths = 0
    while site.start(0.0, "batch.group_recordings=16", once=True).join(60) or site.workers[-1].exitcode != 0:
        assert site.workers[-1].exitcode == -signal.SIGKILL
        deaths += 1
        assert deaths < 8
        if site.url.startswith("postgres"):
            time.sleep(LEASE_S)  # nobody on this machine knows that the other is dead
    assert deaths == 4  # of 8, 4, 2 and alone
    site.each_once(7)
    [(state, reason)] = site.rows("SELECT state, reason FROM recordings WHERE state <> 'published'")
    assert state == "quarantined"
    assert reason.startswith("4 tries ended with the death of the worker")
