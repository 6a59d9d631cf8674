"""A place where recordings come in, its servers, and workers on it: for tests and for the drill of faults."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from tests.scripted_worker import SAID, Jump, Order, recording, start

LEASE_S = 3.0


@dataclass(frozen=True, slots=True)
class Tally:
    """Of recordings that were put somewhere: how many are lost, and how many were done more than once."""

    lost: int
    doubled: int


@dataclass(slots=True)
class Site:
    """A drop folder, a database and an object folder, and the workers on them.

    Each worker is a machine of its own, with a data folder of its own, but on SQLite one for all.
    """

    root: Path
    url: str
    environ: dict[str, str] = field(default_factory=dict)
    url_of_workers: str = ""
    """If they reach the database by another way."""
    overrides: tuple[str, ...] = ()
    jump: Jump | None = None
    bucket: str = ""
    """Where objects are kept, as in bucket/prefix, if not in a folder, and a client to look there."""
    client: Any = None
    workers: list[ForkServerProcess] = field(default_factory=list)
    _engine: sa.Engine | None = None

    @property
    def drop(self) -> Path:
        return self.root / "drop"

    @property
    def objects(self) -> Path:
        return self.root / "objects"

    @property
    def where(self) -> str:
        """Where objects are kept, as a setting says it."""
        return f"s3://{self.bucket}" if self.bucket else str(self.objects)

    def start(
        self,
        each_s: float = 0.0,
        *overrides: str,
        sources: Iterable[str] = (),
        machine: int | None = None,
        once: bool = False,
    ) -> ForkServerProcess:
        """Start a worker, on a machine that has no other yet unless one is named."""
        at = len(self.workers) if machine is None else machine
        data = self.root / ("data" if self.url.startswith("sqlite") else f"data-{at}")
        fixed = (f"ingest.lease_s={LEASE_S}", f"storage.objects_dir={self.where}", *self.overrides, *overrides)
        named = tuple(sources) or (str(self.drop),)
        url = self.url_of_workers or self.url
        order = Order(url, data, named, each_s, fixed, once, self.environ, self.root / "workers.log")
        worker = start(order, self.jump)
        self.workers.append(worker)
        return worker

    def end(self) -> None:
        """Kill all workers."""
        for worker in self.workers:
            worker.kill()
            worker.join()
        if self._engine is not None:
            self._engine.dispose()

    def put(self, name: str, body: bytes) -> str:
        """Let a recording come in, whole, and return its SHA-256."""
        self.drop.mkdir(exist_ok=True)
        (self.drop / f".{name}").write_bytes(body)
        (self.drop / f".{name}").rename(self.drop / name)
        return hashlib.sha256(body).hexdigest()

    def fill(self, numbers: Iterable[int]) -> set[str]:
        """Let recordings come in, and return their SHA-256."""
        return {self.put(f"{number}.wav", recording(number)) for number in numbers}

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        if self._engine is None:
            url = self.url.replace("postgresql://", "postgresql+psycopg://")
            self._engine = sa.create_engine(url, poolclass=sa.NullPool)
        with self._engine.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(sql)]

    def count(self, what: str) -> int:
        return int(self.rows(f"SELECT count(*) FROM {what}")[0][0])

    def until(self, condition: Callable[[], bool], within_s: float = 300.0, every_s: float = 0.05) -> float:
        """Wait for a condition, during which the database may be away; return how long that took."""
        began_s = time.monotonic()
        while not _holds(condition):
            assert time.monotonic() - began_s < within_s, f"still waiting after {within_s:g} s"
            time.sleep(every_s)
        return time.monotonic() - began_s

    def settled(self, n: int) -> bool:
        """Whether so many arrivals are settled, and none is open."""
        return self.count("arrivals WHERE settled_at IS NOT NULL") == n and not self.count(
            "arrivals WHERE settled_at IS NULL"
        )

    def published(self, sha256s: set[str]) -> bool:
        """Whether all of these are."""
        return sha256s <= self.all_published()

    def all_published(self) -> set[str]:
        """The SHA-256 of all that are."""
        return {sha256 for (sha256,) in self.rows("SELECT sha256 FROM recordings WHERE state = 'published'")}

    def tally(self, sha256s: set[str]) -> Tally:
        """Count by the ledger, the views and the object store what became of recordings that are to be published."""
        once = dict.fromkeys(sha256s, 1)
        published = dict(self.rows("SELECT sha256, count(*) FROM v_calls WHERE state = 'published' GROUP BY sha256"))
        words = dict(
            self.rows(
                "SELECT r.sha256, count(*) FROM v_words w JOIN recordings r ON r.id = w.recording_id GROUP BY r.sha256"
            )
        )
        tries = self._by_recording("tries t", "t.recording_id", "WHERE t.outcome = 'published'")
        events = dict(
            self.rows("SELECT subject, count(*) FROM audit_events WHERE action = 'recording.publish' GROUP BY subject")
        )
        kept = self._by_recording("documents d", "d.recording_id", "")
        sound = {sha256 for sha256 in once if self._has_objects(sha256)}
        lost = {
            sha256
            for sha256 in once
            if not published.get(sha256) or words.get(sha256, 0) < len(SAID) or not kept.get(sha256)
        } | (set(once) - sound)
        doubled = {
            sha256
            for sha256 in once
            if max(published.get(sha256, 0), tries.get(sha256, 0), events.get(sha256, 0)) > 1
            or words.get(sha256, 0) > len(SAID)
        }
        return Tally(len(lost), len(doubled))

    def _by_recording(self, table: str, key: str, where: str) -> dict[str, int]:
        joined = f"SELECT r.sha256, count(*) FROM {table} JOIN recordings r ON r.id = {key} {where} GROUP BY r.sha256"
        return dict(self.rows(joined))

    def _has_objects(self, sha256: str) -> bool:
        """Whether every object of a recording is there and is what its name says."""
        wanted = f"JOIN recordings r ON r.id = recording_id WHERE r.sha256 = '{sha256}'"
        keys = self.rows(f"SELECT object_key FROM documents {wanted}")
        keys += self.rows(f"SELECT object_key FROM certificates {wanted}")
        return bool(keys) and all(self._holds_what_it_says(key) for (key,) in keys)

    def _holds_what_it_says(self, key: str) -> bool:
        digest = key.rpartition("/")[2].partition(".")[0]
        if not self.bucket:
            path = self.objects / key
            return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == digest
        bucket, _, prefix = self.bucket.partition("/")
        try:
            body = self.client.get_object(Bucket=bucket, Key=f"{prefix}/{key}")["Body"].read()
        except self.client.exceptions.NoSuchKey:
            return False
        return hashlib.sha256(body).hexdigest() == digest

    def strays(self) -> set[str]:
        """Objects that nothing names, no row and no event of the audit trail: no erasure would find them."""
        details = [json.loads(detail) for (detail,) in self.rows("SELECT CAST(detail AS TEXT) FROM audit_events")]
        named = {key for detail in details for key in detail.values() if isinstance(key, str)}
        return self._kept() - named - {key for (key,) in self.rows("SELECT object_key FROM documents")}

    def _kept(self) -> set[str]:
        if not self.bucket:
            below = (path.relative_to(self.objects) for path in self.objects.rglob("*") if path.is_file())
            return {path.as_posix() for path in below if not path.parts[0].startswith(".")}
        bucket, _, prefix = self.bucket.partition("/")
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/")
        return {one["Key"].removeprefix(f"{prefix}/") for page in pages for one in page.get("Contents", ())}

    def each_once(self, n: int) -> None:
        """Nothing is lost and nothing twice: every recording has one transcript, and one try that published it."""
        assert self.count("transcripts") == n
        assert self.rows("SELECT sum(published) FROM runs") == [(n,)]
        assert self.count("tries WHERE outcome = 'published'") == n
        assert self.count("audit_events WHERE action = 'recording.publish'") == n
        assert self.count("recordings WHERE state = 'received'") == 0
        assert self.count("tries WHERE ended_at IS NULL") == 0


def _holds(condition: Callable[[], bool]) -> bool:
    try:
        return condition()
    except sa.exc.OperationalError:
        return False


def machine_environ(prefect: str, s3: str = "") -> dict[str, str]:
    """What a worker's environment says of its servers."""
    keys = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    return {
        "PREFECT_API_URL": f"{prefect}/api",
        "no_proxy": "127.0.0.1",
        **({"AWS_ENDPOINT_URL": s3} if s3 else {}),
        **keys,
    }
