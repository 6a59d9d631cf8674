from __future__ import annotations

import json
from pathlib import Path

import pytest

from configs.settings import Settings
from flows.cli import call
from flows.wiring import open_archive
from storage.query import read_only
from tests.searches import fill


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    fill(open_archive(Settings(), tmp_path).database)
    return tmp_path


def test_turns_are_shown_with_what_was_found_marked(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["search", "full NEAR refund OR station", "--data-dir", str(data_dir)]) == 0
    shown = capsys.readouterr().out
    assert "a «full refund» is due" in shown
    assert "2026-09-22 09:00" in shown
    assert "AND the «station»" in shown


def test_json_and_narrowing(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    narrowed = ["--since", "2026-09-22", "--agent", "agent 1", "--queue", "claims", "--limit", "5"]
    assert call(["search", "refund*", *narrowed, "--json", "--data-dir", str(data_dir)]) == 0
    (hit,) = json.loads(capsys.readouterr().out)
    assert (hit["call"], hit["began_at"], hit["start_s"]) == ("lost.wav", "2026-09-22T09:00:00+00:00", 0.0)
    ((start, end),) = hit["highlights"]
    assert hit["text"][start:end] == "refund"
    assert call(["search", "shipping", "--limit", "1", "--data-dir", str(data_dir)]) == 0
    assert "--limit shows more" in capsys.readouterr().err


def test_the_audit_trail_tells_of_a_search_and_not_what_was_sought(data_dir: Path) -> None:
    query = "4111 1111 1111 1111 OR parcel"
    assert call(["search", query, "--queue", "claims", "--data-dir", str(data_dir)]) == 0
    repository = open_archive(Settings(), data_dir).repository
    sql = "SELECT subject, detail FROM audit_events WHERE action = 'transcript.search'"
    ((subject, detail),) = read_only(open_archive(Settings(), data_dir).database, sql).rows
    told = json.loads(str(detail))
    assert (subject, told["hits"], told["query_chars"], told["narrowed_by"]) == ("search", 1, len(query), "queue")
    assert told["calls"] == repository.find("lost").sha256[:12]
    assert b"4111" not in b"".join(path.read_bytes() for path in data_dir.glob("callwright.db*"))


def test_a_query_that_cannot_be_read_is_an_error_of_the_one_who_typed_it(
    data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["search", "refund AND", "--data-dir", str(data_dir)]) == 2
    assert "character 11: a word is missing. Use words" in capsys.readouterr().err
