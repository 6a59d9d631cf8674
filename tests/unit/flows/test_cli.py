from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import jsonschema
import pytest

from asr.engines.scripted import ScriptedEngine
from asr.timebase import to_seconds
from asr.types import Hypothesis, Samples, Word
from asr.vad import SileroVad
from compliance.redactor import Redactor
from configs.load import load
from configs.settings import Settings, fingerprint
from flows.cli import call, cli
from flows.commands.options import with_quality
from flows.presence import alone_in
from flows.wiring import Models

ROOT = Path(__file__).parents[3]
CARD = "4111 1111 1111 1111"
Load = Callable[[Callable[[Samples], Hypothesis]], ScriptedEngine]


def says_a_card(samples: Samples) -> Hypothesis:
    texts = f"my card number is {CARD} thank you".split()
    # All over the chunk: speech that no word accounts for would be heard again.
    step_s = to_seconds(len(samples)) / len(texts)
    words = tuple(Word(word, i * step_s, (i + 0.9) * step_s, 0.9) for i, word in enumerate(texts))
    return Hypothesis(words, "en", -0.2, 0.0, 1.0, 0.0)


def commands(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", command


ALL = dict(commands(cli))


def test_these_are_the_commands() -> None:
    assert set(ALL) == {
        *("run", "watch", "transcribe", "status", "show", "sql"),
        *("models list", "models get", "models verify", "models pin", "config show", "config explain"),
        *("bench asr", "bench frontend", "bench run", "quantise", "inspect", "redact"),
        *("audit verify", "audit anchor", "certificate show", "certificate verify", "keys new"),
        *("vault open", "vault rewrap", "hold add", "hold list", "hold release", "sweep", "erase", "verify-redaction"),
        *("search", "export", "access grant", "access revoke", "access list", "objects lifecycle", "backfill"),
        *("up", "deploy", "worker", "summarise", "analyse", "metrics", "quality", "drift"),
        *("score", "correct", "promote", "doctor", "plan"),
    }


def test_quality_is_a_beam_for_every_chunk_and_another_fingerprint() -> None:
    plain = Settings()
    best = with_quality(plain, quality=True)
    assert best.transcribe.search == "beam"
    assert fingerprint(best) == fingerprint(load(None, ["transcribe.search=beam"], {}, Path(os.devnull)))
    assert with_quality(plain, quality=False) == plain


@pytest.mark.parametrize("name", ALL)
def test_every_command_has_help_with_an_example_of_itself_and_json(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call([*name.split(), "--help"]) == 0
    out = capsys.readouterr().out
    assert re.search(rf"Example: callwright {name}\b", out)
    assert "--json" in out or name in ("up", "worker")  # which go on for ever
    line = (ALL[name].epilog or "").removeprefix("Example: callwright ")
    example = shlex.split(re.split(r" [|>]", line)[0] if name != "sql" else line)
    # It fits the command's own parameters; --help ends it before anything is done.
    assert call([*example, "--help"]) == 0


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("run nowhere", r"nowhere does not exist"),
        ("run . --set vad.treshold=0.6", r"vad\.threshold"),
        ("run . --set vad.threshold=2", r"vad\.threshold"),
        ("run . --profile laptp", r"Did you mean 'laptop'"),
        ("run . --nonsense", r"No such option"),
        ("run", r"Missing argument"),
        ("status --data-dir nowhere", r"no database in nowhere"),
        ("show x --data-dir nowhere", r"callwright run FOLDER"),
        ("config explain vad.treshold", r"Did you mean 'vad\.threshold'"),
        ("models get whisper-bas", r"whisper-base"),
        ("transcribe a.wav b.wav --format srt", r"Name one file"),
    ],
)
def test_what_the_command_line_got_wrong_exits_with_2_and_a_sentence(
    line: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call(line.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.search(sentence, err)
    assert "Traceback" not in err
    assert not list(tmp_path.iterdir()), "nothing is made for a command that is wrong"


def test_an_empty_folder_is_all_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    assert call(["run", "in"]) == 0
    assert "No recordings there" in capsys.readouterr().out


def test_a_second_run_in_the_same_data_folder_is_refused(
    calls: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with alone_in(tmp_path):
        assert call(["run", str(calls), "--data-dir", str(tmp_path)]) == 3
    err = capsys.readouterr().err
    assert err == (
        f"Error: another run is working in {tmp_path}. Wait for it, or name another folder with --data-dir\n"
    )


def test_json_of_every_command_that_looks_parses(
    calls: Path, tmp_path: Path, load: Load, capsys: pytest.CaptureFixture[str]
) -> None:
    load(says_a_card)
    here = ["--data-dir", str(tmp_path)]
    assert call(["run", str(calls), *here]) == 0
    out = capsys.readouterr().out
    assert re.search(rf" show clinic --data-dir {re.escape(str(tmp_path))}\n", out), "the call with most redactions"

    def facts(*line: str) -> object:
        assert call([*line, "--json"]) == 0
        out = capsys.readouterr().out
        assert CARD not in out
        return json.loads(out)

    status = facts("status", *here)
    assert isinstance(status, dict)
    assert status["totals"]["published"] == {"recordings": 3, "audio_s": 18.0}
    assert status["last_run"]["state"] == "completed"
    shown = facts("show", "bank", *here)
    assert isinstance(shown, dict)
    assert {redaction["entity"] for redaction in shown["redactions"]} == {"CREDIT_CARD"}
    jsonschema.validate(shown["transcript"], json.loads((ROOT / "docs/transcript.schema.json").read_text()))
    assert facts("sql", "SELECT count(*) AS n FROM transcripts", *here) == [{"n": 3}]
    for line in (["models", "list"], ["config", "show"], ["config", "explain", "vad.threshold"]):
        assert facts(*line)
    for line in (["status"], ["show", "bank"], ["sql", "SELECT text FROM turns"]):
        assert call([*line, *here]) == 0
        out = capsys.readouterr().out
        assert "bank" in out or "[CREDIT_CARD]" in out
        assert CARD not in out


@pytest.mark.parametrize("statement", ["DELETE FROM words", "DROP TABLE words", "UPDATE turns SET text = ''", "x"])
def test_sql_that_does_more_than_read_is_refused(
    statement: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "callwright.db").touch()
    assert call(["sql", statement, "--data-dir", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("Error: ")


@pytest.fixture
def models(detector: SileroVad, redactor: Redactor, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = Models(detector, ScriptedEngine(says_a_card), redactor)
    monkeypatch.setattr("flows.commands.transcribe.load_models", lambda _: loaded)


def test_transcribe_prints_a_document_a_line_in_the_order_given_redacted(
    calls: Path, models: None, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [str(calls / f"{name}.wav") for name in ("order", "bank", "clinic")]
    assert call(["transcribe", *files]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    documents = [json.loads(line) for line in out.splitlines()]
    assert [document["audio"] for document in documents] == ["order.wav", "bank.wav", "clinic.wav"]
    schema = json.loads((ROOT / "docs/transcript.schema.json").read_text())
    for document in documents:
        jsonschema.validate(document, schema)
        assert document["turns"][0]["text"] == "my card number is [CREDIT_CARD] thank you"
    assert call(["transcribe", *files, "--json"]) == 0
    assert capsys.readouterr().out == out


def test_transcribe_raw_leaves_all_in_and_warns(calls: Path, models: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["transcribe", str(calls / "bank.wav"), "--raw"]) == 0
    out, err = capsys.readouterr()
    assert CARD in json.loads(out)["turns"][0]["text"]
    assert err == "Warning: --raw prints what callers said unredacted, card numbers included.\n"


@pytest.mark.parametrize(("kind", "start"), [("txt", "[00:0"), ("vtt", "WEBVTT\n"), ("srt", "1\n00:00:0")])
def test_transcribe_in_other_formats(
    kind: str, start: str, calls: Path, models: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["transcribe", str(calls / "bank.wav"), "--format", kind]) == 0
    out = capsys.readouterr().out
    assert out.startswith(start)
    assert "[CREDIT_CARD]" in out
    assert CARD not in out


def test_transcribe_goes_on_after_a_broken_file_and_exits_with_1(
    calls: Path, models: None, capsys: pytest.CaptureFixture[str]
) -> None:
    broken, good = ROOT / "tests/broken_audio/silent.wav", calls / "bank.wav"
    assert call(["transcribe", str(broken), str(good)]) == 1
    out, err = capsys.readouterr()
    assert [json.loads(line)["audio"] for line in out.splitlines()] == ["bank.wav"]
    assert re.match(r"Error: silent\.wav is silent", err)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts threads in /proc")
def test_no_command_has_a_thread_before_it_begins() -> None:
    """`watch` blocks the signals that it waits for: a thread that is there already would be ended by them."""
    counted = "import os, flows.cli; print(len(os.listdir('/proc/self/task')))"
    said = subprocess.run([sys.executable, "-c", counted], capture_output=True, text=True, cwd=ROOT, check=True)
    assert said.stdout.strip() == "1"
