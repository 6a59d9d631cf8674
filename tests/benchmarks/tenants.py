"""What row-level security costs: `python -m tests.benchmarks.tenants [--turns N] [--calls N] [--rounds N]`.

Fills a PostgreSQL of its own as tests.benchmarks.search does, grants a role one of 20 queues, and prints what searches
and views take as the owner of the tables, who is past the policies, and as the role. CPU is that of this process and
the database's together: what an idle machine would take.
"""

from __future__ import annotations

import argparse
import tempfile
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from storage.access import ALL, Access, read_as
from storage.query import read_only
from storage.search import Where, search
from storage.search_query import parse
from storage.session import reading, writing
from tests.benchmarks.search import database, fill, stopwatch, told_ms

ROLE, QUEUE = "reader", "queue 3"

SEARCHES = ("refund", "refund NEAR shipping", '"speak to a manager"', "please order")

VIEWS = {
    "calls of a day": "SELECT * FROM v_calls c JOIN v_days d USING (recording_id) WHERE d.day = '2026-03-01'",
    "turns of a call": "SELECT * FROM v_turns WHERE recording_id = 4003",
    "calls by queue": "SELECT queue, count(*), sum(length_s) FROM v_calls GROUP BY queue",
}


def measure(engine: sa.Engine, rounds: int) -> None:
    """Print each search and view as the owner, narrowed to the queue, and as the role."""
    watch, role = stopwatch(engine), read_as(engine, ROLE)
    own, narrowed = Where(), Where(queue=QUEUE)
    print("| | as | P50 ms | P95 ms | CPU P50 ms | CPU P95 ms |\n|---|---|---:|---:|---:|---:|")
    for query in SEARCHES:
        for name, asked, where in (("the owner", engine, narrowed), ("the role", role, own)):
            taken = [watch.take_ms(partial(search, asked, parse(query), where, 20)) for _ in range(rounds)]
            print(f"| `{query}` | {name} | {told_ms(taken)} |")
    for view, sql in VIEWS.items():
        for name, asked in (("the owner", engine), ("the role", role)):
            taken = [watch.take_ms(partial(read_only, asked, sql)) for _ in range(rounds)]
            print(f"| {view} | {name} | {told_ms(taken)} |")


def main() -> None:
    """Fill, then measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=1_000_000)
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=10)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, database("postgres", Path(folder)) as engine:
        fill(engine, arguments.calls, arguments.turns)
        with writing(engine) as connection:
            connection.exec_driver_sql(f"CREATE ROLE {ROLE}")
        Access(engine).grant(ROLE, ALL, QUEUE, text=True)
        with reading(read_as(engine, ROLE)) as connection:
            seen = connection.exec_driver_sql("SELECT count(*) FROM recordings").scalar_one()
        print(f"{arguments.turns:,} turns of {arguments.calls:,} calls, of which the role may read {seen:,}\n")
        measure(engine, arguments.rounds)


if __name__ == "__main__":
    main()
