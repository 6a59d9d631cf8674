"""Every command in the README is run, in the order in which a newcomer meets them."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
COMMANDS = re.findall(r"^\$ (.+)$", README, re.MULTILINE)
DRY = ("make test", "make bench")
"""The first would run itself; the second takes minutes. Both must at least be what make knows."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place like a clone's root, whose `var` is its own and whose code and environment are this clone's."""
    home = tmp_path_factory.mktemp("clone")
    for name in ("sample_audio", ".venv", "Makefile", "pyproject.toml", "constraints.txt"):
        (home / name).symlink_to(ROOT / name)
    recordings = home / "recordings" / "today"
    recordings.mkdir(parents=True)
    shutil.copy(ROOT / "sample_audio" / "wrong_number.wav", recordings)
    return home


def test_the_readme_shows_commands() -> None:
    assert len(COMMANDS) >= 10
    assert "make run" in COMMANDS
    assert "make test" in COMMANDS


def test_every_command_in_the_readme_works(home: Path) -> None:
    for command in COMMANDS:
        typed = shlex.split(command.replace("/srv/recordings", str(home / "recordings")))
        if command.startswith(DRY):
            typed.insert(1, "--dry-run")
        environ = {**os.environ, "MAKEFLAGS": ""}
        ran = subprocess.run(typed, cwd=home, env=environ, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, f"{command}\n{ran.stdout}\n{ran.stderr}"
        assert ran.stdout.strip() or typed[0] == "make", command


def test_paths_that_the_readme_links_exist() -> None:
    linked = re.findall(r"\]\(([^)#]+)\)", README)
    assert len(linked) > 5
    assert [path for path in linked if not (ROOT / path).exists()] == []
