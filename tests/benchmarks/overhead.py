"""What all but models costs: `python -m tests.benchmarks.overhead [sqlite|postgresql] [--calls N] [--profile FILE]`.

So many recordings of 5 s, each of other bytes and with a sidecar that tells of it, lie in a folder. `callwright watch
--once` does them in this process, through Prefect's server, with models that say what they are told to. Decoding,
hearing, assembling and redacting are taken off: what is left is ingest, the flow and storage. Printed after each tenth
part: wall and CPU ms a recording, CPU of the database's and of Prefect's server beside it, and the memory of this
process.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import resource
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from configs.load import load
from tests.ingest_site import machine_environ
from tests.scripted_worker import load_these, recording
from tests.servers import Postgres, Prefect

CALL_S = 5.0
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Taken:
    """Seconds of wall and of CPU that were spent in what is not measured here."""

    wall_s: float = 0.0
    """In which one thread or more were at it."""
    cpu_s: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)
    _at_it: int = 0
    _began_s: float = 0.0

    def off(self, work: Callable[..., Any]) -> Callable[..., Any]:
        """The same work, taken off."""

        def timed(*arguments: Any, **named: Any) -> Any:
            cpu_s = time.thread_time()
            with self.lock:
                self._began_s = self._began_s if self._at_it else time.perf_counter()
                self._at_it += 1
            try:
                return work(*arguments, **named)
            finally:
                with self.lock:
                    self._at_it -= 1
                    self.wall_s += 0.0 if self._at_it else time.perf_counter() - self._began_s
                    self.cpu_s += time.thread_time() - cpu_s

        return timed


def cpu_s_of(first_pid: int) -> float:
    """CPU seconds of a process and of all that it started, those that are over too."""
    parents, own = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        pid = int(stat.parent.name)
        parents[pid], own[pid] = int(fields[1]), sum(map(int, fields[11:15])) / _TICKS
    ours = {first_pid}
    while more := {pid for pid, parent in parents.items() if parent in ours} - ours:
        ours |= more
    return sum(own.get(pid, 0.0) for pid in ours)


def main() -> None:
    """Make the recordings, do them, and print what that took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("sqlite", "postgresql"))
    parser.add_argument("--calls", type=int, default=1_000)
    parser.add_argument("--profile")
    arguments = parser.parse_args()
    with ExitStack() as opened:
        root = Path(opened.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        root.chmod(0o755)
        url, servers = f"sqlite:///{root}/calls.db", {}
        if arguments.kind == "postgresql":
            postgres = Postgres(root / "postgres", durable=True)
            postgres.folder.mkdir()
            postgres.make()
            postgres.start()
            opened.callback(postgres.stop)
            url = postgres.url
            servers["database"] = int((postgres.folder / "data/postmaster.pid").read_text().split()[0])
        address = os.environ.get("PREFECT_API_URL", "").removesuffix("/api")
        if not address:
            prefect = Prefect(root / "prefect")
            prefect.start()
            opened.callback(prefect.kill)
            servers["Prefect"], address = prefect.pid, prefect.url
        os.environ |= machine_environ(address) | {"PREFECT_HOME": str(root / "home")}
        drop = root / "drop"
        drop.mkdir()
        for number in range(arguments.calls):
            (drop / f"{number:06}.wav").write_bytes(recording(number, CALL_S, 2))
            told = {"call_id": f"c{number}", "agent": f"a{number % 50}", "queue": f"q{number % 5}", "consent": True}
            (drop / f"{number:06}.json").write_text(json.dumps(told))
        measure(drop, url, root / "data", servers, arguments)


def measure(drop: Path, url: str, data_dir: Path, servers: dict[str, int], arguments: argparse.Namespace) -> None:
    """Do all that lies in a folder."""
    from flows import preparation, stages, watch
    from flows.inlets.folder import FolderInlet
    from flows.meter import Bar

    taken = Taken()
    preparation.prepare = taken.off(preparation.prepare)
    for name in ("hear", "assemble", "redact"):
        setattr(stages, name, taken.off(getattr(stages, name)))
    overrides = (f"storage.database_url={url}", "ingest.complete=rename", "ingest.stable_s=0")
    settings = load(None, overrides, {}, Path(os.devnull))
    load_these(0.0, settings)
    profile = cProfile.Profile()
    print(f"{arguments.calls:,} recordings of {CALL_S:g} s on {arguments.kind}; ms a recording\n")
    print(f"| done | wall | CPU | {' | '.join(f'CPU of {name}' for name in servers)} | left out: CPU | RSS MB |")
    print(f"|---:|---:|---:|{'---:|' * len(servers)}---:|---:|")
    done = told = 0
    before = (time.perf_counter(), time.process_time(), *map(cpu_s_of, servers.values()))
    before_taken = (0.0, 0.0)

    def report(cycle: watch.Cycle) -> None:
        nonlocal done, told, before, before_taken
        done += cycle.settled.get("published", 0)
        assert not cycle.troubles, cycle.troubles
        if done - told >= arguments.calls / 10:
            now = (time.perf_counter(), time.process_time(), *map(cpu_s_of, servers.values()))
            off = (taken.wall_s, taken.cpu_s)
            wall, cpu, *others = ((a - b) * 1_000 / (done - told) for a, b in zip(now, before, strict=True))
            off_wall, off_cpu = ((a - b) * 1_000 / (done - told) for a, b in zip(off, before_taken, strict=True))
            rss_mb = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6
            rest = " | ".join(f"{one:.1f}" for one in others)
            print(
                f"| {done:,} | {wall - off_wall:.1f} | {cpu - off_cpu:.1f} | {rest} | {off_cpu:.1f} | {rss_mb:.0f} |",
                flush=True,
            )
            told, before, before_taken = done, now, off

    stop = threading.Event()
    with watch.watching([FolderInlet(drop, settings)], settings, data_dir, stop, lambda: Bar(quiet=True)) as watcher:
        if arguments.profile:
            profile.enable()
        watch.watch(watcher, stop, report, once=True)
        profile.disable()
    assert done == arguments.calls, done
    if arguments.profile:
        profile.dump_stats(arguments.profile)


if __name__ == "__main__":
    main()
