"""kill -9 in the middle of a pass of analyses: what was found is there, and nobody is asked about it again."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from asr.types import Recording
from configs.load import load as load_settings
from flows.wiring import open_archive
from storage.query import read_only
from storage.types import AudioFacts, Publication
from tests.benchmarks.grounding.samples import transcript
from tests.chat_server import Reply, chat_server, completion

CALLS = 40
AT_ONCE = 4
ASKED = '[category.order]\nany = ["order"]\n[question.what]\nask = "What did the customer order?"\n'
ANSWER = {"answer": {"turns": [0], "text": "The customer wanted to order a bench."}}


def test_a_killed_pass_goes_on_without_asking_twice(tmp_path: Path, ner_model_dir: Path) -> None:
    (tmp_path / "mine.toml").write_text(ASKED)
    archive = open_archive(load_settings(None, [], {}, Path(os.devnull)), tmp_path)
    run_id = archive.repository.begin_run("f", "1")
    for number in range(CALLS):
        said = replace(transcript([("customer", "I would like to order a bench.")]), audio=f"{number}.wav")
        recording = Recording(hashlib.sha256(said.audio.encode()).hexdigest(), tmp_path / said.audio, 1_000)
        facts = AudioFacts(60.0, "WAV", "PCM_16", 8_000)
        archive.repository.publish(run_id, Publication(recording, facts, said))

    def kept(kind: str) -> int:
        sql = f"SELECT count(*) FROM v_analyses WHERE kind = '{kind}'"
        return int(str(read_only(archive.database, sql).rows[0][0]))

    def begin(url: str) -> subprocess.Popen[str]:
        own = (f"llm.base_url={url}", "llm.dialect=json_schema", "llm.model=fake-1", f"summarise.concurrency={AT_ONCE}")
        sets = [part for one in (*own, f"analysis.file={tmp_path}/mine.toml") for part in ("--set", one)]
        command = [sys.executable, "-m", "flows.cli", "analyse", "--json", "--data-dir", str(tmp_path), *sets]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    with chat_server(lambda *_: Reply(completion(json.dumps(ANSWER)), wait_s=0.1)) as server:
        first = begin(server.url)
        while len(server.asked) < CALLS // 3:
            assert first.poll() is None
            time.sleep(0.01)
        first.send_signal(signal.SIGKILL)
        first.communicate()
        answered, asked_before = kept("question"), len(server.asked)
        assert kept("category") == CALLS, "rules do not wait for a model"
        assert 0 < answered < CALLS
        second = begin(server.url)
        order, what = json.loads(second.communicate(timeout=240)[0])["differences"]
        assert second.returncode == 0
        assert (order["calls"], what["calls"], what["gained"]) == (0, CALLS - answered, CALLS - answered)
        assert len(server.asked) - asked_before == CALLS - answered
    assert kept("question") == CALLS
    assert archive.repository.verify_audit() is None
    archive.database.dispose()
