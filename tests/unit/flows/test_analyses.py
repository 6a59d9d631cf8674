"""Passes of analyses over a real database; questions by way of a real server on a port."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from asr.types import Recording
from configs.load import load as load_settings
from flows.analyses import read_analyses
from flows.cli import call
from flows.redo import Stage
from flows.wiring import Archive, open_archive
from llm.types import AnalysisKind
from storage.query import read_only
from storage.types import AudioFacts, Publication
from tests.benchmarks.grounding.samples import samples, transcript
from tests.chat_server import Body, Reply, chat_server, completion
from tests.unit.flows.monitor.test_tally import told as counted

GOLDEN = Path(__file__).parents[2] / "golden" / "analyse.txt"
OLD = """
[category.money]
any = ["refund", "fee"]
[category.call]
any = ["call*"]
[scorecard.courtesy.check.greeted]
by = "agent"
first = 1
any = ["hello"]
"""
NEW = """
[category.money]
any = ["fee", "dollars"]
[category.call]
any = ["call*"]
[scorecard.courtesy.check.greeted]
by = "agent"
first = 1
any = ["hello", "good morning", "thank you for calling"]
[scorecard.courtesy.check."promised nothing"]
never = true
any = ["guarantee*"]
[question.wish]
ask = "What does the customer want?"
when = "money"
"""


@dataclass
class Site:
    data_dir: Path
    archive: Archive

    def analyse(self, capsys: pytest.CaptureFixture[str], text: str, *more: str) -> tuple[int, str]:
        file = self.data_dir / "analysis.toml"
        file.write_text(text)
        capsys.readouterr()
        code = call(["analyse", "--data-dir", str(self.data_dir), "--set", f"analysis.file={file}", *more])
        return code, capsys.readouterr().out

    def facts(self, capsys: pytest.CaptureFixture[str], text: str, *more: str) -> dict[str, Any]:
        code, out = self.analyse(capsys, text, "--json", *more)
        assert code == 0
        return dict(json.loads(out))

    def rows(self, columns: str = "*") -> list[tuple[Any, ...]]:
        sql = f"SELECT {columns} FROM analyses ORDER BY recording_id, name, part"
        return list(read_only(self.archive.database, sql, 5_000).rows)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The twenty calls of the benchmark of grounding, as an older callwright published them: without analyses."""
    data_dir = tmp_path_factory.mktemp("calls")
    archive = open_archive(load_settings(None, [], {}, Path("/dev/null")), data_dir)
    run_id = archive.repository.begin_run("f", "1")
    told = {one.call: one.transcript for half in ("tuned_on", "held_out") for one in samples(half)}
    told["refunds"] = transcript([("agent", "Good morning."), ("customer", "I want a refund. Ignore the call.")])
    for name, said in told.items():
        recording = Recording(hashlib.sha256(name.encode()).hexdigest(), data_dir / f"{name}.wav", 1_000)
        facts = AudioFacts(60.0, "WAV", "PCM_16", 8_000)
        archive.repository.publish(run_id, Publication(recording, facts, replace(said, audio=f"{name}.wav")))
    archive.database.dispose()
    return data_dir


@pytest.fixture
def site(published: Path, tmp_path: Path) -> Iterator[Site]:
    shutil.copytree(published, tmp_path / "var")
    archive = open_archive(load_settings(None, [], {}, Path("/dev/null")), tmp_path / "var")
    yield Site(tmp_path / "var", archive)
    archive.database.dispose()


def test_another_version_is_run_over_the_archive_and_what_it_changes_is_told(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    assert site.analyse(capsys, OLD)[0] == 0
    code, out = site.analyse(capsys, NEW)
    assert code == 0
    assert out.strip() == GOLDEN.read_text().strip()
    assert site.analyse(capsys, NEW)[1].strip().startswith("All calls are up to date.")


def test_a_dry_run_tells_the_same_and_keeps_nothing(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.analyse(capsys, OLD)
    before = site.rows()
    told = site.facts(capsys, NEW, "--dry-run")
    assert site.rows() == before
    assert told == site.facts(capsys, NEW)
    assert site.rows() != before
    assert site.archive.repository.verify_audit() is None


def test_only_what_is_named_is_run_and_of_the_calls_that_are_wished_for(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.facts(capsys, OLD)
    told = site.facts(capsys, NEW, "--only", "money")
    assert [one["name"] for one in told["differences"]] == ["money"]
    [money] = told["differences"]
    assert money["lost"] == 3
    assert "refunds.wav" in money["examples"]["lost"]
    assert site.facts(capsys, NEW, "--until", "2020-01-01")["differences"][2]["calls"] == 0
    assert site.analyse(capsys, NEW, "--only", "monye")[0] == 2


def test_what_is_no_longer_defined_is_named(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.facts(capsys, OLD)
    assert site.facts(capsys, '[category.call]\nany = ["call*"]')["undefined"] == ["courtesy", "money"]


def test_without_a_model_questions_are_left_and_told(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert site.facts(capsys, NEW)["unasked"] == ["wish"]
    assert "question" not in {kind for (kind,) in site.rows("kind")}


def answer(body: Body, _: int) -> Reply:
    return Reply(completion(json.dumps({"answer": None})))


def sets(url: str) -> list[str]:
    own = [f"llm.base_url={url}", "llm.dialect=json_schema", "llm.model=fake-1", "llm.max_tries=1", "llm.max_wait_s=0"]
    return [part for one in own for part in ("--set", one)]


def test_questions_are_asked_once_of_the_calls_to_which_they_apply(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    with chat_server(answer) as server:
        told = site.facts(capsys, NEW, *sets(server.url))
        money = next(one for one in told["differences"] if one["name"] == "money")
        assert 0 < len(server.asked) == money["gained"] < 21
        asked = len(server.asked)
        assert counted(site.data_dir, "callwright_llm_answers_total", purpose="question") == asked
        assert [one["calls"] for one in site.facts(capsys, NEW, *sets(server.url))["differences"]] == [0, 0, 0, 0]
        assert len(server.asked) == asked
    methods = read_only(site.archive.database, "SELECT DISTINCT method FROM v_analyses WHERE kind = 'question'").rows
    assert methods == (("model:fake-1/question-1/factual",),)


def test_a_model_that_is_down_ends_the_questions_and_no_rule(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    with chat_server(lambda *_: Reply({}, 503)) as server:
        code, out = site.analyse(capsys, NEW, "--json", "--set", "summarise.concurrency=1", *sets(server.url))
        assert code == 1
        told = json.loads(out)
        assert (told["failed"] >= 3, told["why"] != "") == (True, True)
        assert len(server.asked) < 6
    kinds = [kind for (kind,) in site.rows("kind")]
    assert kinds.count(AnalysisKind.CATEGORY) == 42
    with chat_server(answer) as server:
        assert site.analyse(capsys, NEW, *sets(server.url))[0] == 0


def test_show_prints_what_was_found(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.facts(capsys, OLD)
    assert call(["show", "refunds", "--data-dir", str(site.data_dir)]) == 0
    out = capsys.readouterr().out
    assert "asked:   money (turn 1)\n" in out
    assert "asked:   courtesy: 0%: not greeted\n" in out
    assert call(["show", "refunds", "--json", "--data-dir", str(site.data_dir)]) == 0
    shown = json.loads(capsys.readouterr().out)["analyses"]
    assert [one["name"] for one in shown] == ["call", "courtesy", "courtesy", "money"]


def test_a_summary_that_is_made_anew_has_the_categories_of_today(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.facts(capsys, OLD)
    file = f"analysis.file={site.data_dir / 'analysis.toml'}"
    assert call(["backfill", "--stage", Stage.SUMMARISE.value, "--data-dir", str(site.data_dir), "--set", file]) == 0
    [sha256] = [hashlib.sha256(b"refunds").hexdigest()]
    summary = site.archive.repository.summary(site.archive.repository.recording_id(sha256))
    assert summary is not None
    assert summary.categories == ("money", "call")


def test_a_file_that_is_not_there_is_named(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["analyse", "--data-dir", str(site.data_dir), "--set", "analysis.file=/nowhere/a.toml"]) == 2
    assert "/nowhere/a.toml cannot be read" in capsys.readouterr().err


def test_the_shipped_analyses_can_be_read() -> None:
    assert len(read_analyses(load_settings(None, [], {}, Path("/dev/null"))).kinds) == 7
