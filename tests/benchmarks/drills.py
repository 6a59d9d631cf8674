"""Faults, each a drill on a site of its own: recordings come in, the fault is made in mid-work, and it is mended.

`callwright watch` works in processes of its own, through Prefect's server, on PostgreSQL with a data folder a machine
or on SQLite, from folders, S3 and SQS; models say what they are told to (tests/scripted_worker.py). What makes each so
often, and counts: faults.py.

Where PREFECT_API_URL names a server on this machine, that one is used; it cannot be killed.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import random
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import boto3

from tests.ingest_site import LEASE_S, Site, machine_environ
from tests.scripted_worker import POISON_S, recording
from tests.servers import Moto, Postgres, Prefect
from tests.wire import State, Wire

N = 6
"""Recordings a try."""
EACH_S = 0.1
RECOVERED_WITHIN_S = 600.0
_BEGUN_WITHIN_S = 1_800.0
"""On a machine with much else to do."""
_LOOK_EVERY_S = 0.2
_POLL = "ingest.poll_s=0.5"
"""Seldom enough that many workers that wait cost little."""
_QUEUE, _BUCKET = "events", "calls"
_DISK_MB = 24


@dataclass(slots=True)
class Park:
    """All servers, with a wire to each, by which workers reach them."""

    root: Path
    cut_s: float
    prefect: Prefect
    moto: Moto
    postgres: Postgres
    to_prefect: Wire
    to_moto: Wire
    to_postgres: Wire
    making: threading.Lock = field(default_factory=threading.Lock)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    objects: dict[str, bytes] = field(default_factory=dict)
    """What S3 held when it was last killed: a new moto is given it again."""

    def site(self, kind: str, *overrides: str, objects_in_s3: bool = False) -> Site:
        """A place of its own, with a database of its own."""
        number = next(self.numbers)
        root = self.root / f"site-{number}"
        root.mkdir()
        environ = machine_environ(f"http://127.0.0.1:{self.to_prefect.port}", f"http://127.0.0.1:{self.to_moto.port}")
        if kind == "sqlite":
            site = Site(root, f"sqlite:///{root}/calls.db", environ, overrides=(_POLL, *overrides))
        else:
            name = f"site_{number}"
            with self.making:  # one at a time copies the template
                self.postgres.execute(f"CREATE DATABASE {name}")
            theirs, ours = (self.postgres.url_by(port, name) for port in (self.to_postgres.port, self.postgres.port))
            site = Site(root, ours, environ, theirs, (_POLL, *overrides))
        if objects_in_s3:
            site.bucket, site.client = f"{_BUCKET}/objects-{number}", self.client("s3")
        site.drop.mkdir()
        return site

    def client(self, name: str) -> Any:
        """A client of S3 or SQS that goes by no wire."""
        keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
        return boto3.client(name, endpoint_url=self.moto.url, **keys)

    def kill_moto(self) -> None:
        """Kill it once nobody reaches it any more: what it told somebody that it has is noted, as on a disk."""
        client, pages = self.client("s3"), self.client("s3").get_paginator("list_objects_v2")
        keys = [one["Key"] for page in pages.paginate(Bucket=_BUCKET) for one in page.get("Contents", ())]
        self.objects = {key: client.get_object(Bucket=_BUCKET, Key=key)["Body"].read() for key in keys}
        self.moto.kill()

    def start_moto(self) -> None:
        """Start it with all that it held, as a server with a disk would."""
        self.moto.start()
        self.client("s3").create_bucket(Bucket=_BUCKET)
        for key, body in self.objects.items():
            self.client("s3").put_object(Bucket=_BUCKET, Key=key, Body=body)

    def upload(self, prefix: str, numbers: list[int]) -> set[str]:
        """Put recordings into S3, and return their SHA-256."""
        bodies = {f"{prefix}/{number}.wav": recording(number) for number in numbers}
        for key, body in bodies.items():
            self.client("s3").put_object(Bucket=_BUCKET, Key=key, Body=body)
        return {hashlib.sha256(body).hexdigest() for body in bodies.values()}


@contextmanager
def park(cut_s: float) -> Iterator[Park]:
    """All servers, until the block ends."""
    with ExitStack() as opened:
        root = Path(opened.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        root.chmod(0o755)
        prefect, moto, postgres = Prefect(root / "prefect"), Moto(root / "moto"), Postgres(root / "postgres")
        postgres.folder.mkdir()
        postgres.make()
        for server in (postgres, prefect, moto):
            opened.callback(server.stop if isinstance(server, Postgres) else server.kill)
        postgres.start()
        if address := os.environ.get("PREFECT_API_URL"):
            prefect.port = int(address.removesuffix("/api").rpartition(":")[2])
        else:
            prefect.start()
        wires = [Wire(server.port) for server in (prefect, moto, postgres)]
        made = Park(root, cut_s, prefect, moto, postgres, *wires)
        made.start_moto()
        yield made


class Drill:
    """One fault, over and over, on one site."""

    kind = "postgresql"
    workers = 1
    each_s = EACH_S
    moments_s = 0.3
    overrides: tuple[str, ...] = ()
    objects_in_s3 = False

    def __init__(self, park: Park, name: str, number: int) -> None:
        """`number` is that of its first try."""
        self.park, self.moment, self.number = park, random.Random(f"{name} {number}"), number  # noqa: S311
        self.site = park.site(self.kind, *self.overrides, objects_in_s3=self.objects_in_s3)
        self.sources: tuple[str, ...] = ()
        self.next = 0
        self.came: set[str] = set()
        self.strays: set[str] = set()
        self.prepare()

    def prepare(self) -> None:
        """Before the first try."""
        for machine in range(self.workers):
            self.site.start(self.each_s, sources=self.sources, machine=machine)

    def once(self) -> float:
        """One try; return how long the recovery took. `came` are the recordings that are to be done."""
        before = self.site.count("tries")
        self.came = self.come_in()
        self.reach_mid_work(before)
        self.fault()
        self.number += 1
        return self.site.until(self.is_over, RECOVERED_WITHIN_S, _LOOK_EVERY_S)

    def come_in(self) -> set[str]:
        """Recordings come in; return their SHA-256."""
        return self.site.fill(self.numbers())

    def numbers(self) -> list[int]:
        """The next recordings."""
        self.next += N
        return list(range(self.next - N, self.next))

    def reach_mid_work(self, tries: int) -> None:
        """Wait until work has begun, where there were so many tries before, then for a random number of recordings to
        be published, and a moment more."""
        published = self.moment.randrange(N - 1)
        begun = partial(self.is_at, tries, published)
        self.site.until(begun, _BEGUN_WITHIN_S, _LOOK_EVERY_S)
        time.sleep(self.moment.random() * self.moments_s)

    def has_begun(self, tries: int) -> bool:
        """Whether there are more tries than there were, so that work is going on."""
        return self.site.count("tries") > tries

    def is_at(self, tries: int, published: int) -> bool:
        """Whether work has begun, and so many of those that came are published."""
        return self.has_begun(tries) and len(self.came & self.site.all_published()) >= published

    def fault(self) -> None:
        """Make the fault, and mend it."""
        raise NotImplementedError

    def is_over(self) -> bool:
        """Whether all is done that is to be. Raises AssertionError if a worker died that nobody killed."""
        assert self.is_well(), "a worker died that nobody killed"
        return self.site.published(self.came) and not self.site.count("arrivals WHERE settled_at IS NULL")

    def is_well(self) -> bool:
        """Whether the workers that were not killed are still there."""
        return all(worker.is_alive() for worker in self.site.workers)

    def new_strays(self) -> int:
        """How many objects no row names, beside those that were told of before."""
        before, self.strays = self.strays, self.site.strays()
        return len(self.strays - before)

    def end(self) -> None:
        """After the last try."""
        self.site.end()


class KilledAndRestarted(Drill):
    """kill -9 of the flow's process; another on the same machine"""

    def fault(self) -> None:
        worker = self.site.workers.pop()
        worker.kill()
        worker.join()
        self.site.start(self.each_s, machine=0)


class KilledOnSqlite(KilledAndRestarted):
    """the same, on SQLite"""

    kind = "sqlite"


class OneOfTwoKilled(Drill):
    """kill -9 of one of two workers; the other takes over by leases"""

    workers = 2

    def prepare(self) -> None:
        super().prepare()
        self.machines = count(2)

    def fault(self) -> None:
        worker = self.site.workers.pop(0)
        worker.kill()
        worker.join()

    def once(self) -> float:
        if len(self.site.workers) < self.workers:  # for the next try; not counted as recovery
            self.site.start(self.each_s, machine=next(self.machines))
        return super().once()


class PrefectKilled(Drill):
    """kill -9 of Prefect's server; started again"""

    def fault(self) -> None:
        self.park.prefect.kill()
        time.sleep(1.0)
        self.park.prefect.start()


class DatabaseStopped(Drill):
    """immediate stop of PostgreSQL; started again"""

    def fault(self) -> None:
        self.park.postgres.stop()
        time.sleep(1.0)
        self.park.postgres.start()


class DatabaseKilled(Drill):
    """kill -9 of PostgreSQL; started again"""

    def fault(self) -> None:
        self.park.postgres.kill()
        self.park.postgres.start()


class OnS3(Drill):
    """Recordings lie in S3, and objects are kept there: it is needed before the work, and after it."""

    objects_in_s3 = True

    def prepare(self) -> None:
        self.prefix = f"in-{self.site.root.name}"
        self.sources = (f"s3://{_BUCKET}/{self.prefix}/",)
        super().prepare()

    def come_in(self) -> set[str]:
        return self.park.upload(self.prefix, self.numbers())

    def has_begun(self, tries: int) -> bool:
        return True


class S3Killed(OnS3):
    """kill -9 of the S3 server; started again"""

    def fault(self) -> None:
        with self.park.to_moto.being(State.REFUSING):  # until it has again what a server with a disk would have
            self.park.kill_moto()
            self.park.start_moto()


class Cut(Drill):
    """A wire is cut: every second time nothing is told, else connections are reset."""

    wire = "to_postgres"

    def fault(self) -> None:
        with getattr(self.park, self.wire).being((State.REFUSING, State.SILENT)[self.number % 2]):
            time.sleep(self.park.cut_s)


class DatabaseCut(Cut):
    """network cut to the database"""


class PrefectCut(Cut):
    """network cut to Prefect's server"""

    wire = "to_prefect"


class S3Cut(Cut, OnS3):
    """network cut to S3"""

    wire = "to_moto"


class S3Busy(OnS3):
    """S3 answers 503"""

    def fault(self) -> None:
        with self.park.to_moto.being(State.BUSY):
            time.sleep(1.0)


class S3Slow(OnS3):
    """S3's bodies are slow"""

    def fault(self) -> None:
        with self.park.to_moto.being(State.SLOW):
            time.sleep(2.0)


class DiskFull(Drill):
    """disk full: a tmpfs with the data folder, objects and SQLite"""

    kind = "sqlite"

    def prepare(self) -> None:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_DISK_MB}m", "none", self.site.root], check=True)
        self.site.drop.mkdir()
        super().prepare()

    def fault(self) -> None:
        ballast = self.site.root / "ballast"
        with ballast.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4_096))
            except OSError:
                pass
            time.sleep(1.0)
        ballast.unlink()

    def end(self) -> None:
        super().end()
        subprocess.run(["umount", "-l", self.site.root], check=True)


class ClockJumps(Drill):
    """clock jumps by an hour, on and back, with two workers"""

    workers = 2

    def prepare(self) -> None:
        self.site.jump = multiprocessing.get_context("forkserver").Value("d", 0.0)
        super().prepare()

    def fault(self) -> None:
        assert self.site.jump is not None
        self.site.jump.value = 0.0 if self.site.jump.value else self.moment.choice((3_600.0, -3_600.0))


class EventsTwice(OnS3):
    """events come twice, late and in another order"""

    def prepare(self) -> None:
        made = self.park.client("sqs").create_queue(QueueName=f"{_QUEUE}-{self.site.root.name}")
        self.queue = str(made["QueueUrl"]).replace(str(self.park.moto.port), str(self.park.to_moto.port))
        self.prefix = f"in-{self.site.root.name}"
        self.sources = (self.queue,)
        Drill.prepare(self)

    def come_in(self) -> set[str]:
        numbers = self.numbers()
        sha256s = self.park.upload(self.prefix, numbers)
        self.told = [key for number in numbers for key in [f"{self.prefix}/{number}.wav"] * 2]
        self.moment.shuffle(self.told)
        self._tell(self.told[:N])
        return sha256s

    def reach_mid_work(self, tries: int) -> None:
        time.sleep(self.moment.random() * N * self.each_s)

    def fault(self) -> None:
        self._tell([*self.told[N:], *self.told[: N // 2]])

    def is_over(self) -> bool:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        url = self.queue.replace(str(self.park.to_moto.port), str(self.park.moto.port))
        left = self.park.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return not sum(int(left[name]) for name in names) and super().is_over()

    def _tell(self, keys: list[str]) -> None:
        url = self.queue.replace(str(self.park.to_moto.port), str(self.park.moto.port))
        for key in keys:
            put = {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": _BUCKET}, "object": {"key": key}}}
            self.park.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps({"Records": [put]}))


class Grows(Drill):
    """a file grows while it is read"""

    overrides = ("ingest.complete=stable", "ingest.stable_s=1.0")

    def come_in(self) -> set[str]:
        bodies = {self.site.drop / f"{number}.wav": recording(number) for number in self.numbers()}
        for part in range(4):
            for path, body in bodies.items():
                with path.open("ab") as file:
                    file.write(body[part * len(body) // 4 : (part + 1) * len(body) // 4])
            time.sleep(self.moment.random() * 0.6)
        return {hashlib.sha256(body).hexdigest() for body in bodies.values()}

    def reach_mid_work(self, tries: int) -> None:
        pass

    def fault(self) -> None:
        """It was made as they came in."""

    def is_over(self) -> bool:
        assert self.site.count("recordings") <= self.next, "part of a file was taken for a recording"
        return super().is_over()


class Race(Drill):
    """two workers race for each recording"""

    workers = 2
    each_s = 0.0

    def reach_mid_work(self, tries: int) -> None:
        pass

    def fault(self) -> None:
        """There is none but that both want the same."""


class Stopped(Drill):
    """a worker stands still past its lease, and goes on"""

    workers = 2

    def fault(self) -> None:
        worker = self.site.workers[self.moment.randrange(2)]
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGSTOP)
        time.sleep(LEASE_S * 1.5)
        os.kill(worker.pid, signal.SIGCONT)


class Poison(Drill):
    """a recording kills whoever hears it; the worker is started again"""

    def prepare(self) -> None:
        self.put_aside = 0

    def once(self) -> float:
        self.came = self.come_in()
        self.site.put(f"poison-{self.next}.wav", recording(1_000_000 + self.next, POISON_S))
        self.put_aside += 1
        began_s = time.monotonic()
        while self.site.start(0.0, machine=0, once=True).join() or self.site.workers.pop().exitcode:
            assert time.monotonic() - began_s < RECOVERED_WITHIN_S
        assert self.site.count("recordings WHERE state = 'quarantined'") == self.put_aside
        assert self.is_over()
        return time.monotonic() - began_s


DRILLS: dict[str, type[Drill]] = {
    "killed": KilledAndRestarted,
    "killed-sqlite": KilledOnSqlite,
    "one-of-two": OneOfTwoKilled,
    "prefect": PrefectKilled,
    "database-stop": DatabaseStopped,
    "database-kill": DatabaseKilled,
    "s3": S3Killed,
    "cut-database": DatabaseCut,
    "cut-prefect": PrefectCut,
    "cut-s3": S3Cut,
    "s3-503": S3Busy,
    "s3-slow": S3Slow,
    "disk": DiskFull,
    "clock": ClockJumps,
    "events": EventsTwice,
    "grows": Grows,
    "race": Race,
    "stopped": Stopped,
    "poison": Poison,
}
