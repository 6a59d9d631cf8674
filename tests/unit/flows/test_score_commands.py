"""`callwright score` and `callwright correct`, as typed."""

from __future__ import annotations

import csv
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from asr.scoring.matched_pairs import MatchedPairs
from asr.scoring.normalisation import PIPELINES
from flows.cli import call
from flows.scores.said import Said, SaidCall
from flows.scores.score_report import CSV_COLUMNS, Scored, as_csv, as_html
from flows.scores.scored_runs import Run
from flows.scores.scoring import Method, grouped, score_call

CARD = "4111 1111 1111 1111"


def write(folder: Path, name: str, *turns: tuple[str, str], **more: Any) -> Path:
    folder.mkdir(exist_ok=True)
    told = [{"speaker": who, "channel": who, "text": text} for who, text in turns]
    (folder / f"{name}.json").write_text(json.dumps({"audio": f"{name}.wav", "turns": told, **more}))
    return folder


@pytest.fixture
def texts(tmp_path: Path) -> tuple[Path, Path]:
    """A folder of references and one of transcripts, each of two calls."""
    said, heard = tmp_path / "said", tmp_path / "heard"
    write(said, "one", ("agent", "Would you like a refund?"), ("customer", f"Yes, my card is {CARD}."))
    write(said, "two", ("agent", "Goodbye <b>then</b>."), snr_db=9)
    write(heard, "one", ("agent", "Would you like the refund?"), ("customer", f"Yes, my card is {CARD}."))
    write(heard, "two", ("agent", "Goodbye <b>than</b>."), call={"queue": "=sales"})
    return said, heard


def facts(capsys: pytest.CaptureFixture[str], *line: object, code: int = 0) -> Any:
    assert call([*map(str, line), "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_folders_are_scored_and_what_is_written_is_redacted(
    texts: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said, heard = texts
    (tmp_path / "words.txt").write_text("refund\n\n")
    html, table = tmp_path / "out.html", tmp_path / "out.csv"
    line = ("score", "--reference", said, "--hypothesis", heard, "--keywords", tmp_path / "words.txt")
    told = facts(capsys, *line, "--html", html, "--csv", table)
    assert told["total"]["substitutions"] == 2
    assert told["total"]["digits"] == 16, "the figures are of the texts as they came"
    assert told["total"]["unscored_words"] == 0
    assert told["keywords"] == {"refund": {"said": 1, "found": 1, "invented": 0}}
    assert {"said": "a", "heard": "the", "times": 1} in told["confused"]
    assert told["by"]["noise"]["SNR 6 to 12 dB"]["calls"] == 1
    page = html.read_text()
    assert CARD.replace(" ", "") not in page.replace(" ", "")
    assert "[CREDIT_CARD]" in page
    assert "<script" not in page
    with table.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert rows[0]["by"] == "all"
    assert tuple(rows[0]) == CSV_COLUMNS
    assert {row["value"] for row in rows if row["by"] == "queue"} == {"'=sales"}, "no formula for a spreadsheet"
    assert call([*map(str, line)]) == 0
    shown = capsys.readouterr().out
    assert "a > the (1)" in shown
    assert CARD not in shown


def test_two_runs_are_compared(texts: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    said, heard = texts
    line = ("score", "--reference", said, "--hypothesis", said, "--against", heard)
    versus = facts(capsys, *line)["versus"]
    assert (versus["first_errors"], versus["second_errors"], versus["segments"]) == (2, 0, 2)
    assert call([*map(str, line)]) == 0
    assert "too few segments" in capsys.readouterr().out


def test_a_reference_without_a_transcript_is_named_and_the_exit_code_is_1(
    texts: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    said, heard = texts
    (heard / "two.json").unlink()
    assert list(facts(capsys, "score", "--reference", said, "--hypothesis", heard, code=1)["left_out"]) == ["two"]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("score --reference nowhere --hypothesis nowhere", "nowhere is no folder"),
        ("score --by weather", "not grouped by 'weather'"),
        ("score --keywords nowhere.txt", "cannot be read"),
        ("score", "no database"),
        ("correct bank", "no database"),
        ("promote", "the candidate is what is in use"),
        ("promote --set redact.policy=pci", "does not decide which words are heard"),
    ],
)
def test_what_was_asked_wrongly_exits_with_2(
    line: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call(line.split()) == 2
    assert sentence in capsys.readouterr().err


def test_a_page_escapes_what_was_said_and_holds_nothing_to_run() -> None:
    said = SaidCall("<i>name</i>", (Said("agent", "agent", ("one&two", "<b>x</b>")),), facts={"queue": "<u>q</u>"})
    method = Method(PIPELINES["basic"])
    scores = (score_call(said, said, method),)
    versus = MatchedPairs(60, 9, 3, 3.0, 0.002)
    run = Run(scores, scores, {"<s>": "gone"})
    scored = Scored(run, grouped(scores, ["queue"]), method, versus, "<p>")
    page = as_html(scored)
    assert "<i>" not in page
    assert "<u>" not in page
    assert "<s>" not in page
    assert "Against &lt;p&gt;" in page
    assert "this run is better" in page
    assert as_csv(scored).splitlines()[1].startswith("all,,1,5,0,0.0,")


def test_a_correction_is_redacted_before_it_rests_and_becomes_the_reference(
    kept: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = ("--data-dir", kept.data_dir)
    assert call(["correct", "ada", *map(str, here)]) == 0
    text = capsys.readouterr().out
    assert "marzipan-ada" in text
    speaker = text.split("] ", 1)[1].split(":")[0]
    edited = tmp_path / "ada.txt"
    edited.write_text(f"{text}{speaker}: my card number is {CARD}\n")
    told = facts(capsys, "correct", "ada", "--text", edited, *here)
    assert (told["redactions"], told["golden_calls"]) == (1, 1)
    database = b"".join(path.read_bytes() for path in kept.data_dir.glob("callwright.db*"))
    assert b"my card number is [CREDIT_CARD]" in database
    assert CARD.encode() not in database
    scored = facts(capsys, "score", *here)
    assert scored["total"]["calls"] == 1
    assert scored["total"]["deletions"] == 4
    assert scored["total"]["unscored_words"] == 0
    assert call(["erase", "--call", "ada", "--reason", "asked", *map(str, here)]) in (0, 1)
    with sqlite3.connect(kept.data_dir / "callwright.db") as connection:
        assert connection.execute("SELECT count(*) FROM corrections").fetchone() == (0,)


def test_a_speaker_whom_the_call_does_not_have_is_told_by_number(
    kept: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edited = tmp_path / "ada.txt"
    edited.write_text("speaker-7: secretword\n")
    assert call(["correct", "ada", "--text", str(edited), "--data-dir", str(kept.data_dir)]) == 2
    err = capsys.readouterr().err
    assert "turn 1 of ada.txt" in err
    assert "secretword" not in err
