"""Counting in files that processes share."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import prometheus_client
import pytest
from prometheus_client import values

from flows.metrics import ErrorKind, Outcome, Purpose, Stage
from flows.monitor.engine_counts import EngineCounts
from flows.monitor.tally import Tally, TallyCollector, counting, processes, tally_folder
from llm.types import Answer
from storage.types import RunState

ROOT = Path(__file__).parents[4]

_OTHER = """
import sys
from pathlib import Path
from flows.metrics import Outcome
from flows.monitor.tally import counting
with counting(Path(sys.argv[1])) as tally:
    for _ in range(int(sys.argv[2])):
        tally.came(Outcome.PUBLISHED)
    print("counted", flush=True)
    sys.stdin.read()
"""


def told(data_dir: Path, name: str, **labels: str) -> float | None:
    """A value as an endpoint of this data folder tells it."""
    registry = prometheus_client.CollectorRegistry()
    registry.register(TallyCollector(tally_folder(data_dir)))
    return registry.get_sample_value(name, labels)


def other(data_dir: Path, times: int) -> subprocess.Popen[str]:
    """Another process that counts so often, and stays."""
    pipe = subprocess.PIPE
    line = [sys.executable, "-c", _OTHER, str(data_dir), str(times)]
    process = subprocess.Popen(line, stdin=pipe, stdout=pipe, text=True, cwd=ROOT)
    assert process.stdout is not None
    assert process.stdout.readline() == "counted\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def published(data_dir: Path) -> float | None:
    return told(data_dir, "callwright_recordings_done_total", outcome="published")


def test_processes_are_added_up_and_outlive_themselves(tmp_path: Path) -> None:
    with counting(tmp_path) as tally:
        first = other(tmp_path, 3)
        tally.came(Outcome.PUBLISHED)
        assert published(tmp_path) == 4
        assert processes(tally_folder(tmp_path)) == sorted((os.getpid(), first.pid))
        end(first)
        assert processes(tally_folder(tmp_path)) == [os.getpid()]
        assert published(tmp_path) == 4
        second = other(tmp_path, 2)  # it puts together what the first left
        assert published(tmp_path) == 6
        files = sorted(path.name.partition("-")[0] for path in tally_folder(tmp_path).glob("counter_*.db"))
        assert files == sorted(("counter_ended.db", f"counter_{os.getpid()}", f"counter_{second.pid}"))
        end(second)
    with counting(tmp_path) as tally:
        tally.came(Outcome.PUBLISHED)
    assert published(tmp_path) == 7
    assert processes(tally_folder(tmp_path)) == []


def test_every_series_is_there_from_the_start(tmp_path: Path) -> None:
    with counting(tmp_path):
        pass
    assert published(tmp_path) == 0
    assert told(tmp_path, "callwright_errors_total", stage="prove", kind="unproven") == 0
    assert told(tmp_path, "callwright_call_seconds_bucket", le="+Inf") == 0


def test_what_is_counted(tmp_path: Path) -> None:
    engine = EngineCounts(windows=4, encoded_s=60.0, padding_s=6.0, tokens=90, token_slots=100)
    with counting(tmp_path) as tally:
        tally.errors({("prove", ErrorKind.UNPROVEN): 2, ("prepare", ErrorKind.SKIPPABLE): 1})
        tally.spent({"transcribe": 1.5})
        tally.engine(Stage.TRANSCRIBE, engine)
        tally.ran(RunState.COMPLETED)
        tally.summarised(3, 1)
        question, summary = tally.answers(Purpose.QUESTION), tally.answers(Purpose.SUMMARY)
        question(Answer("{}", prompt_tokens=700, completion_tokens=40), 2.5)
        question(Answer("{", complete=False, prompt_tokens=700, completion_tokens=99), 1.5)
        summary(Answer("{}"), 1.0)
    assert told(tmp_path, "callwright_errors_total", stage="prove", kind="unproven") == 2
    assert told(tmp_path, "callwright_verification_failures_total", stage="prove") == 2
    assert told(tmp_path, "callwright_verification_failures_total", stage="redact") == 0
    assert told(tmp_path, "callwright_cpu_seconds_total", stage="transcribe") == 1.5
    assert told(tmp_path, "callwright_padding_seconds_total", stage="transcribe") == 6.0
    assert told(tmp_path, "callwright_token_slots_total", stage="transcribe") == 100
    assert told(tmp_path, "callwright_runs_total", state="completed") == 1
    assert told(tmp_path, "callwright_summary_failures_total") == 1
    assert told(tmp_path, "callwright_llm_answers_total", purpose="question") == 2
    assert told(tmp_path, "callwright_llm_seconds_total", purpose="question") == 4.0
    assert told(tmp_path, "callwright_llm_prompt_tokens_total", purpose="question") == 1_400
    assert told(tmp_path, "callwright_llm_completion_tokens_total", purpose="question") == 139
    assert told(tmp_path, "callwright_llm_answers_total", purpose="summary") == 1
    assert told(tmp_path, "callwright_llm_prompt_tokens_total", purpose="summary") == 0
    assert told(tmp_path, "callwright_llm_answers_total", purpose="redaction") == 0


def test_a_label_takes_no_value_that_is_not_known(tmp_path: Path) -> None:
    with counting(tmp_path) as tally:
        tally.errors({("4111 1111 1111 1111", ErrorKind.FAULT): 1})
    registry = prometheus_client.CollectorRegistry()
    registry.register(TallyCollector(tally_folder(tmp_path)))
    assert b"4111" not in prometheus_client.generate_latest(registry)


def test_others_series_stay_where_they_are(tmp_path: Path) -> None:
    before = values.ValueClass
    with counting(tmp_path):
        assert values.ValueClass is before
    assert "PROMETHEUS_MULTIPROC_DIR" not in os.environ


@pytest.mark.parametrize(
    "spoilt", [b"", b"\x40\0\0\0" + b"\xff" * 60, b"\x40\0\0\0\0\0\0\0\x08\0\0\0{no json" + b"\0" * 99]
)
def test_a_file_that_was_cut_off_or_spoilt_goes(tmp_path: Path, spoilt: bytes) -> None:
    end(other(tmp_path, 3))
    file = tally_folder(tmp_path) / "counter_999999999.db"
    file.write_bytes(spoilt)
    with counting(tmp_path) as tally:
        tally.came(Outcome.PUBLISHED)
    assert not file.exists()
    assert published(tmp_path) == 4


def test_what_cannot_be_counted_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "metrics").write_text("")
    with counting(tmp_path) as tally:
        tally.came(Outcome.PUBLISHED)
        tally.transcribed(3.0)
        assert tally == Tally()
    assert published(tmp_path) is None
