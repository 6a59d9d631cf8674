"""What measuring and logging cost a run: `python -m tests.benchmarks.metrics_cost FOLDER [--scrape-s 15]`.

Does the folder's calls with an endpoint that is scraped, and adds up the CPU time of the threads inside what counts,
what answers scrapes, and what logs. Two runs, with and without, differ by less than they vary.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import prometheus_client.exposition

from configs.load import load
from flows.desk import Desk
from flows.meter import Bar
from flows.monitor.engine_counts import EngineCounts
from flows.monitor.tally import Tally
from flows.run import run
from tests.servers import free_port


class Inside:
    """CPU seconds and calls of each function that is counted; what one of them calls itself is counted once."""

    def __init__(self) -> None:
        self.cpu_s: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self._lock, self._here = threading.Lock(), threading.local()

    def count(self, owner: Any, name: str, what: str) -> None:
        """Count all calls of a function from here on."""
        work: Callable[..., Any] = getattr(owner, name)
        self.calls[what], self.cpu_s[what] = 0, 0.0

        def counted(*arguments: Any, **named: Any) -> Any:
            if getattr(self._here, "inside", False):
                return work(*arguments, **named)
            self._here.inside, began_s = True, time.thread_time()
            try:
                return work(*arguments, **named)
            finally:
                self._here.inside, took_s = False, time.thread_time() - began_s
                with self._lock:
                    self.cpu_s[what] += took_s
                    self.calls[what] += 1

        setattr(owner, name, counted)


def main() -> None:
    """Run, and print what it came to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scrape-s", type=float, default=15.0)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    inside, port = Inside(), free_port()
    for name in ("published", "came", "transcribed", "errors", "spent", "engine", "ran"):
        inside.count(Tally, name, "counting")
    inside.count(Desk, "note", "counting")
    inside.count(EngineCounts, "of", "counting")
    inside.count(prometheus_client.exposition, "_bake_output", "answering scrapes")
    inside.count(logging.Logger, "handle", "logging")
    overrides = [f"metrics.listen=127.0.0.1:{port}", *arguments.set]
    over = threading.Event()
    scraper = threading.Thread(target=_scrape, args=(port, arguments.scrape_s, over), daemon=True)
    with tempfile.TemporaryDirectory() as data_dir:
        scraper.start()
        began_s, began_cpu_s = time.perf_counter(), time.process_time()
        result = run([arguments.folder], load(None, overrides, {}, None), Path(data_dir), Bar(quiet=True), again=False)
        wall_s, cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
        over.set()
        scraper.join()
    print(
        f"{result.processed} recordings, {result.audio_s:.0f} s of audio, in {wall_s:.1f} s, {cpu_s:.1f} s of CPU time"
    )
    print("| what | calls | CPU, ms | of the job's CPU time |\n|---|---|---|---|")
    for what, spent_s in inside.cpu_s.items():
        print(f"| {what} | {inside.calls[what]} | {1e3 * spent_s:.1f} | {spent_s / cpu_s:.3%} |")
    whole_s = sum(inside.cpu_s.values())
    print(f"| together | {sum(inside.calls.values())} | {1e3 * whole_s:.1f} | {whole_s / cpu_s:.3%} |")


def _scrape(port: int, every_s: float, over: threading.Event) -> None:
    address = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while not over.wait(every_s):
        try:
            address.open(f"http://127.0.0.1:{port}/metrics", timeout=30).read()
        except OSError:
            continue  # not there yet


if __name__ == "__main__":
    main()
