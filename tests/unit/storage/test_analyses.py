from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
import sqlalchemy as sa

from compliance.types import Kind
from llm.types import Analysed, AnalysisKind, Fault
from storage.analyses import AnalysisStore
from storage.backlog import Backlog, Wish
from storage.erasures import delete_rows, insert_intentions, stock_of
from storage.facts import call_facts
from storage.query import read_only
from storage.repository import Repository, utc_now
from storage.session import reading, writing
from tests.unit.storage.conftest import MakeCall

FOUND = (
    Analysed("courtesy", AnalysisKind.SCORECARD, "v1", "rules/1", 0.5),
    Analysed("courtesy", AnalysisKind.SCORECARD, "v1", "rules/1", 1.0, (0,), "greeted"),
    Analysed("courtesy", AnalysisKind.SCORECARD, "v1", "rules/1", None, (), "read the terms"),
    Analysed("order", AnalysisKind.CATEGORY, "v1", "rules/1", 1.0, (0, 2)),
    Analysed("pet", AnalysisKind.CATEGORY, "v1", "rules/1", 0.0),
    Analysed("why", AnalysisKind.QUESTION, "v1", "model:m/question-1/factual", turns=(1,), answer="It was w1."),
    Analysed("when", AnalysisKind.QUESTION, "v1", "model:m/question-1/factual", faults=(Fault.DATE, Fault.NUMBER)),
)


@pytest.fixture
def publish(repository: Repository, make_call: MakeCall) -> Callable[..., int]:
    run_id = repository.begin_run("f", "1")
    return lambda name="call.wav", found=FOUND: repository.publish(
        run_id, replace(make_call(name=name), analyses=found)
    )


def due(engine: sa.Engine, at_once: int = 10, wish: Wish | None = None, **versions: str) -> list[str]:
    pages = Backlog(engine).analysed_otherwise(wish or Wish(), versions, at_once)
    return [one.name for page in pages for one in page]


def test_what_is_stored_is_what_is_read(repository: Repository, publish: Callable[..., int]) -> None:
    assert sorted(repository.analyses(publish()), key=repr) == sorted(FOUND, key=repr)


def test_to_publish_anew_leaves_nothing_of_before(repository: Repository, publish: Callable[..., int]) -> None:
    publish()
    assert repository.analyses(publish(found=FOUND[3:4])) == FOUND[3:4]


def test_calls_that_lack_a_version_are_due(engine: sa.Engine, publish: Callable[..., int]) -> None:
    names = [f"{number}.wav" for number in range(5)]
    for name in names:
        publish(name, () if name == "3.wav" else FOUND)
    assert due(engine, order="v1", courtesy="v1") == ["3.wav"]
    assert due(engine, 2, order="v2") == names
    assert due(engine, order="v1", new="v1") == names
    assert due(engine, order="v2", wish=Wish(since=date(2999, 1, 1))) == []


def test_keeping_takes_the_place_of_these_names_alone(
    engine: sa.Engine, repository: Repository, publish: Callable[..., int]
) -> None:
    key, store = publish(), AnalysisStore(engine)
    call = store.read(key)
    assert call is not None
    newer = (replace(FOUND[0], version="v2", value=None), replace(FOUND[1], version="v2", part="said goodbye"))
    assert store.keep([(call, newer)]) == {key}
    assert sorted(repository.analyses(key), key=repr) == sorted((*newer, *FOUND[3:]), key=repr)
    assert store.names() == {"courtesy", "order", "pet", "why", "when"}
    assert repository.verify_audit() is None


def test_of_a_call_that_was_published_anew_nothing_is_kept(
    engine: sa.Engine, repository: Repository, publish: Callable[..., int]
) -> None:
    store = AnalysisStore(engine)
    call = store.read(publish())
    assert call is not None
    publish(found=())
    assert store.keep([(call, FOUND)]) == set()
    assert repository.analyses(call.recording_id) == ()


def test_they_go_with_the_summary_and_do_not_come_back(
    engine: sa.Engine, repository: Repository, publish: Callable[..., int]
) -> None:
    key, store = publish(), AnalysisStore(engine)
    call = store.read(key)
    assert call is not None
    with writing(engine) as connection:
        insert_intentions(connection, key, {Kind.SUMMARY: "asked"}, None, utc_now())
        assert delete_rows(connection, key, Kind.SUMMARY) == 1 + len(FOUND)
        [stock] = stock_of(connection, [key], utc_now())
    assert Kind.SUMMARY not in stock.kinds
    assert store.keep([(call, FOUND)]) == set()
    assert due(engine, order="v2") == []


def test_a_call_whose_analyses_alone_are_left_has_a_summary_to_erase(
    engine: sa.Engine, repository: Repository, make_call: MakeCall
) -> None:
    made = replace(make_call(), summary=None, analyses=FOUND)
    key = repository.publish(repository.begin_run("f", "1"), made)
    with reading(engine) as connection:
        [stock] = stock_of(connection, [key], utc_now())
    assert Kind.SUMMARY in stock.kinds


def test_categories_that_fit_are_tags(engine: sa.Engine, publish: Callable[..., int]) -> None:
    key = publish()
    with reading(engine) as connection:
        assert call_facts(connection, [key])[key].tags == {"billing", "order"}


def test_analysts_read_scores_and_answers(engine: sa.Engine, publish: Callable[..., int]) -> None:
    publish()
    table = read_only(engine, "SELECT name, part, value, turns FROM v_analyses ORDER BY name, part")
    assert table.rows[1] == ("courtesy", "greeted", 1.0, "[0]")
    assert read_only(engine, "SELECT name, answer, turns FROM v_answers").rows == (("why", "It was w1.", "[1]"),)
