"""A drop folder, a database, and workers on them in processes of their own: for tests and for the drill of faults."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

ROOT = Path(__file__).parents[1]
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
