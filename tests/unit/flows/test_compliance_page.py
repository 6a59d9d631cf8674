"""Every command of docs/compliance.md is typed, and shows what its row claims."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from asr.engines.scripted import ScriptedEngine
from asr.types import CallMetadata, Hypothesis
from asr.vad import SileroVad
from compliance.redactor import Redactor
from flows.cli import call
from flows.listeners import Listener
from flows.wiring import Models

PAGE = (Path(__file__).parents[3] / "docs" / "compliance.md").read_text()
TABLES = [line for line in PAGE.splitlines() if line.startswith("| ")]
COMMANDS = sorted({found for line in TABLES for found in re.findall(r"`(callwright [^`]+)`", line)})

SHOWS = {
    "sweep --dry-run": "Nothing was touched",
    "certificate CALL": '"spans":{"PERSON":[{"channel":"agent"',
    'sql "SELECT entity, count(*) AS n FROM redactions GROUP BY entity"': "PERSON",
    "verify-redaction --all": "4 checked, 0 of them with a redacted copy: 0 not as they should be.",
    "show CALL": "[PERSON]",
    "config explain vault.keep": "as shipped nothing",
    "vault rewrap --old PLACE": "0 keys are wrapped by",
    'sql "SELECT at, actor, action, subject FROM audit_events ORDER BY id DESC LIMIT 20"': "recording.publish",
    "audit verify --objects": "anchors: sound.",
    "audit verify": "events are kept 6 years.",
    'sql "SELECT actor, count(*) AS n FROM audit_events GROUP BY actor"': "@",
    "config show": "[vault]",
    "certificate verify FILE --public-key KEY": "Sound: callwright redaction certificate",
    "certificate verify": "Sound: callwright redaction certificate",
    "erase --caller NUMBER --reason TEXT": "The certificate is the object",
    "hold list": "in force",
}
"""What each prints, of what its rows claim."""


def test_no_claim_is_without_a_command() -> None:
    assert {f"callwright {command}" for command in SHOWS} == set(COMMANDS)
    claims = [line for line in TABLES if not line.startswith(("| point", "| what"))]
    assert len(claims) > 20
    assert [line for line in claims if "`callwright " not in line and not line.endswith("| - |")] == []


@pytest.fixture
def models(detector: SileroVad, redactor: Redactor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Engines that hear nothing: none of the calls has a copy to be heard."""
    engine = ScriptedEngine(lambda _: Hypothesis((), "en", 0.0, 1.0, 1.0, 0.0))
    found = Models(detector, engine, redactor, (Listener(engine, "scripted"),))
    monkeypatch.setattr("flows.commands.verify.load_models", lambda _: found)


@pytest.fixture
def places(kept: Any, tmp_path: Path) -> dict[str, str]:
    """What the page's capitals stand for: two keys of a vault, a certificate, the number of a caller."""
    keys = [tmp_path / "one", tmp_path / "two"]
    for key in keys:
        assert call(["keys", "new", "--kind", "vault", "--out", str(key)]) == 0
    file = tmp_path / "c.json"
    here = ["--data-dir", str(kept.data_dir)]
    assert call(["certificate", "bob", "--out", str(file), *here]) == 0
    assert call(["hold", "add", "--queue", "billing", "--why", "x", *here]) == 0
    kept.archive.repository.annotate(1, CallMetadata(other={"caller": "+15550100"}), {})
    return {
        "CALL": "bob",
        "PLACE": f"file:{keys[0]}",
        "NEW": f"file:{keys[1]}",
        "FILE": str(file),
        "TEXT": "asked",
        "NUMBER": "+15550100",
        "KEY": str(kept.data_dir / "keys" / "signing.pem.pub"),
    }


@pytest.mark.usefixtures("models")
@pytest.mark.parametrize("command", SHOWS)
def test_a_command_shows_what_its_rows_claim(
    command: str, kept: Any, places: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    typed = [places.get(word, word) for word in shlex.split(command)]
    if typed == ["certificate", "verify"]:
        typed += [places["FILE"], "--public-key", places["KEY"]]
    if "rewrap" in typed:
        typed += ["--set", f"vault.master_key={places['NEW']}"]
    if typed[:2] != ["certificate", "verify"] and typed[0] != "config":
        typed += ["--data-dir", str(kept.data_dir)]
    capsys.readouterr()
    assert call(typed) == 0
    assert SHOWS[command] in capsys.readouterr().out


def test_a_certificate_is_checked_without_callwright(
    kept: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call(["certificate", "bob", "--out", "c.json", "--data-dir", str(kept.data_dir)]) == 0
    shutil.copy(kept.data_dir / "keys" / "signing.pem.pub", tmp_path)
    [shell] = re.findall(r"(?m)^With openssl 3 and jq:\n\n((?:    .+\n)+)", PAGE)
    [code] = re.findall(r"(?m)^With Python and `cryptography`:\n\n((?:    .+\n)+)", PAGE)
    ways = [[sys.executable, "-c", dedent(code)]]
    if shutil.which("jq") and shutil.which("openssl"):
        ways.append(["bash", "-ec", shell])
    assert [subprocess.run(way, capture_output=True, check=False).returncode for way in ways] == [0] * len(ways)
    (tmp_path / "c.json").write_bytes((tmp_path / "c.json").read_bytes().replace(b"PERSON", b"PERSOM"))
    assert 0 not in [subprocess.run(way, capture_output=True, check=False).returncode for way in ways]
