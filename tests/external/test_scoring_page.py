"""Every command of docs/scoring.md is typed, in its order, on a real recording with real models."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.external.conftest import environ

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "scoring.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ (.+)$", PAGE, re.MULTILINE)


@pytest.mark.long
def test_every_command_of_the_page_works(tmp_path: Path) -> None:
    """But that what is promoted is for the figures to say: 0 or 1, and then the file is there or is not."""
    assert len(COMMANDS) == 9
    (tmp_path / "sample_audio").symlink_to(ROOT / "sample_audio")
    for name in ("references", "before"):
        (tmp_path / name).mkdir()
    shutil.copy(ROOT / "sample_audio" / "bank.json", tmp_path / "references")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    said: dict[str, str] = {}
    for command in COMMANDS:
        ran = subprocess.run(
            shlex.split(command),
            cwd=tmp_path,
            env={**environ(), "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        said[command] = ran.stdout
        promoted = (tmp_path / "callwright.promoted.toml").exists()
        assert ran.returncode == (int(not promoted) if "promote" in command else 0), f"{command}\n{ran.stderr}"
        assert "Traceback" not in ran.stderr
    first = next(told for command, told in said.items() if command.startswith("callwright score"))
    assert re.search(r"^all +1 +\d+\.\d% ", first, re.MULTILINE)
    trial = next(told for command, told in said.items() if "promote" in command)
    assert re.search(r"On 1 corrected calls, \d+ words: word errors", trial)
    assert ("Promoted: " in trial) == (tmp_path / "callwright.promoted.toml").exists() != ("Refused: " in trial)
    assert "Susan" not in (tmp_path / "score.html").read_text(), "the page is redacted"
    with sqlite3.connect(tmp_path / "var" / "callwright.db") as connection:
        actions = {action for (action,) in connection.execute("SELECT action FROM audit_events")}
        texts = " ".join(turns for (turns,) in connection.execute("SELECT turns FROM corrections"))
    assert {"recording.correct", "transcript.score"} <= actions
    assert actions & {"settings.promote", "settings.refuse"}
    assert "[PERSON]" in texts


def test_paths_that_the_page_links_exist() -> None:
    linked = re.findall(r"\]\(([^)#]+)\)", PAGE)
    assert linked
    assert [path for path in linked if not (ROOT / "docs" / path).exists()] == []
