"""What faults cost: `python -m tests.benchmarks.faults [--tries N] [--only NAME,...] [--cut-s S] [--at-once N]
[--results FILE]`.

Prints a row for each fault of DRILLS. Lost are recordings that are not published with all words and all objects,
doubled those that were published more than once: counted by the ledger, the views and the object store. Strays are
objects that no row names. Recovery is from the fault's end to the last publication.

Faults that leave the servers alone can be made at once, each on a site of its own: those of ALONE cannot.

Each try is a line of JSON in FILE, and none that is there is made again: an interrupted run goes on, and files of runs
that went on beside each other make one table when they are joined. A try that fails is counted, its line says what was
seen, and the next one begins on a new site.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.benchmarks import drills, pool_drills
from tests.benchmarks.drills import Drill, N, Park, park
from tests.ingest_site import LEASE_S, Site, Tally
from tests.scripted_worker import SETTINGS

DRILLS: dict[str, type[Drill]] = {
    **drills.DRILLS,
    "pool-run": pool_drills.RunOfPoolKilled,
    "pool-worker": pool_drills.WorkerOfPoolKilled,
}

ALONE = (
    "prefect",
    "database-stop",
    "database-kill",
    "s3",
    "cut-database",
    "cut-prefect",
    "cut-s3",
    "s3-503",
    "s3-slow",
)
"""Faults of servers, which all sites share."""

_HEAD = (
    "| fault | tries | failed | lost | doubled | strays | recovery s, median | max | load |",
    "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
)


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one try. `recovered_s` is None of one that failed, and `seen` what was seen then."""

    fault: str
    number: int
    lost: int
    doubled: int
    strays: int
    recovered_s: float | None
    load: float
    """The machine's load average over a minute, at the end."""
    seen: str = ""


def run(name: str, made: Park, numbers: range) -> Iterator[Tried]:
    """Make the tries of these numbers at a fault, on one site unless one fails. Raises what making a site raises."""
    drill: Drill | None = None
    try:
        for number in numbers:
            drill = drill or DRILLS[name](made, name, number)
            yield (tried := _attempt(drill, name, number))
            if tried.seen:
                drill.end()
                drill = None
    finally:
        if drill is not None:
            drill.end()


def _attempt(drill: Drill, name: str, number: int) -> Tried:
    seen, recovered_s = "", None
    try:
        recovered_s = drill.once()
    except Exception as error:  # noqa: BLE001 what else it costs is told by the tries to come
        seen = f"{type(error).__name__}: {error}; {_state(drill.site)}"
    try:
        tally, strays = drill.site.tally(drill.came), drill.new_strays()
    except Exception as error:  # noqa: BLE001 nobody knows, which is as bad as lost
        seen, tally, strays = f"{seen}; not counted: {error}", Tally(len(drill.came), 0), 0
    return Tried(name, number, tally.lost, tally.doubled, strays, recovered_s, os.getloadavg()[0], seen)


def _state(site: Site) -> str:
    """What a site looks like after a try that failed."""
    asked = (
        "SELECT state, count(*) FROM recordings GROUP BY state",
        "SELECT owner, failures, note, expires_at FROM arrivals WHERE settled_at IS NULL",
        "SELECT recording_id, owner, expires_at FROM tries WHERE ended_at IS NULL",
    )
    log = site.root / "workers.log"
    alive = [worker.is_alive() for worker in site.workers]
    try:
        rows = [[[str(one) for one in row] for row in site.rows(sql)] for sql in asked]
    except Exception as error:  # noqa: BLE001
        rows = [[[f"{type(error).__name__}: {error}"]]]
    return f"{rows}; workers alive: {alive}; their log: {log.read_text()[-3_000:] if log.exists() else ''}"


def row(tries: Sequence[Tried]) -> str:
    """The table's row of a fault."""
    took_s = [one.recovered_s for one in tries if one.recovered_s is not None]
    sums = [sum(getattr(one, what) for one in tries) for what in ("lost", "doubled", "strays")]
    times = [f"{statistics.median(took_s):.1f}", f"{max(took_s):.1f}"] if took_s else ["", ""]
    loads = sorted(one.load for one in tries)
    failed = sum(bool(one.seen) for one in tries)
    cells = (DRILLS[tries[0].fault].__doc__, len(tries), failed, *sums, *times, f"{loads[0]:.0f} to {loads[-1]:.0f}")
    return f"| {' | '.join(map(str, cells))} |"


def main() -> None:
    """Make what tries are missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=20)
    parser.add_argument("--only", default=",".join(DRILLS))
    parser.add_argument("--cut-s", type=float, default=30.0)
    parser.add_argument("--at-once", type=int, default=1)
    parser.add_argument("--results", type=Path, default=Path("faults.jsonl"))
    arguments = parser.parse_args()
    arguments.results.touch()
    wanted = arguments.only.split(",")
    tried: dict[str, list[Tried]] = {name: [] for name in wanted}
    for one in (Tried(**json.loads(line)) for line in arguments.results.read_text().splitlines()):
        tried.setdefault(one.fault, []).append(one)
    missing = {name: range(len(tried[name]), arguments.tries) for name in wanted}
    if arguments.at_once > 1 and (alone := [name for name in ALONE if missing.get(name)]):
        parser.error(f"--at-once is not for {', '.join(alone)}")
    if any(missing.values()):
        with park(arguments.cut_s) as servers, arguments.results.open("a", buffering=1) as results:

            def make(name: str) -> None:
                for one in run(name, servers, missing[name]):
                    results.write(json.dumps(asdict(one)) + "\n")
                    tried[name].append(one)

            with ThreadPoolExecutor(arguments.at_once) as threads:
                list(threads.map(make, missing))
    print(f"{N} recordings a try, leases of {LEASE_S:g} s, cuts of {arguments.cut_s:g} s; {', '.join(SETTINGS)}\n")
    print("\n".join([*_HEAD, *(row(made) for made in tried.values() if made)]))


if __name__ == "__main__":
    main()
