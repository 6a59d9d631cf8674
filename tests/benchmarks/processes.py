"""One process with a thread for each core, against as many processes with one thread each, pinned to a core.

`python -m tests.benchmarks.processes FOLDER` deals the folder's calls out by length and runs both ways in turn, twice.
The wall time is that of the process which ends last, without loading.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_ROUNDS = 2


def together(shares: Sequence[Sequence[Path]], cores: Sequence[str]) -> str:
    """Transcribe each share in a process of its own on its cores, as taskset has them, all at once."""
    running = [
        subprocess.Popen(
            [
                "taskset",
                "--cpu-list",
                allowed,
                sys.executable,
                "-m",
                "flows.benches.contestants",
                "openvino",
                *map(str, share),
            ],
            stdout=subprocess.PIPE,
        )
        for share, allowed in zip(shares, cores, strict=True)
    ]
    answers = [json.loads(process.communicate()[0]) for process in running]
    wall_s, cpu_s = max(answer["wall_s"] for answer in answers), sum(answer["cpu_s"] for answer in answers)
    rss_mb = sum(answer["rss_mb"] for answer in answers)
    return f"{wall_s:.1f} s, {cpu_s:.1f} s of CPU time, {rss_mb:.0f} MB"


def main(folder: str) -> None:
    """Both ways, in turn."""
    allowed = [str(core) for core in sorted(os.sched_getaffinity(0))]
    calls = sorted(Path(folder).glob("*.wav"), key=lambda path: -path.stat().st_size)
    dealt = [calls[at :: len(allowed)] for at in range(len(allowed))]
    for _ in range(_ROUNDS):
        print(f"one process of {len(allowed)} threads: {together([calls], [','.join(allowed)])}", flush=True)
        print(f"{len(allowed)} pinned processes: {together(dealt, allowed)}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
