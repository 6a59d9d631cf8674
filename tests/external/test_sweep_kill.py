"""A sweep is killed with kill -9 at moments all over its life: nothing under hold goes, nothing is half gone unseen.

CALLWRIGHT_KILLS sets how many kills.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from asr.types import Channel, Provenance, Recording
from compliance.types import Document, Hold, RedactedTranscript, RedactedTurn, RedactedWord, Scope
from configs.settings import Settings
from flows.wiring import open_archive
from llm.types import Summary
from storage.ledger import Ledger
from storage.types import AudioFacts, Publication

KILLS = int(os.environ.get("CALLWRIGHT_KILLS", "3"))
N_CALLS = 40
HELD_EVERY = 5
RULES = 'default = "0 days"\n[[rule]]\nkind = "audit"\nkeep = "forever"\n'


@dataclass(frozen=True, slots=True)
class Whole:
    """What there is of one call."""

    source: bool
    objects: int
    rows: int
    open: bool
    done: bool


def publish_all(folder: Path) -> list[Recording]:
    """Publish calls with sources, renderings and rows; every fifth is under hold. Returns their recordings."""
    sources = folder / "in"
    sources.mkdir(parents=True)
    archive = open_archive(Settings(), folder / "var")
    ledger = Ledger(archive.database)
    run_id = archive.repository.begin_run("f", "1")
    found = []
    for number in range(N_CALLS):
        path = sources / f"{number}.wav"
        path.write_bytes(f"sound {number}".encode())
        recording = Recording(hashlib.sha256(path.read_bytes()).hexdigest(), path, 9)
        words = tuple(RedactedWord(f"w{i}", i / 10, i / 10 + 0.1, 0.9) for i in range(20))
        made_by = Provenance("m", "0" * 64, "scripted", "int8", "f", "1")
        turns = (RedactedTurn("agent", Channel.AGENT, words),) * 3
        transcript = RedactedTranscript(path.name, 6.0, (Channel.AGENT,), turns, (), (), "pii", made_by)
        keys = {
            k: archive.objects.put(Document(k, "text/plain", f"{k} {number}".encode()), datetime.now(UTC).date())
            for k in ("json", "vtt")
        }
        summary = Summary("extractive", None, None, (), ())
        facts = AudioFacts(6.0, "WAV", "PCM_16", 8_000)
        archive.repository.publish(run_id, Publication(recording, facts, transcript, summary, keys))
        if number % HELD_EVERY == 0:
            now = datetime.now(UTC)
            ledger.place_hold(Hold(0, Scope.CALL, recording.sha256, "me", "case", now))
        found.append(recording)
    archive.database.dispose()
    (folder / "rules.toml").write_text(RULES)
    return found


def start(folder: Path) -> subprocess.Popen[bytes]:
    command = [str(Path(sys.executable).with_name("callwright")), "sweep", "--data-dir", str(folder / "var")]
    quiet = subprocess.DEVNULL
    rules = ["--set", f"retention.file={folder / 'rules.toml'}"]
    return subprocess.Popen([*command, *rules], stdout=quiet, stderr=quiet, cwd=folder)


def look(folder: Path, recording: Recording, number: int) -> Whole:
    connection = sqlite3.connect(folder / "var" / "callwright.db")
    try:
        [(key,)] = connection.execute("SELECT id FROM recordings WHERE sha256 = ?", (recording.sha256,)).fetchall()
        tables = ("turns", "words", "summaries", "documents", "transcripts")
        rows = sum(
            connection.execute(f"SELECT count(*) FROM {table} WHERE recording_id = ?", (key,)).fetchone()[0]
            for table in tables
        )
        states = connection.execute("SELECT done_at IS NULL FROM erasures WHERE recording_id = ?", (key,)).fetchall()
    finally:
        connection.close()
    objects = 0
    for kind in ("json", "vtt"):
        digest = hashlib.sha256(f"{kind} {number}".encode()).hexdigest()
        objects += len(list((folder / "var" / "objects").glob(f"????/??/??/{digest}.{kind}")))
    return Whole(recording.path.exists(), objects, rows, any(s[0] for s in states), bool(states))


WHOLE = Whole(source=True, objects=2, rows=3 + 60 + 1 + 2 + 1, open=False, done=False)


def check(folder: Path, recordings: list[Recording]) -> int:
    """Every call is whole, or told of in the database; return how many are gone for good."""
    gone = 0
    for number, recording in enumerate(recordings):
        found = look(folder, recording, number)
        if number % HELD_EVERY == 0:
            assert found == WHOLE, f"call {number} is under hold"
        elif found.open:
            continue  # the next sweep knows of it
        elif found.done:
            assert (found.source, found.objects, found.rows) == (False, 0, 0), f"call {number} is half gone"
            gone += 1
        else:
            assert found == WHOLE, f"call {number} is half gone and nothing tells of it"
    return gone


def erasures(folder: Path) -> int:
    connection = sqlite3.connect(f"file:{folder / 'var' / 'callwright.db'}?mode=ro", uri=True)
    try:
        return int(connection.execute("SELECT count(*) FROM erasures").fetchone()[0])
    finally:
        connection.close()


def test_kill(tmp_path: Path) -> None:
    recordings = publish_all(tmp_path)
    partly = 0
    for kill in range(KILLS):
        running = start(tmp_path)
        # The start takes most of the time: wait until so much is intended, then a few steps more, each time others.
        wanted, deadline_s = 3 * (2 + 8 * kill), time.monotonic() + 120
        while erasures(tmp_path) < wanted and running.poll() is None and time.monotonic() < deadline_s:
            time.sleep(0.002)
        time.sleep(0.007 * kill)
        running.send_signal(signal.SIGKILL)
        running.wait()
        gone = check(tmp_path, recordings)
        partly += 0 < gone < N_CALLS * (HELD_EVERY - 1) // HELD_EVERY
    assert partly, "no kill fell into the middle of a sweep"
    assert start(tmp_path).wait(120) == 0
    assert check(tmp_path, recordings) == N_CALLS * (HELD_EVERY - 1) // HELD_EVERY
    verify = [str(Path(sys.executable).with_name("callwright")), "audit", "verify", "--data-dir", str(tmp_path / "var")]
    assert subprocess.run(verify, check=False, capture_output=True).returncode == 0
