"""Telling Prometheus, and that nothing is stopped where nobody can be told."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest

from asr.errors import ConfigError, RetryableError
from configs.options import MetricsOptions
from configs.settings import Settings
from flows.cli import call
from flows.metrics import Metric, Outcome, Reading
from flows.monitor.exposition import Teller, checks_of, exposed, listening, registry_of
from flows.monitor.gauges import Gauges
from flows.monitor.tally import counting
from flows.wiring import Archive, open_archive


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return open_archive(Settings(), tmp_path)


class Gateway(HTTPServer):
    """A pushgateway, as far as it takes what is pushed."""

    def __init__(self) -> None:
        self.pushed: dict[str, bytes] = {}
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: Gateway

    def do_PUT(self) -> None:
        self.server.pushed[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:  # type: ignore[override]
        """Say nothing."""


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    monkeypatch.setenv("no_proxy", "*")
    server = Gateway()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def with_metrics(**values: object) -> Settings:
    return Settings(metrics=MetricsOptions.model_validate(values))


def test_an_endpoint_tells_of_work_ledger_and_machine(archive: Archive, tmp_path: Path) -> None:
    registry = registry_of(archive, Settings(), tmp_path, checks=checks_of(archive, Settings(), tmp_path))
    with counting(tmp_path) as tally, listening(registry, "127.0.0.1:0") as port:
        tally.came(Outcome.PUBLISHED)
        text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    for line in (
        'callwright_recordings_done_total{outcome="published"} 1.0',
        'callwright_recordings{state="received"} 0.0',
        "callwright_ledger_up 1.0",
        "callwright_processes 1.0",
        "callwright_audit_faults 0.0",
    ):
        assert line in text.splitlines()
    assert len(text.splitlines()) < 700


def test_a_ledger_that_is_away_is_told(archive: Archive, tmp_path: Path) -> None:
    archive.database.dispose()
    (tmp_path / "callwright.db").write_text("no database")
    registry = registry_of(archive, Settings(), tmp_path)
    assert registry.get_sample_value("callwright_ledger_up") == 0.0
    assert registry.get_sample_value("callwright_audit_events") is None
    assert registry.get_sample_value("callwright_processes") == 0.0


def test_a_source_that_fails_takes_no_other_along() -> None:
    def fails() -> Iterator[Reading]:
        yield Reading(Metric.AUDIT_EVENTS, 1.0)
        raise RetryableError("away")

    read = []

    def counts() -> Iterator[Reading]:
        read.append(1)
        yield Reading(Metric.IN_HAND, 2.0)

    gauges = Gauges([fails, counts], every_s=60.0)
    for _ in range(3):
        assert [family.name for family in gauges.collect()] == ["callwright_in_hand"]
    assert len(read) == 1  # and no more often than it should be


def test_what_takes_long_is_read_in_the_background() -> None:
    may_end = threading.Event()

    def slow() -> Iterator[Reading]:
        may_end.wait(60.0)
        yield Reading(Metric.AUDIT_FAULTS, 0.0)

    gauges = Gauges([slow], every_s=3600.0)
    with gauges.in_background():
        assert list(gauges.collect()) == []  # at once
        may_end.set()
        deadline_s = time.monotonic() + 30.0
        while not list(gauges.collect()):
            assert time.monotonic() < deadline_s
            time.sleep(0.01)


def test_a_file_is_written_while_the_work_goes_on_and_at_its_end(archive: Archive, tmp_path: Path) -> None:
    file = tmp_path / "callwright.prom"
    with counting(tmp_path) as tally, exposed(archive, with_metrics(textfile=str(file), every_s=3600), tmp_path):
        tally.came(Outcome.PUBLISHED)
    assert 'callwright_recordings_done_total{outcome="published"} 1.0' in file.read_text()


def test_a_pushgateway_is_told_at_the_end(archive: Archive, gateway: Gateway, tmp_path: Path) -> None:
    with exposed(archive, with_metrics(push=f"http://127.0.0.1:{gateway.server_port}", every_s=3600), tmp_path):
        assert gateway.pushed == {}
    ((path, body),) = gateway.pushed.items()
    assert path == f"/metrics/job/callwright/instance/{socket.gethostname()}"
    assert b"callwright_ledger_up 1.0" in body


def test_what_cannot_be_told_is_a_warning_once(archive: Archive, tmp_path: Path) -> None:
    warned: list[str] = []
    options = MetricsOptions(push="http://127.0.0.1:1", textfile="/nowhere/at/all.prom")
    teller = Teller(registry_of(archive, Settings(), tmp_path), options, warned.append)
    assert not teller.tell()
    assert not teller.tell()
    assert len(warned) == 2
    assert "127.0.0.1:1" not in " ".join(warned)  # a URL may hold a password


def test_a_port_that_is_taken_stops_no_run(
    archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registry = registry_of(archive, Settings(), tmp_path)
    with listening(registry, "127.0.0.1:0") as port:
        with exposed(archive, with_metrics(listen=f"127.0.0.1:{port}"), tmp_path):
            pass
        with pytest.raises(ConfigError, match="nothing can listen"), listening(registry, f"127.0.0.1:{port}"):
            pass
    assert "The work goes on" in capsys.readouterr().err


def test_as_shipped_nothing_is_told(archive: Archive, tmp_path: Path) -> None:
    before = threading.active_count()
    with exposed(archive, Settings(), tmp_path):
        assert threading.active_count() == before


def test_the_command(archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["metrics", "--data-dir", str(tmp_path)]) == 0
    assert "callwright_retention_overdue_seconds 0.0" in capsys.readouterr().out
    assert call(["metrics", "--data-dir", str(tmp_path), "--json"]) == 0
    assert {"name": "callwright_ledger_up", "labels": {}, "value": 1.0} in json.loads(capsys.readouterr().out)
    file = tmp_path / "x.prom"
    assert call(["metrics", "--data-dir", str(tmp_path), "--textfile", str(file)]) == 0
    assert "callwright_checked_timestamp_seconds" in file.read_text()
    assert call(["metrics", "--data-dir", str(tmp_path), "--push", "http://127.0.0.1:1"]) == 1
    assert call(["metrics", "--data-dir", str(tmp_path), "--textfile", "x.txt"]) == 2
