"""How fast turns are found: `python -m tests.benchmarks.search sqlite|postgres [--turns N] [--calls N]`.

Fills a database of its own, in a temporary folder, with made-up turns of 4 to 30 words: 3,000 words, the n-th most
frequent of which comes 1/n times as often as the first, and the phrases that are looked for. Prints how long filling
took, the size, P50 and P95 of each query over rounds in a mixed order, how long the listing of calls takes, and how
long an erasure's merge of the index takes. CPU is that of this process and the database's together: what an idle
machine would take.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from storage.overview import load_overview
from storage.search import Where, search
from storage.search_query import parse
from storage.session import migrate, open_database, reading, scrub, writing
from storage.tables import CallMetadataRow, ModelRow, RecordingRow, RunRow, SourceRow, TranscriptRow, TurnRow

BATCH_CALLS = 2_000
START = datetime(2026, 1, 1, tzinfo=UTC)
AGENTS, QUEUES = 500, 20
DAYS = 365
"""For so long calls come, with a run each night."""

COMMON = ("the", "you", "to", "and", "it", "that", "is", "please", "my", "for", "thank", "order", "number", "account")
SAID = (
    ("i would like a refund for the shipping", 0.004),
    ("where is my parcel", 0.01),
    ("can i speak to a manager", 0.003),
    ("cancel my subscription", 0.002),
    ("the refund was refused", 0.001),
    ("my credit card was declined", 0.002),
    ("unauthorised payment", 0.0005),
)
"""What some turns hold, and how many of them."""

QUERIES: dict[str, Where] = {
    "refund": Where(),
    "refund shipping": Where(),
    "refund NEAR shipping": Where(),
    "refund NEAR/3 refused": Where(),
    '"speak to a manager"': Where(),
    "cancel* subscri*": Where(),
    "(parcel OR subscription) NOT refund": Where(),
    "unauthorised": Where(),
    "please": Where(),
    "the": Where(),
    "thank NEAR you": Where(),
    '"thank you"': Where(),
    "order number": Where(),
    "acc*": Where(),
    "refund OR parcel OR manager": Where(agent="agent 17"),
    "please order": Where(queue="queue 3"),
    "please ": Where(agent="agent 17", since=START + timedelta(days=180)),
    "refund ": Where(since=START + timedelta(days=300)),
}


def words(random_words: random.Random) -> list[str]:
    """The vocabulary, the most frequent first."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    made = {"".join(random_words.choices(letters, k=random_words.randint(3, 9))) for _ in range(3_000)}
    return [*COMMON, *sorted(made - set(COMMON))]


def turns(n_turns: int, rng: np.random.Generator, vocabulary: list[str]) -> list[str]:
    """Texts of so many turns."""
    weights = 1 / np.arange(1, len(vocabulary) + 1)
    lengths = rng.integers(4, 31, n_turns)
    drawn = rng.choice(len(vocabulary), int(lengths.sum()), p=weights / weights.sum())
    chosen = [vocabulary[i] for i in drawn.tolist()]
    ends = np.cumsum(lengths).tolist()
    texts = [chosen[end - length : end] for end, length in zip(ends, lengths.tolist(), strict=True)]
    for phrase, share in SAID:
        for index in rng.integers(0, n_turns, int(n_turns * share)).tolist():
            texts[index] = [*texts[index][:3], phrase, *texts[index][3:]]
    return [" ".join(text) for text in texts]


def fill(engine: sa.Engine, n_calls: int, n_turns: int) -> None:
    """Insert calls with an even number of turns each, in batches; some have metadata."""
    rng, vocabulary = np.random.default_rng(1), words(random.Random(1))  # noqa: S311
    with writing(engine) as connection:
        connection.execute(sa.insert(ModelRow), [{"id": 1, "name": "m", "sha256": "ab" * 32}])
        run = {"state": "completed", "started_at": START, "config_fingerprint": "f", "code_version": "1"}
        counted = {"published": 0, "quarantined": 0, "audio_s": 0.0}
        connection.execute(sa.insert(RunRow), [{**run, **counted, "id": number} for number in range(1, DAYS + 1)])
    for first in range(0, n_calls, BATCH_CALLS):
        ids = range(first + 1, min(first + BATCH_CALLS, n_calls) + 1)
        with writing(engine) as connection:
            for table, row in ((RecordingRow, recording), (SourceRow, source), (CallMetadataRow, told)):
                connection.execute(sa.insert(table), [row(key, n_calls) for key in ids])
            connection.execute(sa.insert(TranscriptRow), [transcript(key, n_calls) for key in ids])
            each = n_turns // n_calls
            texts = turns(len(ids) * each, rng, vocabulary) if each else []
            rows = [
                {
                    "recording_id": ids[number // each],
                    "turn": number % each,
                    "speaker": "agent",
                    "channel": ("agent", "customer")[number % 2],
                    "start_s": 6.0 * (number % each),
                    "end_s": 6.0 * (number % each) + 5,
                    "text": text,
                }
                for number, text in enumerate(texts)
            ]
            if rows:
                connection.execute(sa.insert(TurnRow), rows)
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql("ANALYZE")


def recording(key: int, n_calls: int) -> dict[str, Any]:
    seen = {"first_seen_at": START + timedelta(days=DAYS * key / n_calls), "attempts": 1}
    return {"id": key, "sha256": f"{key:064x}", "size_bytes": 1_000, "state": "published", "duration_s": 300.0, **seen}


def source(key: int, n_calls: int) -> dict[str, Any]:
    first_seen_at = START + timedelta(days=DAYS * key / n_calls)
    return {"recording_id": key, "uri": f"file:///in/{key}.wav", "name": f"{key}.wav", "first_seen_at": first_seen_at}


def told(key: int, n_calls: int) -> dict[str, Any]:
    named = {"agent": f"agent {key % AGENTS}", "queue": f"queue {key % QUEUES}", "call_id": f"c{key}"}
    empty: dict[str, Any] = {"channel_map": [], "pauses": [], "other": {}, "sources": {}}
    return {"recording_id": key, "started_at": START + timedelta(days=DAYS * key / n_calls), **named, **empty}


def transcript(key: int, n_calls: int) -> dict[str, Any]:
    run_id = 1 + (key - 1) * DAYS // n_calls
    made_by = {"run_id": run_id, "model_id": 1, "engine": "e", "precision": "int8", "config_fingerprint": "f"}
    counts = {"duration_s": 300.0, "speakers": 2, "words": 500, "stage_s": {"transcribe": 9.0}, "published_at": START}
    return {"recording_id": key, **made_by, "code_version": "1", "policy": "all", "audio": f"{key}.wav", **counts}


@contextmanager
def database(kind: str, folder: Path) -> Iterator[sa.Engine]:
    """An empty database of callwright's, on SQLite or on a PostgreSQL with its settings as it comes."""
    if kind == "sqlite":
        engine = open_database(f"sqlite:///{folder}/calls.db")
        migrate(engine)
        yield engine
        engine.dispose()
        return
    user: dict[str, Any] = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    if user:
        shutil.chown(folder, "postgres")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def run(program: str, *arguments: str) -> None:
        command = [shutil.which(program) or program, "-D", f"{folder}/data", *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **user)

    run("initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
    run("pg_ctl", "-o", options, "-l", f"{folder}/log", "-w", "start")
    try:
        engine = open_database(f"postgresql://postgres@127.0.0.1:{port}/postgres")
        migrate(engine)
        yield engine
        engine.dispose()
    finally:
        run("pg_ctl", "-m", "immediate", "stop")


@dataclass(frozen=True, slots=True)
class Stopwatch:
    """Takes the time of work on a database; `server` is the process of its one connection, None for SQLite."""

    server: int | None

    def cpu_s(self) -> float:
        """CPU seconds so far."""
        if self.server is None:
            return time.process_time()
        on_cpu_ns = int(Path(f"/proc/{self.server}/schedstat").read_text().split()[0])
        return time.process_time() + on_cpu_ns / 1e9

    def take_ms(self, work: Callable[[], Any]) -> tuple[float, float]:
        """Wall and CPU time of some work, in ms."""
        began_s, cpu_s = time.perf_counter(), self.cpu_s()
        work()
        return 1_000 * (time.perf_counter() - began_s), 1_000 * (self.cpu_s() - cpu_s)


def stopwatch(engine: sa.Engine) -> Stopwatch:
    """One for this database."""
    if engine.dialect.name == "sqlite":
        return Stopwatch(None)
    with reading(engine) as connection:
        return Stopwatch(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())


def told_ms(taken: list[tuple[float, float]]) -> str:
    """P50 and P95 of wall and CPU times."""
    return " | ".join(
        f"{np.percentile([one[i] for one in taken], percent):.1f}" for i in (0, 1) for percent in (50, 95)
    )


def measure(engine: sa.Engine, rounds: int) -> None:
    """Print what each query takes, and the listing of calls."""
    watch = stopwatch(engine)
    found = {query: len(search(engine, parse(query), where, 10_000)) for query, where in QUERIES.items()}
    times: dict[str, list[tuple[float, float]]] = {query: [] for query in QUERIES}
    order = [query for query in QUERIES for _ in range(rounds)]
    random.Random(2).shuffle(order)  # noqa: S311
    for query in order:
        times[query].append(watch.take_ms(partial(search, engine, parse(query), QUERIES[query], 20)))
    print("| | hits | P50 ms | P95 ms | CPU P50 ms | CPU P95 ms |\n|---|---:|---:|---:|---:|---:|")
    for query, where in QUERIES.items():
        narrowed = "".join(f" --{name}" for name in where.told)
        print(f"| `{query.strip()}`{narrowed} | {found[query]:,} | {told_ms(times[query])} |")
    together = [one for query in times.values() for one in query]
    print(f"| all, {len(together)} searches | | {told_ms(together)} |")
    for name, only in (("listing: 100 calls and totals", {}), ("listing of a queue", {"queue": "queue 3"})):
        with reading(engine) as connection:
            taken = [watch.take_ms(partial(load_overview, connection, 100, only)) for _ in range(rounds)]
        print(f"| {name} | | {told_ms(taken)} |")


def main() -> None:
    """Fill, then measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("sqlite", "postgres"))
    parser.add_argument("--turns", type=int, default=1_000_000)
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, database(arguments.kind, Path(folder)) as engine:
        began_s = time.perf_counter()
        fill(engine, arguments.calls, arguments.turns)
        filled_s = time.perf_counter() - began_s
        size_mb = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file()) / 1e6
        print(f"{arguments.turns:,} turns of {arguments.calls:,} calls: filled in {filled_s:.0f} s, {size_mb:.0f} MB\n")
        measure(engine, arguments.rounds)
        with writing(engine) as connection:
            connection.execute(sa.delete(TranscriptRow).where(TranscriptRow.recording_id == 77))
        watch = stopwatch(engine)
        for when in ("after an erasure", "again"):
            wall_ms, cpu_ms = watch.take_ms(lambda: scrub(engine))
            print(f"scrub {when}: {wall_ms / 1_000:.1f} s, {cpu_ms / 1_000:.1f} s of CPU")
        export(engine, Path(folder))


def export(engine: sa.Engine, folder: Path) -> None:
    """Print what `callwright export` of everything takes, in a process of its own."""
    url = engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "flows.cli", "export", str(folder / "lake"), "--data-dir", str(folder)]
    began_s = time.perf_counter()
    environ = {**os.environ, "CALLWRIGHT_STORAGE__DATABASE_URL": url}
    print("\n" + subprocess.run(command, env=environ, check=True, capture_output=True, text=True).stdout)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    wall_s, size_mb = time.perf_counter() - began_s, sum(f.stat().st_size for f in folder.rglob("*.parquet")) / 1e6
    print(f"export: {wall_s:.0f} s, {used.ru_maxrss / 1024:.0f} MB RSS, {size_mb:.0f} MB of files")


if __name__ == "__main__":
    main()
