"""Passes over a real database by way of a real server on a port, which answers as it is told to."""

from __future__ import annotations

import hashlib
import json
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from asr.types import Recording
from compliance.redactor import Redactor
from compliance.types import Kind
from configs.load import load as load_settings
from flows.cli import call as command_line
from flows.language_model import model_summariser
from flows.summaries import Summarised, Wish, summaries_of, summarise_with
from flows.wiring import Archive, open_archive
from llm.summarise import summarise
from llm.types import Finding
from storage.query import read_only
from storage.summaries import Summaries, WantedCalls
from storage.types import AudioFacts, Publication
from tests.benchmarks.grounding.samples import transcript
from tests.chat_server import (
    COMPLETION_TOKENS,
    PROMPT_TOKENS,
    SUMMARY,
    Body,
    ChatServer,
    Reply,
    chat_server,
    completion,
)
from tests.unit.flows.monitor.test_tally import told

ORDER = [
    ("agent", "Thank you for calling. How may I help you?"),
    ("customer", "Hello. I would like to order a bench."),
    ("agent", "Please read me your card."),
    ("customer", "[CREDIT_CARD]"),
    ("agent", "I have placed your order. You will receive it on Friday."),
]
GOOD = Reply(completion(json.dumps(SUMMARY)))
METHOD = "model:fake-1/summary-1/factual"


@dataclass
class Site:
    """An archive, and the settings by which a server is asked about it."""

    data_dir: Path
    archive: Archive
    redactor: Redactor

    def publish(self, number: int, said: list[tuple[str, str]] | None = None) -> int:
        name = f"call-{number}.wav"
        recording = Recording(hashlib.sha256(name.encode()).hexdigest(), self.data_dir / name, 1_000)
        # Its number is in what is said, so that a request tells which call it is about.
        told = replace(transcript([*(ORDER if said is None else said), ("customer", f"Bench {number}.")]), audio=name)
        told = transcript([]) if said == [] else told
        summary = summarise(told, load_settings(None, [], {}, Path("/dev/null")).summarise)
        facts = AudioFacts(60.0, "WAV", "PCM_16", 8_000)
        run_id = self.archive.repository.begin_run("f", "1")
        return self.archive.repository.publish(run_id, Publication(recording, facts, told, summary))

    def overrides(self, server: ChatServer, *more: str) -> list[str]:
        own = ("summarise.concurrency=4", "llm.dialect=json_schema", "llm.model=fake-1", "llm.max_tries=2")
        return [f"llm.base_url={server.url}", "llm.max_wait_s=0.01", "llm.timeout_s=20", *own, *more]

    def ask(self, server: ChatServer, *more: str, wish: Wish | None = None) -> Summarised:
        settings = load_settings(None, self.overrides(server, *more), {}, Path("/dev/null"))
        with model_summariser(settings, self.data_dir, self.redactor) as summariser:
            summaries = summaries_of(self.archive, "tests")
            concurrency = settings.summarise.concurrency
            return summarise_with(summaries, summariser, wish or Wish(), concurrency, threading.Event())

    def methods(self) -> list[str]:
        table = read_only(self.archive.database, "SELECT method FROM summaries ORDER BY recording_id", 2_000)
        return [str(row[0]) for row in table.rows]


@pytest.fixture
def site(tmp_path: Path, redactor: Redactor) -> Iterator[Site]:
    archive = open_archive(load_settings(None, [], {}, Path("/dev/null")), tmp_path)
    yield Site(tmp_path, archive, redactor)
    archive.database.dispose()


def asked_about(server: ChatServer) -> list[int]:
    """The numbers of the calls that were asked about, one a request."""
    return [int(body["messages"][1]["content"].rpartition("Bench ")[2].partition(".")[0]) for body in server.asked]


def of_call(answers: dict[int, Reply]) -> Callable[[Body, int], Reply]:
    """Answer by the call that is asked about; a good one where none is named."""

    def answer(body: Body, _: int) -> Reply:
        return answers.get(int(body["messages"][1]["content"].rpartition("Bench ")[2].partition(".")[0]), GOOD)

    return answer


def test_a_model_takes_the_place_of_quotations(site: Site) -> None:
    ids = [site.publish(number) for number in range(3)]
    site.publish(3, [])
    assert site.methods() == ["extractive-rules/2"] * 4
    with chat_server(of_call({})) as server:
        assert site.ask(server) == Summarised(made=3)
        assert site.methods() == [METHOD] * 3 + ["extractive-rules/2"], "of nobody's words nothing is asked"
        found = site.archive.repository.summary(ids[0])
        assert found is not None
        assert found.outcome == Finding("The order was placed.", (4,))
        assert site.ask(server) == Summarised()
        assert sorted(asked_about(server)) == [0, 1, 2], "each was asked about once"
    assert site.archive.repository.verify_audit() is None


BROKEN = {
    "429": Reply({}, 429, {"Retry-After": "0"}),
    "500": Reply({}, 500),
    "late": Reply(completion("{}"), wait_s=3.0),
    "truncated": Reply(json.dumps(completion("{}")).encode()[:30]),
    "wrong schema": Reply(completion('{"refund": 500}')),
    "endless": Reply(endless=True),
    "dropped": Reply(drop=True),
    "refused": Reply({}, 400),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_no_fault_loses_a_call_or_stops_the_others(site: Site, fault: str) -> None:
    for number in range(4):
        site.publish(number)
    with chat_server(of_call({1: BROKEN[fault]})) as server:
        done = site.ask(server, *(["llm.timeout_s=1"] if fault == "late" else []))
        assert (done.made, len(done.failed), done.why) == (3, 1, "")
        assert site.methods() == [METHOD, "extractive-rules/2", *[METHOD] * 2]
    with chat_server(of_call({})) as healed:
        assert site.ask(healed) == Summarised(made=1)
        assert asked_about(healed) == [1]
    assert site.methods() == [METHOD] * 4


def test_a_server_that_is_down_is_soon_left_alone_and_all_is_filled_in_later(site: Site) -> None:
    for number in range(16):
        site.publish(number)
    with chat_server(lambda *_: Reply({}, 503)) as server:
        done = site.ask(server)
        assert done.made == 0
        assert "503" in done.why
        assert len(server.asked) <= 2 * (3 + 2 * 4), "two tries of those that were in hand"
    assert site.methods() == ["extractive-rules/2"] * 16
    with chat_server(of_call({})) as server:
        assert site.ask(server) == Summarised(made=16)
        assert sorted(asked_about(server)) == list(range(16))


def test_a_wrong_key_ends_the_pass_at_once(site: Site) -> None:
    for number in range(12):
        site.publish(number)
    with chat_server(lambda *_: Reply({}, 401)) as server:
        done = site.ask(server)
        assert "api_key" in done.why
        assert len(server.asked) <= 9
    with chat_server(of_call({})) as server:
        assert site.ask(server).made == 12


def test_a_call_that_always_fails_is_left_alone_until_it_is_asked_for(site: Site) -> None:
    site.publish(0)
    with chat_server(lambda *_: Reply({}, 400)) as server:
        for _ in range(7):
            site.ask(server)
        assert len(server.asked) == 5 * 2
    with chat_server(of_call({})) as server:
        assert site.ask(server) == Summarised()
        assert site.ask(server, wish=Wish(again=True)) == Summarised(made=1)


def test_another_model_is_asked_only_if_that_is_wanted(site: Site) -> None:
    site.publish(0)
    with chat_server(of_call({})) as server:
        site.ask(server)
        assert site.ask(server, "llm.model=other") == Summarised()
        assert site.ask(server, "llm.model=other", wish=Wish(again=True)) == Summarised(made=1)
        assert site.methods() == ["model:other/summary-1/factual"]
        assert site.ask(server, "llm.model=other", wish=Wish(again=True)) == Summarised()


def test_only_calls_since_a_day_and_what_was_published_of_late(site: Site) -> None:
    site.publish(0)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    with chat_server(of_call({})) as server:
        assert site.ask(server, wish=Wish(since=tomorrow)) == Summarised()
        assert site.ask(server, wish=Wish(published_since=tomorrow)) == Summarised()
        assert site.ask(server, wish=Wish(since=tomorrow - timedelta(days=2))) == Summarised(made=1)


def test_what_was_erased_or_published_anew_meanwhile_is_not_written_over(site: Site) -> None:
    erased, anew = site.publish(0), site.publish(1)
    summaries = Summaries(site.archive.database, "me")
    wanted = WantedCalls(METHOD)
    assert summaries.claim(wanted, 0, 9) == [erased, anew]
    assert Summaries(site.archive.database, "you").claim(wanted, 0, 9) == [], "they are in hand"
    assert summaries.waiting(wanted) == 0
    held = [summaries.read(key) for key in (erased, anew)]
    settings = load_settings(None, [], {}, Path("/dev/null"))
    from flows.custody import open_custody

    custody = open_custody(site.archive.database, site.archive.objects, settings, site.data_dir)
    assert custody.ledger.intend(erased, {Kind.SUMMARY: "rule"}, custody.held)
    site.publish(1)
    made = site.archive.repository.summary(anew)
    assert made is not None
    summaries.keep([(one, replace(made, method=METHOD)) for one in held if one])
    assert METHOD not in site.methods()
    assert summaries.claim(wanted, 0, 9) == [anew], "of the other nothing may be made"


def test_order_does_not_matter(site: Site) -> None:
    for number in range(12):
        site.publish(number)
    rng = random.Random(7)  # noqa: S311

    def answer(body: Body, _: int) -> Reply:
        number = int(body["messages"][1]["content"].rpartition("Bench ")[2].partition(".")[0])
        own = {**SUMMARY, "follow_up": {"turns": [5], "text": f"The customer has bench {number}."}}
        return Reply(completion(json.dumps(own)), wait_s=rng.random() * 0.05)

    with chat_server(answer) as server:
        assert site.ask(server).made == 12
        assert asked_about(server) != list(range(12)) or server.most_busy > 1
    table = read_only(site.archive.database, "SELECT follow_up FROM summaries ORDER BY recording_id", 100)
    assert [row[0] for row in table.rows] == [f"The customer has bench {number}." for number in range(12)]


def test_the_command(site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    site.publish(0)
    monkeypatch.chdir(site.data_dir)
    monkeypatch.setattr("flows.commands.summarise.load_redactor", lambda _: site.redactor)
    with chat_server(of_call({})) as server:
        sets = [part for override in site.overrides(server) for part in ("--set", override)]
        assert command_line(["summarise", "--data-dir", str(site.data_dir), *sets]) == 0
        assert "1 calls summarised, 0 statements left out" in capsys.readouterr().out
    assert told(site.data_dir, "callwright_summaries_total") == 1
    assert told(site.data_dir, "callwright_llm_prompt_tokens_total", purpose="summary") == PROMPT_TOKENS
    assert told(site.data_dir, "callwright_llm_completion_tokens_total", purpose="summary") == COMPLETION_TOKENS
    sets = ["--set", "llm.base_url=http://127.0.0.1:9/v1", "--set", "llm.max_tries=1", "--set", "llm.model=m"]
    assert command_line(["summarise", "--again", "--json", "--data-dir", str(site.data_dir), *sets]) == 1
    assert json.loads(capsys.readouterr().out)["failed"] == 1
    assert told(site.data_dir, "callwright_summary_failures_total") == 1
    assert command_line(["summarise", "--data-dir", str(site.data_dir)]) == 2
    assert "no language model is named" in capsys.readouterr().err
