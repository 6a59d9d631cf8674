"""The type checker keeps unredacted words from where they could rest."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

SNIPPET = """
from asr.types import Recording, Transcript
from compliance.render import documents
from compliance.types import RedactedTranscript
from llm.analyses import Analyses
from llm.options import SummaryOptions
from llm.questions import Questioner
from llm.summarise import ModelSummariser, summarise
from storage.types import AudioFacts, Publication


def keep(recording: Recording, audio: AudioFacts, model: ModelSummariser, ask: Questioner, {name}: {kind}) -> None:
    Publication(recording=recording, audio=audio, transcript={name})
    summarise({name}, SummaryOptions())
    documents({name})
    model({name})
    ask({name}, ())
    Analyses().by_rules({name}.turns, ())
"""


def complaints(tmp_path: Path, kind: str) -> list[str]:
    (tmp_path / "snippet.py").write_text(SNIPPET.format(name="spoken", kind=kind))
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", ROOT / "pyproject.toml", tmp_path / "snippet.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode in (0, 1), checked.stderr
    return [line for line in checked.stdout.splitlines() if "snippet.py:" in line and " error: " in line]


@pytest.mark.parametrize(
    ("kind", "refused"),
    [
        ("Transcript", ["Publication", "summarise", "documents", "__call__", "__call__", "by_rules"]),
        ("RedactedTranscript", []),
    ],
)
def test_only_a_redacted_transcript_may_rest(tmp_path: Path, kind: str, refused: list[str]) -> None:
    found = complaints(tmp_path, kind)
    assert [
        re.search(r'to "(\w+)"(?: of "\w+")? has incompatible type "(?:Transcript|tuple\[Turn, ...\])"', line).group(1)
        for line in found
    ] == refused  # type: ignore[union-attr]
