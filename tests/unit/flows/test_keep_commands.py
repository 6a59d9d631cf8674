"""The commands of keeping, erasing and proving, as typed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asr.engines.scripted import ScriptedEngine
from asr.types import Hypothesis, Samples, Word
from flows.cli import call

Load = Callable[[Callable[[Samples], Hypothesis]], ScriptedEngine]

CARD, CODE = "4111 1111 1111 1111", "739"


def facts(capsys: pytest.CaptureFixture[str], *line: str, code: int = 0) -> Any:
    assert call([*line, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_from_a_hold_to_a_certificate_that_a_third_party_checks(
    kept: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = ("--data-dir", str(kept.data_dir))
    assert facts(capsys, "hold", "add", "--call", "ada", "--why", "case 1", *here) == {
        "hold": 1,
        "erasure_begun": False,
    }
    assert [(one["id"], one["in_force"]) for one in facts(capsys, "hold", "list", *here)] == [(1, True)]
    rules = kept.rules('default = "0 days"')
    dry = facts(capsys, "sweep", "--dry-run", "--set", rules, *here)
    assert {line["state"] for line in dry["lines"]} == {"held", "due"}
    erased = facts(capsys, "erase", "--call", "ada", "--reason", "asked", *here, code=1)
    assert not erased["complete"]
    assert facts(capsys, "hold", "add", "--call", "ada", "--why", "case 2", *here)["erasure_begun"]
    for number in ("1", "2"):
        assert facts(capsys, "hold", "release", number, "--why", "closed", *here)["released"]
    swept = facts(capsys, "sweep", *here)
    assert len(swept["certificates"]) == 1
    sha256 = kept.recordings["ada"].sha256
    shown = facts(capsys, "certificate", sha256, *here)
    types = [document["body"]["type"] for document in shown]
    assert types == ["callwright redaction certificate", *["callwright erasure certificate"] * 2]
    out, public = tmp_path / "c.certificate", kept.data_dir / "keys" / "signing.pem.pub"
    assert call(["certificate", "show", sha256, "--out", str(out), *here]) == 0
    capsys.readouterr()
    assert facts(capsys, "certificate", "verify", str(out), "--public-key", str(public))["sound"]
    out.write_bytes(out.read_bytes().replace(b"ada", b"eve").replace(b"asked", b"ASKED"))
    assert not facts(capsys, "certificate", "verify", str(out), "--public-key", str(public), code=1)["sound"]
    audit = facts(capsys, "audit", "verify", "--objects", "--public-key", str(public), *here)
    assert audit["faults"] == []
    assert audit["anchors"] > 0


def test_they_say_it_to_people_too(kept: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = ["--data-dir", str(kept.data_dir)]
    for line, told in (
        (["hold", "add", "--queue", "billing", "--why", "x", "--until", "2999-12-31"], "Hold 1 is in force"),
        (["hold", "list"], "in force"),
        (["hold", "release", "1", "--why", "x"], "Hold 1 is released."),
        (["sweep", "--dry-run", "--set", kept.rules('default = "0 days"')], "Nothing was touched: 12 due"),
        (["sweep"], "Swept: nothing is over its time."),
        (["audit", "anchor"], "anchor-"),
        (["audit", "verify"], "sound"),
        (["certificate", "bob"], '"type":"callwright redaction certificate"'),
        (["erase", "--call", "bob", "--reason", "x"], "callwright certificate "),
        (["sweep", "--set", kept.rules('default = "0 days"')], "9 erased"),
        (["show", kept.recordings["eve"].sha256], ""),
    ):
        assert call([*line, *here]) == (0 if told else 2), line
        assert told in capsys.readouterr().out


def test_an_erased_call_is_shown_in_status_and_not_done_again(
    kept: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    here = ("--data-dir", str(kept.data_dir))
    facts(capsys, "erase", "--call", "ada", "--reason", "x", *here)
    (kept.sources / "ada.wav").write_bytes(b"sound of ada")
    result = facts(capsys, "run", str(kept.sources / "ada.wav"), *here)
    assert (result["processed"], result["complete"]) == (0, True)
    again = facts(capsys, "run", str(kept.sources / "ada.wav"), "--again", *here)
    assert again["processed"] == 0
    assert facts(capsys, "status", *here)["totals"]["erased"]["recordings"] == 1


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("hold add --why x", "0 of --call, --caller, --agent, --queue are given. Name one"),
        ("hold add --call ada --caller b --why x", "2 of --call"),
        ("hold release 9 --why x", "no hold in force has the number 9"),
        ("erase --call nobody --reason x", "no recording is named 'nobody'"),
        ("erase --agent nobody --reason x", "no recording of that agent is known"),
        ("sweep --set retention.file=nowhere", "rules of retention in nowhere cannot be read"),
        ("vault open ada --reason x --out o", "vault.master_key names no master key"),
        ("vault rewrap --old x", "--old names no master key"),
        ("audit verify --public-key nowhere", "the key nowhere cannot be read"),
        ("sweep --set audit.signing_key=nowhere", "the key nowhere cannot be read"),
    ],
)
def test_what_was_got_wrong_is_a_sentence(
    line: str, sentence: str, kept: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call([*line.split(), "--data-dir", str(kept.data_dir)]) == 2
    assert sentence in capsys.readouterr().err
    assert len(list(kept.sources.iterdir())) == 4


def test_who_saw_what_is_in_the_trail(kept: Any, capsys: pytest.CaptureFixture[str]) -> None:
    here = ["--data-dir", str(kept.data_dir)]
    assert call(["show", "ada", *here]) == 0
    assert call(["sql", "SELECT text FROM turns WHERE text LIKE '%marzipan-ada%'", *here]) == 0
    seen = kept.rows("SELECT actor, action, subject, detail FROM audit_events ORDER BY id DESC LIMIT 2")
    assert [row[1] for row in seen] == ["transcript.query", "transcript.show"]
    assert seen[1][2] == kept.recordings["ada"].sha256
    assert all("@" in row[0] for row in seen)
    assert not any("marzipan" in str(row) for row in kept.rows("SELECT * FROM audit_events"))


def says_a_card_and_a_code(_: Samples) -> Hypothesis:
    texts = f"my card number is {CARD} and the security code is {CODE} thank you".split()
    words = tuple(Word(word, i / 5, i / 5 + 0.15, 0.9) for i, word in enumerate(texts))
    return Hypothesis(words, "en", -0.2, 0.0, 1.0, 0.0)


def test_the_vault_keeps_all_but_security_codes_and_opens_with_a_reason(
    calls: Path, tmp_path: Path, load: Load, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    load(says_a_card_and_a_code)
    calls = Path(shutil.copytree(calls, tmp_path / "in"))  # one of them is erased
    data_dir, out = tmp_path / "var", tmp_path / "bank.json"
    here = ["--data-dir", str(data_dir)]
    for name in ("one", "two"):
        assert call(["keys", "new", "--kind", "vault", "--out", str(tmp_path / name)]) == 0
    first, second = ([f"vault.master_key=file:{tmp_path / name}"] for name in ("one", "two"))
    keep = ["--set", 'vault.keep=["transcript","audio"]', "--set", *first]
    assert call(["run", str(calls), *here, "--set", 'vault.keep=["transcript"]']) == 2, "no master key"
    assert call(["run", str(calls), *here, *keep]) == 0
    for path in data_dir.rglob("*"):
        if path.is_file():
            assert CARD.encode() not in path.read_bytes(), path
    assert list((data_dir / "vault" / "sealed").glob("??/*.audio")) == [], "a code was said in each"
    opened = ["vault", "open", "bank", "--reason", "dispute 4711", "--out", str(out), *here]
    assert call([*opened, "--set", *second]) == 3
    assert "wrapped by the master key" in capsys.readouterr().err
    assert not out.exists()
    assert call([*opened, "--set", *first]) == 0
    text = json.loads(out.read_text())["turns"][0]["text"]
    assert CARD in text
    assert CODE not in text
    assert "[CREDIT_CARD_CVV]" in text
    assert out.stat().st_mode & 0o077 == 0
    assert call(["vault", "rewrap", "--old", f"file:{tmp_path / 'one'}", "--set", *second, *here]) == 0
    out.unlink()
    assert call([*opened, "--set", *second]) == 0
    assert json.loads(out.read_text())["turns"][0]["text"] == text
    capsys.readouterr()
    shown = facts(capsys, "sql", "SELECT action, detail FROM audit_events", *here)
    actions = [row["action"] for row in shown]
    assert actions.count("vault.seal") == 3
    assert [json.loads(row["detail"])["reason"] for row in shown if row["action"] == "vault.open"] == [
        "dispute 4711"
    ] * 2
    assert call(["erase", "--call", "bank", "--reason", "x", *here]) == 0
    assert call([*opened, "--set", *second]) == 2


def test_every_published_call_has_a_certificate_and_a_run_is_anchored(
    calls: Path, tmp_path: Path, load: Load, capsys: pytest.CaptureFixture[str]
) -> None:
    load(says_a_card_and_a_code)
    here = ["--data-dir", str(tmp_path)]
    assert call(["run", str(calls), *here]) == 0
    capsys.readouterr()
    assert not (tmp_path / "vault").exists(), "as shipped nothing is kept unredacted"
    for name in ("bank", "clinic", "order"):
        [document] = facts(capsys, "certificate", name, *here)
        assert set(document["body"]["spans"]) == {"CREDIT_CARD", "CREDIT_CARD_CVV"}
        assert document["body"]["models"][1]["id"] == "spacy-en-core-web-sm"
    assert facts(capsys, "audit", "verify", "--objects", *here)["anchors"] == 1


def test_the_scheduled_flow_sweeps_and_tells_prefect_numbers_alone(
    kept: Any, prefect_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.retention_sweep import retention_sweep

    monkeypatch.setenv("CALLWRIGHT_RETENTION__FILE", kept.rules('default = "0 days"').partition("=")[2])
    monkeypatch.setenv("CALLWRIGHT_DATA_DIR", str(kept.data_dir))
    assert retention_sweep(dry_run=True) == "12 due, 0 erased, 0 held, 0 failed"
    assert retention_sweep() == "0 due, 12 erased, 0 held, 0 failed"
    assert list(kept.sources.iterdir()) == []
