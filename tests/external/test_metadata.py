"""A folder as a recorder leaves it: a sidecar, a manifest and a name tell of its calls, through the real thing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import jsonschema
import pytest
import soundfile

ROOT = Path(__file__).parents[2]
Callwright = Callable[..., "CompletedProcess[str]"]
NAMED = "out-5551234-100-20260924-101112-1695549072.12"
PAUSE_S = (9.0, 20.0)
SETTINGS = ("--profile", "asterisk", "--set", "metadata.manifest=calls.jsonl", "--set", "metadata.manifest_key=file")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 25 s of a call, with a sidecar and a row, and three more of which one thing or the other is told."""
    folder = tmp_path_factory.mktemp("calls")
    audio, rate_hz = soundfile.read(ROOT / "sample_audio" / "clinic.wav", stop=25 * 8_000, dtype="int16")
    soundfile.write(folder / f"{NAMED}.wav", audio, rate_hz, subtype="ULAW")
    soundfile.write(folder / "refused.wav", audio[:-1], rate_hz, subtype="ULAW")
    soundfile.write(folder / "broken.wav", audio[:-2], rate_hz, subtype="ULAW")
    (folder / f"{NAMED}.json").write_text(json.dumps({"pauses": [PAUSE_S], "agent": "a.smith", "tier": "gold"}))
    (folder / "broken.json").write_text(json.dumps({"pauses": [[20, 60]]}))
    told = [
        {"file": f"{NAMED}.wav", "agent": "outweighed", "queue": "appointments", "language": "en-GB"},
        {"file": "refused.wav", "consent": False},
    ]
    (folder / "calls.jsonl").write_text("".join(json.dumps(row) + "\n" for row in told))
    return folder


def test_a_folder_with_all_three_sources(
    folder: Path, tmp_path: Path, callwright: Callwright, ner_model_dir: Path, vad_model_path: Path
) -> None:
    done = callwright("run", folder, "--data-dir", tmp_path, *SETTINGS, "--set", "metadata.time_zone=Europe/Berlin")
    assert done.returncode == 1, done.stderr
    assert "sidecar broken.json: pauses has [20, 60], past the end of the recording at 25.000 s" in done.stdout
    connection = sqlite3.connect(tmp_path / "callwright.db")
    states = dict(connection.execute("SELECT call, state FROM v_calls").fetchall())
    assert states == {f"{NAMED}.wav": "published", "refused.wav": "skipped", "broken.wav": "quarantined"}
    columns = "call_id, started_at, utc_offset_min, agent, queue, direction, language"
    told = connection.execute(f"SELECT {columns} FROM v_calls WHERE state = 'published'").fetchall()
    assert told == [
        ("1695549072.12", "2026-09-24 08:11:12.000000", 120, "a.smith", "appointments", "outbound", "en"),
    ]
    words = connection.execute("SELECT start_s, end_s FROM words").fetchall()
    connection.close()
    assert words
    assert all(end_s <= PAUSE_S[0] or start_s >= PAUSE_S[1] for start_s, end_s in words)
    shown = callwright("show", NAMED, "--json", "--data-dir", tmp_path)
    facts = json.loads(shown.stdout)
    jsonschema.validate(facts["transcript"], json.loads((ROOT / "docs" / "transcript.schema.json").read_text()))
    assert facts["transcript"]["call"]["queue"] == "appointments"
    assert facts["metadata"]["other"] == {"tier": "gold", "dialled": "5551234", "caller": "100"}
    assert facts["metadata"]["sources"]["call_id"] == "pattern"
    for path in (tmp_path / "prefect").rglob("*"):
        if path.is_file():
            held = path.read_bytes()
            assert not [value for value in (b"a.smith", b"appointments", b"5551234") if value in held], path
    assert "a.smith" not in done.stdout + done.stderr


def test_transcribe_obeys_consent_and_pauses_too(
    folder: Path, callwright: Callwright, vad_model_path: Path, ner_model_dir: Path
) -> None:
    files = (folder / "refused.wav", folder / f"{NAMED}.wav")
    done = callwright("transcribe", *files, *SETTINGS, "--set", "metadata.time_zone=UTC")
    assert done.returncode == 1
    assert "refused.wav is told to be without consent" in done.stderr
    document = json.loads(done.stdout)
    assert document["call"]["started_at"] == "2026-09-24T10:11:12+00:00"
    words = [word for turn in document["turns"] for word in turn["words"]]
    assert words
    assert all(word["end_s"] <= PAUSE_S[0] or word["start_s"] >= PAUSE_S[1] for word in words)
