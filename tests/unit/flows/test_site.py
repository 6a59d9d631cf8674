"""What a worker hands on to the runs that it starts."""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from configs.load import load
from flows.site import data_dir_here, environment, named, settings_here


def test_another_process_finds_the_same_settings_and_the_same_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "callwright.toml"
    file.write_text('[vad]\nthreshold = 0.4\n[decode]\nheaderless = {".ul" = {codec = "mulaw"}}\n')
    said = [
        "transcribe.batch_size=8",
        'service.sources=["/a b", "s3://calls/in"]',
        "storage.database_url=postgresql://h",
    ]
    settings = load("laptop", said, {}, file)
    monkeypatch.chdir(tmp_path)
    variables = environment(settings, Path("var"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert settings_here() == settings
    assert data_dir_here() == tmp_path / "var"


def test_a_run_is_named_by_flow_time_and_machine() -> None:
    assert re.fullmatch(r"ingest-watch 20\d\d-\d\d-\d\d \d\d:\d\d on \S+", named("ingest-watch")())


class _Hook(BaseHTTPRequestHandler):
    said: bytes = b""

    def do_POST(self) -> None:
        type(self).said = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(500 if self.path == "/broken" else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_an_alert_is_json_and_a_hook_that_fails_is_told_without_its_address(
    prefect_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.failure_alert import tell

    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with HTTPServer(("127.0.0.1", 0), _Hook) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        tell(f"{url}/hook", "ingest-watch is Failed")
        assert json.loads(_Hook.said) == {"text": "ingest-watch is Failed"}
        with pytest.raises(RuntimeError, match="did not take the alert: it answered 500") as caught:
            tell(f"{url}/broken", "again")
        assert url not in str(caught.value)
        server.shutdown()
