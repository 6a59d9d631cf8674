"""A real Prometheus scrapes a run, knows the alerts' rules, and has an answer to every question of every panel."""

from __future__ import annotations

import math
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile

from configs.load import load
from flows.monitor.exposition import checks_of, listening, registry_of
from flows.monitor.panels import BOARDS, RATE
from flows.wiring import open_archive
from tests.benchmarks.drift import Centre, pools
from tests.conftest import NO_FILE
from tests.external.conftest import COMMAND, ROOT, environ
from tests.measured_calls import store_measured
from tests.servers import free_port

RULES = ROOT / "configs/alerts/callwright.yml"

pytestmark = pytest.mark.skipif(
    not (shutil.which("prometheus") and shutil.which("promtool")), reason="Prometheus is not installed"
)

QUERIES = [
    pytest.param(board.name, panel.title, query.promql, id=f"{board.name}: {panel.title}, {query.legend}")
    for board in BOARDS
    for panel in board.panels
    for query in panel.queries
]


@pytest.mark.parametrize(("what", "file"), [("check", RULES), ("test", RULES.with_suffix(".test.yml"))])
def test_the_rules_fire_when_they_should_and_only_then(what: str, file: Path) -> None:
    done = subprocess.run(["promtool", what, "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


class Asked:
    """A Prometheus that scrapes some addresses every second."""

    def __init__(self, folder: Path, targets: list[str]) -> None:
        self.port, config = free_port(), folder / "prometheus.yml"
        listed = ", ".join(f'"{target}"' for target in targets)
        config.write_text(
            f"global: {{scrape_interval: 1s, evaluation_interval: 1s}}\n"
            f'rule_files: ["{RULES}"]\n'
            f"scrape_configs: [{{job_name: callwright, static_configs: [{{targets: [{listed}]}}]}}]\n"
        )
        line = [f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}"]
        line += [f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=error"]
        self.process = subprocess.Popen(["prometheus", *line])

    def get(self, path: str, **parameters: str) -> dict[str, object]:
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}"
        answer = httpx.get(url, params=parameters, trust_env=False).raise_for_status().json()
        found: dict[str, object] = answer["data"]
        return found

    def values(self, promql: str) -> list[float]:
        """The values of a question's answers now, one a series."""
        found = self.get("query", query=promql)["result"]
        assert isinstance(found, list)
        return [float(one["value"][1]) for one in found]


def until(condition: Callable[[], bool], within_s: float = 300.0) -> None:
    deadline_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.2)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory, whisper_dir: Path, vad_model_path: Path) -> Iterator[Asked]:
    """A Prometheus that has scraped a watcher at work, and what `callwright metrics` serves: weeks of calls were
    measured before, and somebody corrects one of the watcher's."""
    folder = tmp_path_factory.mktemp("prometheus")
    drop, data_dir, port = folder / "drop", folder / "data", free_port()
    drop.mkdir()
    for name, start_s in {"bank": 3, "clinic": 12}.items():
        audio, rate_hz = soundfile.read(
            ROOT / f"sample_audio/{name}.wav", start=start_s * 8_000, frames=52_000, dtype="int16"
        )
        soundfile.write(drop / f"{name}.wav", audio, rate_hz, subtype="ULAW")
    overrides = ["transcribe.model=whisper-tiny.en", "ingest.stable_s=0.1", "ingest.poll_s=0.2", "metrics.every_s=1"]
    overrides += ["costs.cpu_hour=0.04", f"metrics.listen=127.0.0.1:{port}", "metrics.check_every_s=5"]
    settings = load(None, overrides, {}, NO_FILE)
    archive = open_archive(settings, data_dir)
    centre, today = Centre(np.random.default_rng(1), pools()), datetime.now(UTC).date()
    days = [today - timedelta(days=before) for before in range(15, 0, -1)]
    store_measured(archive.database, [call for day in days for call in centre.day(day)])
    registry = registry_of(archive, settings, data_dir, checks=checks_of(archive, settings, data_dir))
    line = [*COMMAND, "watch", str(drop), "--data-dir", str(data_dir)]
    for override in overrides:
        line += ["--set", override]
    with listening(registry, "127.0.0.1:0") as other:
        prometheus = Asked(folder, [f"127.0.0.1:{port}", f"127.0.0.1:{other}"])
        watcher = subprocess.Popen(line, cwd=ROOT / "tests", env=environ())
        try:
            until(lambda: _answers(prometheus) and prometheus.values("sum(up)") == [2.0])
            (drop / "broken.wav").write_text("no sound")
            counted = "sum(callwright_recordings_done_total) / count(count by (instance) (callwright_ledger_up))"
            until(lambda: prometheus.values(counted) == [3.0])
            (folder / "bank.txt").write_text("agent: thank you for calling\n")
            correct = ["correct", "bank", "--text", str(folder / "bank.txt"), "--data-dir", str(data_dir)]
            subprocess.run([*COMMAND, *correct], cwd=ROOT / "tests", env=environ(), check=True)
            until(lambda: prometheus.values("callwright_wer_ratio") != [])
            # Of all three, and seen to have grown.
            until(lambda: prometheus.values("min(callwright_cpu_seconds_per_audio_hour)") != [])
            time.sleep(5.5)
            yield prometheus
            watcher.send_signal(signal.SIGTERM)
            assert watcher.wait(timeout=60) == 0
        finally:
            for process in (watcher, prometheus.process):
                process.kill()
                process.wait()


def _answers(prometheus: Asked) -> bool:
    assert prometheus.process.poll() is None
    try:
        return bool(prometheus.get("query", query="up")["result"])
    except httpx.HTTPError:
        return False


@pytest.mark.parametrize(("board", "title", "promql"), QUERIES)
def test_every_panel_has_an_answer(asked: Asked, board: str, title: str, promql: str) -> None:
    found = asked.values(promql.replace(RATE, "5m"))
    # No language model is asked in this run: the time of one of its no answers is 0 / 0.
    assert found if "callwright_llm_answers" in promql else any(map(math.isfinite, found)), found


def test_it_is_of_the_run(asked: Asked) -> None:
    """Both endpoints tell the same of what the processes of the machine did, and of the ledger."""
    for promql, expected in {
        'callwright_recordings_done_total{outcome="published"}': [2.0, 2.0],
        'callwright_recordings{state="quarantined"}': [1.0, 1.0],
        'callwright_errors_total{stage="prepare", kind="skippable"}': [1.0, 1.0],
        "callwright_audit_faults": [0.0],
        "callwright_processes": [1.0, 1.0],
    }.items():
        assert asked.values(promql) == expected, promql
    assert asked.values("callwright_audio_seconds_total") == pytest.approx([13.0, 13.0])


def test_the_rules_are_well(asked: Asked) -> None:
    groups = asked.get("rules")["groups"]
    assert isinstance(groups, list)
    until(lambda: all(rule["health"] == "ok" for group in asked.get("rules")["groups"] for rule in group["rules"]), 20)  # type: ignore[attr-defined]
    assert sum(len(group["rules"]) for group in groups) == 21
