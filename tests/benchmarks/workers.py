"""Three workers against one: `python -m tests.benchmarks.workers [--calls N] [--each-s S]`.

Each is a machine of its own, with a data folder of its own, in a process of its own; they share a PostgreSQL, a bucket
of S3 out of which they fetch recordings of 1 s, and Prefect's server. The engine sleeps for each recording, so that how
they share the work is measured, and not who has the cores. At last one of three is killed in mid-work.
"""

from __future__ import annotations

import argparse
import time

from tests.benchmarks.drills import OnS3, Park, park

IN_HAND = ("batch.group_audio_s=2", "ingest.batch_recordings=8")


class Sharing(OnS3):
    """Some workers on one bucket, in which all recordings lie before they begin."""

    overrides = IN_HAND
    objects_in_s3 = False

    def __init__(self, made: Park, workers: int, calls: int, each_s: float) -> None:
        self.workers, self.calls, self.each_s = workers, calls, each_s
        super().__init__(made, "sharing", 1)

    def prepare(self) -> None:
        self.prefix = f"in-{self.site.root.name}"
        self.came = self.park.upload(self.prefix, list(range(self.calls)))
        super().prepare()

    def take_s(self, *, kill: bool = False) -> float:
        """Seconds until all is published; from when all workers are up."""
        began_s = time.monotonic()
        if kill:
            self.site.until(lambda: self.site.count("tries WHERE outcome = 'published'") > self.calls // 3, 300.0)
            self.site.workers.pop().kill()
        self.site.until(self.is_over, 600.0)
        return time.monotonic() - began_s


def main() -> None:
    """Print a row for one worker, for three, and for three of which one is killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=72)
    parser.add_argument("--each-s", type=float, default=1.0)
    arguments = parser.parse_args()
    print(f"{arguments.calls} recordings, {arguments.each_s:g} s of sleep each; {', '.join(IN_HAND)}\n")
    print("| workers | s | recordings a s | times one worker | published by each | lost | doubled |")
    print("|---|---:|---:|---:|---|---:|---:|")
    alone_s = 0.0
    with park(0.0) as made:
        for workers, kill in ((1, False), (3, False), (3, True)):
            sharing = Sharing(made, workers, arguments.calls, arguments.each_s)
            took_s = sharing.take_s(kill=kill)
            alone_s = alone_s or took_s
            tally = sharing.site.tally(sharing.came)
            by_owner = "SELECT count(*) FROM tries WHERE outcome = 'published' GROUP BY owner ORDER BY 1 DESC"
            shares = ", ".join(str(count) for (count,) in sharing.site.rows(by_owner))
            name = f"{workers}, one killed" if kill else str(workers)
            rate, times = arguments.calls / took_s, alone_s / took_s
            print(
                f"| {name} | {took_s:.1f} | {rate:.2f} | {times:.2f} | {shares} | {tally.lost} | {tally.doubled} |",
                flush=True,
            )
            sharing.end()


if __name__ == "__main__":
    main()
