"""A process that publishes is killed at random moments: every recording is there whole, or not at all."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from storage.repository import Repository
from storage.session import migrate, open_database, reading

PUBLISHER = """
import hashlib, itertools, sys
from pathlib import Path
from asr.types import Channel, Provenance, Recording
from compliance.types import RedactedTranscript, RedactedTurn, RedactedWord, Redaction
from llm.types import Summary
from storage.repository import Repository
from storage.session import migrate, open_database
from storage.types import AudioFacts, Publication

engine = open_database(sys.argv[1])
repository = Repository(engine)
run = repository.begin_run("f", "1")
words = tuple(RedactedWord(f"w{i}", i / 10, i / 10 + 0.1, 0.9) for i in range(20))
print("ready", flush=True)
for number in itertools.count():
    # Few names, so that most calls replace what an earlier one left; always 20 words a turn.
    name = f"{number % 7}.wav"
    recording = Recording(hashlib.sha256(name.encode()).hexdigest(), Path("/calls") / name, 1)
    turns = tuple(RedactedTurn("agent", Channel.AGENT, words) for _ in range(20 + number % 60))
    redactions = tuple(Redaction("PERSON", Channel.AGENT, i, 0, 1, 0.0, 0.1) for i in range(len(turns)))
    transcript = RedactedTranscript(
        name, 60.0, (Channel.AGENT,), turns, (), redactions, "pii",
        Provenance("m", "0" * 64, "scripted", "int8", "f", "1"),
    )
    summary = Summary("extractive", None, None, (), ())
    audio = AudioFacts(60.0, "WAV", "PCM_16", 8000)
    repository.publish(run, Publication(recording, audio, transcript, summary))
"""

WHOLE = """
SELECT r.state, t.words,
  (SELECT count(*) FROM turns x WHERE x.recording_id = r.id) AS turns,
  (SELECT count(*) FROM words x WHERE x.recording_id = r.id) AS words_there,
  (SELECT count(*) FROM redactions x WHERE x.recording_id = r.id) AS redactions,
  (SELECT count(*) FROM summaries x WHERE x.recording_id = r.id) AS summaries,
  (SELECT count(*) FROM sources x WHERE x.recording_id = r.id) AS sources
FROM recordings r LEFT JOIN transcripts t ON t.recording_id = r.id
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/calls.db"
    engine = open_database(url)
    migrate(engine)
    engine.dispose()
    return url


def test_kill_at_any_moment(url: str) -> None:
    moments = random.Random(20_260_101)  # noqa: S311
    for _ in range(10):
        with subprocess.Popen([sys.executable, "-c", PUBLISHER, url], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            time.sleep(moments.uniform(0.0, 0.4))
            assert process.poll() is None
            process.send_signal(signal.SIGKILL)
        engine = open_database(url)
        check(engine)
        engine.dispose()


def check(engine: sa.Engine) -> None:
    with reading(engine) as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
        rows = connection.exec_driver_sql(WHOLE).all()
        published = connection.exec_driver_sql("SELECT sum(published) FROM runs").scalar()
        events = connection.exec_driver_sql(
            "SELECT count(*) FROM audit_events WHERE action = 'recording.publish'"
        ).scalar()
    for row in rows:
        assert row.state == "published"
        assert row.words == row.words_there == 20 * row.turns
        assert row.redactions == row.turns > 0
        assert (row.summaries, row.sources) == (1, 1)
    assert published == events
    repository = Repository(engine)
    assert repository.verify_audit() is None
    repository.begin_run("after", "1")
    last = repository.overview().last_run
    assert last is not None
    with reading(engine) as connection:
        states = connection.exec_driver_sql("SELECT state FROM runs ORDER BY id").scalars().all()
    assert states == ["interrupted"] * (len(states) - 1) + ["running"]
