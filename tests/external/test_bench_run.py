"""`callwright bench run` for real: a call from end to end, and no trace of it but the line in the history."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import soundfile

from tests.external.conftest import COMMAND, ROOT, environ
from tests.servers import free_port


def test_a_call_is_timed_from_end_to_end_apart_from_all_that_the_settings_name(
    tmp_path: Path, whisper_dir: Path, vad_model_path: Path, ner_model_dir: Path
) -> None:
    (tmp_path / "calls").mkdir()
    audio, rate_hz = soundfile.read(ROOT / "sample_audio" / "bank.wav", frames=52_000, dtype="int16")
    soundfile.write(tmp_path / "calls" / "bank.wav", audio, rate_hz, subtype="ULAW")
    dead = f"127.0.0.1:{free_port()}"
    away = (f"storage.database_url=postgresql://{dead}/calls", f"storage.objects_dir={tmp_path}/objects")
    settings = ("transcribe.model=whisper-tiny.en", f"vault.folder={tmp_path}/vault", *away)
    line = [*COMMAND, "bench", "run", "--data", str(tmp_path / "calls"), "--warm-up", "1", "--rounds", "2", "--save"]
    line += ["--json", "--history", str(tmp_path / "bench.jsonl")]
    line += [word for setting in settings for word in ("--set", setting)]
    prefect = {"PREFECT_API_URL": f"http://{dead}/api", "PREFECT_HOME": str(tmp_path / "prefect")}
    around = environ() | prefect | {"TMPDIR": str(tmp_path / "scratch")}
    (tmp_path / "scratch").mkdir()
    done = subprocess.run(line, capture_output=True, text=True, cwd=tmp_path, env=around, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-3:] == ["Warm-up 1 of 1", "Round 1 of 2", "Round 2 of 2"]
    told = json.loads(done.stdout)
    figures = told["figures"]
    assert told["audio_s"] == 6.5
    assert len(figures["x realtime"]) == len(figures["call p99 s"]) == 2
    assert {f"{stage} p50 s" for stage in ("call", "prepare", "transcribe", "redact", "summarise")} <= figures.keys()
    for wall_s, call_s in zip(figures["x realtime"], figures["call p50 s"], strict=True):
        assert 0.0 < call_s <= told["audio_s"] / wall_s
    assert figures["transcribe p50 s"][0] < figures["call p50 s"][0]
    assert figures["CPU s an hour"][0] > 0.0
    assert json.loads((tmp_path / "bench.jsonl").read_text())["figures"] == figures
    assert sorted(os.listdir(tmp_path)) == ["bench.jsonl", "calls", "scratch"]  # noqa: PTH208
    assert list((tmp_path / "scratch").glob("callwright-bench-*")) == []
