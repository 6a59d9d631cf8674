"""Damaged recordings: over 2,000 of them, none of which may crash, hang, take much memory or raise anything untyped.

Recordings in every format that is read are damaged as disks, networks and recorders damage them, most often near their
beginning, where headers are, and read in a process of their own.
"""

from __future__ import annotations

import json
import os
import re
import select
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.encodings import ENCODINGS, TESTS, encode

ROOT = TESTS.parent
MOST_S = 5.0
DURATION_S = 0.4
N_DAMAGED, N_MADE_UP = 2_000, 150
LIMIT_MB = 500

BEGINNINGS = (
    *(b"RIFF\x24\x10\0\0WAVEfmt \x10\0\0\0", b"RF64\xff\xff\xff\xffWAVEds64", b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb"),
    *(
        b"fLaC\0\0\0\x22",
        b"OggS\0\x02" + bytes(20) + b"\x01\x13OpusHead",
        b"OggS\0\x02" + bytes(20) + b"\x01\x1e\x01vorbis",
    ),
    *(
        b"ID3\x04\0\0",
        b"\xff\xfb\x90\x64",
        b"\xff\xf1\x50\x80",
        b"#!AMR\n",
        b"#!AMR-WB\n",
        b".snd\0\0\0\x18",
        b"caff\0\x01\0\0desc",
    ),
    *(
        b"\0\0\0\x18ftypM4A \0\0\0\0",
        b"\x1a\x45\xdf\xa3\x9f",
        b"0&\xb2u\x8ef\xcf\x11\xa6\xd9\0\xaa\0b\xcel",
        b"FORM\0\0\x10\0AIFF",
    ),
    *(b"NIST_1A\n   1024\n", b"Creative Voice File\x1a", b"RIFF\x24\x10\0\0AVI LIST", b""),
)


class Worker:
    """The process that reads; started again after each recording that killed it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seen: Counter[str] = Counter()
        self.grown_mb = 0.0
        self._errors = (folder / "stderr.txt").open("wb")
        self._start()

    def _start(self) -> None:
        # One arena: glibc would set aside 64 MB of addresses for each thread.
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.external.fuzz_worker", str(self.folder)],
            cwd=ROOT,
            env={**os.environ, "MALLOC_ARENA_MAX": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )

    def read(self, name: str, data: bytes) -> str:
        """What became of a recording."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(struct.pack("<II", len(name), len(data)) + name.encode() + data)
            self.process.stdin.flush()
            ready, _, _ = select.select([self.process.stdout], [], [], MOST_S if sum(self.seen.values()) else 60.0)
            line = self.process.stdout.readline() if ready else b""
        except BrokenPipeError:
            ready, line = [self.process.stdout], b""
        if not line:
            self._end()
            verdict = f"died: {(self.folder / 'stderr.txt').read_text()[-800:]}" if ready else "hung"
            self._start()
            return verdict
        answer = json.loads(line)
        self.grown_mb = max(self.grown_mb, answer["grown_mb"])
        kind, *rest = re.split(": | ", answer["verdict"], maxsplit=1)
        self.seen[kind] += 1
        if kind == "read":
            self.seen[rest[0]] += 1
        return str(answer["verdict"])

    def close(self) -> None:
        """End the process, whatever it does."""
        self._end()
        self._errors.close()

    def _end(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    worker = Worker(tmp_path_factory.mktemp("fuzz"))
    yield worker
    worker.close()


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, bytes]]:
    """A short recording in each format, and some of the same bytes as headerless ones."""
    folder = tmp_path_factory.mktemp("sound")
    made = [(encoding.name, encode(folder, encoding, DURATION_S)[0].read_bytes()) for encoding in ENCODINGS]
    bare = next(data for name, data in made if name == "ulaw.wav")[60:]
    headerless = [(f"a.{codec}", bare) for codec in ("mulaw", "pcm_s16le", "gsm", "vox", "g726", "g722")]
    return [*made, ("bank.awb", (TESTS / "encoded_audio" / "bank.awb").read_bytes()), *headerless]


def _places() -> st.SearchStrategy[float]:
    """Where in a file: half of the time in its first few hundred bytes."""
    return st.one_of(st.floats(0, 1), st.integers(0, 400).map(lambda byte: -float(byte)))


DAMAGE = st.tuples(
    st.sampled_from(["flip", "set", "insert", "remove", "cut", "swell", "repeat"]),
    _places(),
    st.binary(min_size=1, max_size=8),
)


def damaged(data: bytes, damage: tuple[str, float, bytes]) -> bytes:
    """The bytes after one accident."""
    kind, place, new = damage
    at = min(int(-place) if place < 0 else int(place * len(data)), len(data))
    before, after = data[:at], data[at:]
    ways = {
        "flip": before + bytes(byte ^ 1 << (new[0] % 8) for byte in after[:1]) + after[1:],
        "set": before + new + after[len(new) :],
        "insert": before + new * (1 + new[0]) + after,
        "remove": before + after[1 + new[0] :],
        "swell": before + b"\xff\xff\xff\x7f" + after[4:],
        "repeat": before + before[-500:] * 3 + after,
        "cut": before,
    }
    return ways[kind]


def _is_fair(worker: Worker, name: str, data: bytes) -> None:
    verdict = worker.read(name, data)
    assert verdict.startswith(("read ", "refused: ")), verdict
    assert not verdict.startswith("refused: ") or name in verdict
    assert str(worker.folder) not in verdict
    assert worker.grown_mb < LIMIT_MB


@pytest.mark.timeout(300)
def test_every_sound_recording_is_read(worker: Worker, recordings: list[tuple[str, bytes]]) -> None:
    """So that what is damaged below would be read if it were not."""
    for name, data in recordings:
        assert worker.read(name, data).startswith("read "), name


@pytest.mark.timeout(300)
@settings(
    max_examples=N_DAMAGED, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
@given(which=st.integers(0, 10_000), accidents=st.lists(DAMAGE, min_size=1, max_size=3))
def test_a_damaged_recording_is_read_or_refused(
    worker: Worker, recordings: list[tuple[str, bytes]], which: int, accidents: list[tuple[str, float, bytes]]
) -> None:
    name, data = recordings[which % len(recordings)]
    for accident in accidents:
        data = damaged(data, accident)
    _is_fair(worker, name, data)


@pytest.mark.timeout(300)
@settings(
    max_examples=N_MADE_UP, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
@given(
    beginning=st.sampled_from(BEGINNINGS), rest=st.binary(max_size=3_000), name=st.sampled_from(["a.wav", "a.mp3", "a"])
)
def test_what_only_begins_like_a_recording_is_read_or_refused(
    worker: Worker, beginning: bytes, rest: bytes, name: str
) -> None:
    _is_fair(worker, name, beginning + rest)


def test_damage_was_neither_harmless_nor_always_deadly(worker: Worker) -> None:
    """After the tests above: decoders were reached, each of them, with damaged bytes."""
    if worker.seen["read"] + worker.seen["refused"] < N_DAMAGED:
        pytest.skip("the tests above did not run in this process")
    assert worker.grown_mb > 0
    assert worker.seen["read"] > 300
    assert worker.seen["refused"] > 300
    assert len(worker.seen.keys() - {"read", "refused"}) > 30
