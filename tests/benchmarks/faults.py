"""What faults cost: `python -m tests.benchmarks.faults [TRIES]` prints a row for each, counted from the ledger.

Each try is a data folder with SQLite, a drop folder of 12 files, a worker that takes 50 ms for each, and then the
fault. Lost is what was settled by nobody or has no transcript, doubled what was published more than once.
"""

from __future__ import annotations

import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.ingest_site import LEASE_S, Site

N = 12
EACH_S = 0.05

Fault = Callable[[Site], float]


def fill(site: Site) -> None:
    for number in range(N):
        site.put(f"{number}.wav", b"%d" % number)


def killed(site: Site) -> float:
    """kill -9 in mid-work, and a new worker on the same machine."""
    fill(site)
    worker = site.start(EACH_S)
    site.until(lambda: site.count("tries WHERE outcome = 'published'") >= 1)
    worker.kill()
    worker.wait()
    began_s = time.monotonic()
    site.start(0.0)
    site.until(lambda: site.settled(N))
    return time.monotonic() - began_s


def killed_while_another_works(site: Site) -> float:
    """kill -9 of one of two workers, both at work."""
    first, _ = site.start(EACH_S), site.start(EACH_S)
    fill(site)
    site.until(lambda: site.count("tries WHERE outcome = 'published'") >= 1)
    first.kill()
    first.wait()
    began_s = time.monotonic()
    site.until(lambda: site.settled(N))
    return time.monotonic() - began_s


def stopped(site: Site) -> float:
    """A worker that stands still for longer than its lease, while another takes over, and then goes on."""
    fill(site)
    worker = site.start(10 * EACH_S)
    site.until(lambda: site.count("tries WHERE outcome = 'published'") >= 1)
    time.sleep(2 * EACH_S)  # in a recording, not in a transaction, which on SQLite would lock out the other
    worker.send_signal(signal.SIGSTOP)
    began_s = time.monotonic()
    site.start(0.0)
    site.until(lambda: site.settled(N))
    took_s = time.monotonic() - began_s
    worker.send_signal(signal.SIGCONT)
    time.sleep(1.0)
    return took_s


def poison(site: Site) -> float:
    """One of the files kills whoever reads it, until it is set aside; the worker is started again each time."""
    fill(site)
    site.put("0.wav", b"poison")
    began_s = time.monotonic()
    while site.start(0.0, "--once").wait(timeout=120) != 0:
        pass
    return time.monotonic() - began_s


FAULTS: dict[str, Fault] = {
    "kill -9, restarted": killed,
    "kill -9, another at work": killed_while_another_works,
    "stopped past its lease": stopped,
    "poison file": poison,
}


def main(tries: int) -> None:
    print(f"leases of {LEASE_S:g} s, {N} files")
    print(f"{'fault':<28}{'tries':>6}{'lost':>6}{'doubled':>9}{'recovery s, mean to max':>26}")
    for name, fault in FAULTS.items():
        lost = doubled = 0
        took_s: list[float] = []
        for _ in range(tries):
            with tempfile.TemporaryDirectory() as folder:
                site = Site(Path(folder), f"sqlite:///{folder}/calls.db")
                site.drop.mkdir()
                took_s.append(fault(site))
                done = site.count("recordings WHERE state = 'published'")
                set_aside = site.count("recordings WHERE state = 'quarantined'")
                lost += N - done - set_aside + abs(done - site.count("transcripts"))
                doubled += int(site.rows("SELECT sum(published) FROM runs")[0][0]) - done
                for worker in site.workers:
                    worker.kill()
                    worker.communicate()
        print(f"{name:<28}{tries:>6}{lost:>6}{doubled:>9}{sum(took_s) / tries:>16.1f} to {max(took_s):.1f}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
