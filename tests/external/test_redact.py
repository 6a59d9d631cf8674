"""`callwright redact` as others call it: lines in, lines out, and what a broken line does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"


def redact(said: str | bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    given = said.encode() if isinstance(said, str) else said
    command = [sys.executable, "-m", "flows.cli", "redact", *arguments]
    return subprocess.run(command, cwd=ROOT, input=given, capture_output=True, check=False)


def test_forty_calls_as_json(ner_model_dir: Path) -> None:
    given = (GOLDEN / "redact.in.jsonl").read_text()
    ran = redact(given, "--json")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.decode() == (GOLDEN / "redact.out.jsonl").read_text()
    for line, answer in zip(given.splitlines(), ran.stdout.decode().splitlines(), strict=True):
        raw, redacted = json.loads(line), json.loads(answer)
        for index, (before, after) in enumerate(zip(raw["turns"], redacted["turns"], strict=True)):
            text = before["text"]
            for span in sorted(redacted["spans"], key=lambda span: -span["start"]):
                if span["turn"] == index:
                    text = f"{text[: span['start']]}[{span['entity']}]{text[span['end'] :]}"
            assert text == after["text"]


def test_plain_lines_each_by_itself(ner_model_dir: Path) -> None:
    lines = ["the card number is four one one one", "", "  my name is Maria Lopez.", "one one one one", ""]
    ran = redact("\n".join(lines), "--policy", "pci")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.decode().split("\n") == [
        "the card number is [CREDIT_CARD]", "", "  my name is Maria Lopez.", "one one one one", "",
    ]  # fmt: skip


def test_a_broken_line_ends_with_its_number_and_without_its_text(ner_model_dir: Path) -> None:
    sound = '{"id": 7, "turns": [{"speaker": "C", "text": "hello"}], "words": ["4111"]}'
    ran = redact(f'{sound}\n\n{{"turns": [{{"text": "4111', "--json")
    assert ran.returncode == 2
    assert json.loads(ran.stdout) == {"id": 7, "turns": [{"speaker": "C", "text": "hello"}], "spans": []}
    assert b"line 3 of the input is not JSON" in ran.stderr
    assert b"4111" not in ran.stderr
