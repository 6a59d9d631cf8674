"""The process's memory: what is freed goes back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HOLES = """
import resource
from pathlib import Path
from asr.heap import bound_heap, trim_heap

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

bound_heap()
held = [bytearray(900_000) for _ in range(200)]
# Every other one stays, so that what lies free is holes.
held = [block for number, block in enumerate(held) if number % 2]
before = resident()
trim_heap()
print(before - resident())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc")
def test_what_lies_free_between_what_is_used_goes_back_to_the_system() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", HOLES], check=True, capture_output=True, text=True, cwd=Path(__file__).parents[3]
    )
    assert int(ran.stdout) > 60_000_000
