from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from storage.quality import MeasuredCall, load_history
from storage.query import read_only
from storage.repository import Repository
from storage.types import CallQuality
from tests.measured_calls import store_measured
from tests.unit.storage.conftest import MakeCall

FIGURES = CallQuality(
    words=40,
    estimated_wer=0.2,
    mean_confidence=0.9,
    doubtful_share=0.05,
    unknown_share=0.1,
    mean_logprob=-0.2,
    no_speech_prob=0.1,
    compression_ratio=1.5,
    speech_s=20.0,
    unworded_s=1.0,
    least_side_share=0.4,
    redactions=2,
    snr_db=31.0,
    second_model="m2",
    second_words=30,
    second_errors=3,
)
DAY = date(2026, 3, 2)
CALL = MeasuredCall("0" * 64, DAY, "billing", "B", "ULAW", "m", "openvino", "int8", "f", "1", FIGURES)


def test_figures_come_back_as_they_were_and_go_with_the_transcript(
    repository: Repository, make_call: MakeCall, engine: sa.Engine
) -> None:
    run = repository.begin_run("f", "1")
    key = repository.publish(run, replace(make_call(), quality=FIGURES))
    assert repository.quality(key) == FIGURES
    answer = read_only(engine, "SELECT estimated_wer, snr_db, second_errors, second_words, words FROM v_quality")
    assert answer.rows == ((0.2, 31.0, 3, 30, 12),)
    few = CallQuality(words=0)
    assert repository.publish(run, replace(make_call(), quality=few)) == key
    assert repository.quality(key) == few
    repository.publish(run, make_call())
    assert repository.quality(key) is None
    assert read_only(engine, "SELECT estimated_wer FROM v_quality").rows == ((None,),)


def test_a_history_is_of_its_days_with_what_is_told_of_each_call(engine: sa.Engine) -> None:
    days = [replace(CALL, sha256=f"{at:064x}", day=DAY + timedelta(days=at)) for at in range(4)]
    days[1] = replace(days[1], queue=None, trunk=None, model="other", quality=CallQuality(words=0))
    store_measured(engine, days)
    assert load_history(engine, DAY, DAY + timedelta(days=2), "trunk") == days[:3]
    assert load_history(engine, DAY + timedelta(days=9), DAY + timedelta(days=10), "trunk") == []


@pytest.mark.parametrize(("told", "trunk"), [({"line": 7}, "7"), ({"trunk": "B"}, None), ({}, None)])
def test_the_trunk_is_what_the_settings_name(told: dict[str, object], trunk: str | None, engine: sa.Engine) -> None:
    store_measured(engine, [CALL])
    with engine.begin() as connection:
        table = sa.table("call_metadata", sa.column("other", sa.JSON()))
        connection.execute(sa.update(table).values(other=told))
    (found,) = load_history(engine, DAY, DAY, "line")
    assert found.trunk == trunk
