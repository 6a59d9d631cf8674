"""One real run over sound and broken recordings, and what it left behind, down to the last byte."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

import jsonschema
import pytest

ROOT = Path(__file__).parents[2]
SECRET_CALLS = ("bank", "complaint", "order")
SECRET_ENTITIES = {"CREDIT_CARD", "CREDIT_CARD_CVV", "US_SSN"}
BROKEN = {
    "empty.wav": "is empty: 0 bytes",
    "truncated_header.wav": "not audio that can be read",
    "zero_length.wav": "a header but no samples",
    "one_sample.wav": "too short: 1 samples",
    "nan.wav": "not numbers",
    "seven_channels.wav": "has 7 channels",
    "silent.wav": "is silent",
    "clipped.wav": "is clipped",
    "text.wav": "it is text",
    "wrong_extension.mp3": "named .mp3 but holds FLAC",
    "three_khz.wav": "sampled at 3000 Hz",
    "truncated_data.wav": "is cut short",
    "picture.wav": "it is a PNG picture",
}
SLACK_S = 0.3
"""How far a recognised word's times may lie outside of where the script has it."""

Callwright = Callable[..., "CompletedProcess[str]"]


@dataclass(frozen=True, slots=True)
class Night:
    """A run over a folder of recordings: where it worked, and what it said."""

    calls: Path
    data_dir: Path
    run: CompletedProcess[str]

    def rows(self, sql: str) -> list[tuple[str, ...]]:
        connection = sqlite3.connect(self.data_dir / "callwright.db")
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def night(
    tmp_path_factory: pytest.TempPathFactory, callwright: Callwright, ner_model_dir: Path, vad_model_path: Path
) -> Night:
    folder = tmp_path_factory.mktemp("night")
    for name in SECRET_CALLS:
        shutil.copy(ROOT / "sample_audio" / f"{name}.wav", folder)
    shutil.copy(folder / "bank.wav", folder / "bank_again.wav")
    data_dir = folder / "var"
    run = callwright("run", folder, ROOT / "tests" / "broken_audio", "--data-dir", data_dir)
    return Night(folder, data_dir, run)


@pytest.fixture(scope="module")
def raw(callwright: Callwright, night: Night) -> dict[str, dict[str, object]]:
    """The unredacted transcripts of the calls that hold secrets, by name."""
    files = [night.calls / f"{name}.wav" for name in SECRET_CALLS]
    done = callwright("transcribe", *files, "--raw")
    assert done.returncode == 0, done.stderr
    assert "unredacted" in done.stderr
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    schema = json.loads((ROOT / "docs" / "transcript.schema.json").read_text())
    for document in documents:
        jsonschema.validate(document, schema)
    return dict(zip(SECRET_CALLS, documents, strict=True))


def test_broken_recordings_are_quarantined_with_what_is_wrong_and_the_rest_is_published(night: Night) -> None:
    assert night.run.returncode == 1, night.run.stderr
    assert {path.name for path in (ROOT / "tests/broken_audio").iterdir() if path.suffix in (".wav", ".mp3")} == set(
        BROKEN
    )
    quarantined = dict(night.rows("SELECT call, reason FROM v_calls WHERE state = 'quarantined'"))  # type: ignore[arg-type]
    assert set(quarantined) == set(BROKEN)
    for name, what in BROKEN.items():
        assert what in quarantined[name]
        assert f"  {quarantined[name]}" in night.run.stdout
    published = [name for (name,) in night.rows("SELECT call FROM v_calls WHERE state = 'published' ORDER BY 1")]
    assert published == ["bank.wav", "complaint.wav", "order.wav"]
    assert night.rows("SELECT state, published, quarantined FROM runs") == [("completed", 3, len(BROKEN))]


def test_the_same_bytes_under_two_names_are_one_transcript_with_two_sources(night: Night) -> None:
    names = "SELECT s.name FROM sources s JOIN v_calls c USING (recording_id) WHERE c.call = 'bank.wav' ORDER BY 1"
    assert night.rows(names) == [("bank.wav",), ("bank_again.wav",)]
    assert night.run.stdout.count("\nbank.wav ") == 1


def test_a_second_run_finds_nothing_to_do_in_seconds_and_starts_no_server(night: Night, callwright: Callwright) -> None:
    log = night.data_dir / "prefect" / "server.log"
    started_ns = log.stat().st_mtime_ns
    began_s = time.monotonic()
    again = callwright("run", night.calls, "--data-dir", night.data_dir)
    assert again.returncode == 0, again.stderr
    assert "Nothing to do" in again.stdout
    assert time.monotonic() - began_s < 30
    assert log.stat().st_mtime_ns == started_ns
    assert night.rows("SELECT count(*) FROM runs") == [(1,)]


def test_what_was_removed_is_of_the_kinds_that_were_said(night: Night) -> None:
    removed = "SELECT DISTINCT c.call, entity FROM redactions JOIN v_calls c USING (recording_id)"
    found = set(night.rows(removed))
    assert {("bank.wav", "US_SSN"), ("order.wav", "CREDIT_CARD"), ("complaint.wav", "CREDIT_CARD")} <= found
    assert {("order.wav", "CREDIT_CARD_CVV"), ("complaint.wav", "CREDIT_CARD_CVV")} <= found


def test_no_secret_rests_anywhere(night: Night, raw: dict[str, dict[str, object]]) -> None:
    secrets = {secret for name in SECRET_CALLS for secret in _secrets(name, raw[name])}
    for name in SECRET_CALLS:
        said = json.dumps(raw[name])
        found = [secret for secret in _secrets(name, raw[name]) if _pattern(secret).search(said)]
        assert found, f"the search itself finds the secrets of {name} in raw text"
    assert any(_is_short(secret) for secret in secrets)
    for place, text in _places(night):
        for secret in secrets:
            if not _is_short(secret):
                assert not _pattern(secret).search(text), f"{len(secret)} characters of a secret lie in {place}"
    for place, text in _texts(night):
        for secret in secrets:
            assert not _pattern(secret).search(text), f"{len(secret)} characters of a secret lie in {place}"


def test_prefect_and_logs_hold_no_words_of_a_turn(night: Night) -> None:
    sequences = set()
    for (text,) in night.rows("SELECT text FROM turns"):
        words = text.lower().split()
        sequences |= {" ".join(words[at : at + 5]) for at in range(len(words) - 4)}
    assert len(sequences) > 200
    kept = next(text for place, text in _places(night) if place.endswith("callwright.db"))
    assert any(sequence in kept.lower() for sequence in sequences), "the search itself finds them in the database"
    for place, text in _places(night):
        if "callwright.db" in place or "/objects/" in place:
            continue
        lowered = text.lower()
        assert not [sequence for sequence in sequences if sequence in lowered], place


def test_prefect_keeps_no_result_and_only_ids(night: Night) -> None:
    home = night.data_dir / "prefect"
    assert not (home / "storage").exists()
    connection = sqlite3.connect(home / "prefect.db")
    ((name, parameters),) = connection.execute("SELECT name, parameters FROM flow_run")
    assert parameters == '{"run_id": 1}'
    assert re.fullmatch(r"[0-9]+ calls, [0-9]+:[0-9]{2}", name)
    tasks = {name for (name,) in connection.execute("SELECT name FROM task_run")}
    connection.close()
    assert tasks <= {"claim", "prepare", "transcribe", "assemble", "redact", "publish"}


def _places(night: Night) -> Iterator[tuple[str, str]]:
    """Every file below the data folder, every value in a database, and all that the run printed, as text."""
    for path in night.data_dir.rglob("*"):
        if path.is_file():
            yield str(path), path.read_bytes().decode("utf-8", "replace")
    for path in (night.data_dir / "callwright.db", night.data_dir / "prefect" / "prefect.db"):
        connection = sqlite3.connect(path)
        yield f"the values of {path}", "\n".join(connection.iterdump())
        connection.close()
    yield "standard output", night.run.stdout
    yield "standard error", night.run.stderr


def _texts(night: Night) -> Iterator[tuple[str, str]]:
    """What a reader of the results sees: every text in the product's database, its objects, all that was printed."""
    connection = sqlite3.connect(night.data_dir / "callwright.db")
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in tables:
        for row in connection.execute(f"SELECT * FROM {table}"):
            yield f"table {table}", "\n".join(value for value in row if isinstance(value, str))
    connection.close()
    objects = [path for path in (night.data_dir / "objects").rglob("*") if path.is_file()]
    assert tables
    assert objects
    for path in objects:
        yield str(path), path.read_text()
    yield "standard output", night.run.stdout
    yield "standard error", night.run.stderr


def _secrets(name: str, transcript: dict[str, object]) -> Iterator[str]:
    """The numbers of a call as its script says them, as digits, and as they were recognised."""
    reference = json.loads((ROOT / "sample_audio" / f"{name}.json").read_text())
    for entity in reference["entities"]:
        if entity["entity"] not in SECRET_ENTITIES:
            continue
        spoken = entity["text"]
        groups = ["".join(str(_UNITS.index(word)) for word in group.split()) for group in spoken.split(", ")]
        yield from (spoken, spoken.replace(",", ""), "".join(groups), "-".join(groups), " ".join(groups))
        yield from (group for group in [*groups, *spoken.split(", ")] if len(group) >= 3)
        first_s, last_s = entity["start_s"] - SLACK_S, entity["end_s"] + SLACK_S
        heard = [
            word["text"].strip(".,?!")
            for turn in transcript["turns"]  # type: ignore[attr-defined]
            if turn["speaker"] == "customer"
            for word in turn["words"]
            if first_s <= word["start_s"] and word["end_s"] <= last_s
        ]
        numbers = [word for word in heard if sum(map(str.isdigit, word)) >= 3]
        assert numbers or any(word.lower() in _UNITS for word in heard), f"{entity['entity']} of {name} was not heard"
        yield from numbers


_UNITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def _is_short(secret: str) -> bool:
    """So short that three figures of a security code turn up by chance: in page bytes, a process number, an id."""
    return len(secret) <= 8


def _pattern(secret: str) -> re.Pattern[str]:
    """The secret; a short one only as a token: not the end of a time such as 21.738, nor a part of a hash."""
    token = rf"(?<![\w.:-]){re.escape(secret)}(?![\w:-]|\.\d)" if _is_short(secret) else re.escape(secret)
    return re.compile(token, re.IGNORECASE)
