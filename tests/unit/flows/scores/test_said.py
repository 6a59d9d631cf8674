"""References and transcripts from files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from asr.diarize.rttm import Talk
from asr.errors import ConfigError
from flows.scores.said import Said, as_transcript, read_turns, said_in, written_turns

SAMPLES = Path(__file__).parents[4] / "sample_audio"


def test_the_samples_are_references_with_sides_times_and_talk() -> None:
    calls = said_in(SAMPLES)
    bank = calls["bank"]
    assert {turn.side for turn in bank.turns} == {"agent", "customer"}
    assert all(turn.start_s is not None and turn.end_s is not None for turn in bank.turns)
    assert bank.talk is not None
    assert bank.talk[0] == Talk("agent", 3.455, 3.935)
    assert bank.snr_db == 29.0


def test_a_text_is_read_as_transcribe_writes_it() -> None:
    assert written_turns("[00:01:05] agent: Hello, you.\n\nCustomer: Hi\n", "x.txt") == (
        Said("agent", "agent", ("Hello,", "you."), 65.0),
        Said("customer", "customer", ("Hi",)),
    )
    assert written_turns("note: no speaker here\n", "x.txt") == (Said("", "", ("note:", "no", "speaker", "here")),)
    assert written_turns("", "x.txt") == ()
    assert written_turns("speaker-2: yes", "x.txt")[0].side == ""


def test_a_line_that_lost_its_speaker_is_told_by_its_number_and_not_quoted() -> None:
    with pytest.raises(ConfigError, match=r"line 2 of x\.txt has not a speaker") as told:
        written_turns("agent: one\nsecretword two\n", "x.txt")
    assert "secretword" not in str(told.value)


def test_folders_hold_json_lines_text_and_rttm(tmp_path: Path) -> None:
    turn = {"speaker": "agent", "channel": "agent", "text": "Hello there"}
    lines = [{"audio": f"{name}.wav", "turns": [turn], "call": {"queue": "q"}} for name in ("a", "b")]
    (tmp_path / "all.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (tmp_path / "b.rttm").write_text("SPEAKER b 1 1.0 2.0 <NA> <NA> agent <NA> <NA>\n")
    (tmp_path / "requirements.txt").write_text("hello")
    (tmp_path / "manifest.json").write_text("[1, 2]")
    calls = said_in(tmp_path)
    assert list(calls) == ["a", "b"]
    assert calls["a"].facts == {"queue": "q"}
    assert calls["a"].talk is None
    assert calls["b"].talk == (Talk("agent", 1.0, 3.0),)
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "c.txt").write_text("hello")
    assert list(said_in(tmp_path / "texts")) == ["c"]


@pytest.mark.parametrize(
    "body",
    [
        "{",
        '{"turns": [{}]}',
        '{"turns": 3}',
        '{"turns": [{"text": "a b", "channel": 7, "start_s": 0, "words": 1}]}',
    ],
)
def test_what_is_no_transcript_is_told_by_its_file(body: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(body)
    with pytest.raises(ConfigError, match=r"x\.json is no transcript"):
        said_in(tmp_path)
    with pytest.raises(ConfigError):
        read_turns(tmp_path / "x.json")


def test_there_has_to_be_something(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no folder"):
        said_in(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match=r"no \.json"):
        said_in(tmp_path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_turns(tmp_path / "nothing.txt")


def test_text_never_shows_in_a_repr() -> None:
    [turn] = written_turns("agent: secretword", "x")
    assert "secretword" not in repr(turn)
    assert as_transcript([turn]).turns[0].text == "secretword"
