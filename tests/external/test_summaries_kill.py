"""kill -9 in the middle of a pass: what was answered is there, and nobody is asked about it again."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

from asr.types import Recording
from configs.load import load as load_settings
from flows.wiring import open_archive
from llm.extractive import quote
from storage.query import read_only
from storage.types import AudioFacts, Publication
from tests.benchmarks.grounding.samples import transcript
from tests.chat_server import SUMMARY, Body, Reply, chat_server, completion

CALLS = 60
AT_ONCE = 4
SAID = [
    ("agent", "Thank you for calling. How may I help you?"),
    ("customer", "Hello. I would like to order a bench."),
    ("agent", "Please read me your card."),
    ("customer", "[CREDIT_CARD]"),
    ("agent", "I have placed your order. You will receive it on Friday."),
]


def number_of(body: Body) -> int:
    return int(body["messages"][1]["content"].rpartition("Bench ")[2].partition(".")[0])


def test_a_killed_pass_goes_on_without_asking_twice(tmp_path: Path, ner_model_dir: Path) -> None:
    archive = open_archive(load_settings(None, [], {}, Path(os.devnull)), tmp_path)
    run_id = archive.repository.begin_run("f", "1")
    for number in range(CALLS):
        said = replace(transcript([*SAID, ("customer", f"Bench {number}.")]), audio=f"{number}.wav")
        recording = Recording(hashlib.sha256(said.audio.encode()).hexdigest(), tmp_path / said.audio, 1_000)
        facts = AudioFacts(60.0, "WAV", "PCM_16", 8_000)
        archive.repository.publish(run_id, Publication(recording, facts, said, quote(said)))

    def summarised() -> set[int]:
        table = read_only(archive.database, "SELECT recording_id FROM summaries WHERE method LIKE 'model:%'", 1_000)
        return {int(str(row[0])) - 1 for row in table.rows}

    def begin(url: str) -> subprocess.Popen[str]:
        sets = [f"llm.base_url={url}", "llm.dialect=json_schema", f"summarise.concurrency={AT_ONCE}"]
        command = [sys.executable, "-m", "flows.cli", "summarise", "--json", "--data-dir", str(tmp_path)]
        return subprocess.Popen(
            [*command, *(part for one in sets for part in ("--set", one))], stdout=subprocess.PIPE, text=True
        )

    with chat_server(lambda *_: Reply(completion(json.dumps(SUMMARY)), wait_s=0.05)) as server:
        first = begin(server.url)
        while len(server.asked) < CALLS // 3:
            assert first.poll() is None
            time.sleep(0.01)
        first.send_signal(signal.SIGKILL)
        first.communicate()
        kept, asked_before = summarised(), len(server.asked)
        assert 0 < len(kept) < CALLS
        second = begin(server.url)
        told = json.loads(second.communicate(timeout=240)[0])
        assert second.returncode == 0
        assert told == {"made": CALLS - len(kept), "dropped": 0, "failed": 0, "why": ""}
        again = {number_of(body) for body in server.asked[asked_before:]}
        times = Counter(number_of(body) for body in server.asked)
    assert not kept & again, "what was kept is asked about once"
    assert summarised() == set(range(CALLS))
    # In flight or answered and not yet kept when it was killed: what is bounded by the calls asked about at once.
    assert sum(times.values()) <= CALLS + 2 * AT_ONCE
    assert archive.repository.verify_audit() is None
    archive.database.dispose()
