from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from storage import rights
from storage.query import read_only
from storage.repository import Repository
from storage.session import reading
from storage.views import VIEWS, days, rows_of
from tests.searches import CALLS, MONDAY, fill
from tests.sql_examples import EXAMPLES
from tests.unit.storage.conftest import MakeCall

TUESDAY = MONDAY.date() + timedelta(days=1)
DOCS = (Path(__file__).parents[3] / "docs" / "sql.md").read_text()


def test_the_views_have_the_columns_that_are_declared_and_documented(engine: sa.Engine) -> None:
    with reading(engine) as connection:
        inspector = sa.inspect(connection)
        assert set(inspector.get_view_names()) == set(VIEWS)
        for view, columns in VIEWS.items():
            assert [column["name"] for column in inspector.get_columns(view)] == list(columns), view
            (row,) = [line for line in DOCS.splitlines() if line.startswith(f"| `{view}` |")]
            assert [name for name in re.findall(r"`(\w+)`", row.split("|")[3]) if name in columns] == list(columns)


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_the_examples_run(number: int, engine: sa.Engine) -> None:
    fill(engine)
    assert read_only(engine, EXAMPLES[number]).columns
    assert len(EXAMPLES) >= 6


def test_a_role_is_given_all_views() -> None:
    assert list(rights.VIEWS) == list(VIEWS)
    assert set(VIEWS) < set(rights.FIGURES)


def test_days_are_those_on_which_calls_began(engine: sa.Engine) -> None:
    fill(engine)
    seen = date(2026, 10, 21)  # of "calm", whose beginning is not told
    assert days(engine, None, None) == [MONDAY.date(), TUESDAY, TUESDAY + timedelta(days=1), seen]
    assert days(engine, TUESDAY, TUESDAY) == [TUESDAY]
    rows = {view: list(part) for view, part in rows_of(engine, TUESDAY)}
    assert set(rows) == {"v_calls", "v_days", "v_turns", "v_words", "v_quality", "v_costs", "v_analyses"}
    assert [row.text for row in rows["v_turns"]] == list(CALLS["lost"])
    assert {row.began_at for row in rows["v_words"]} == {MONDAY + timedelta(days=1)}


def test_quality_and_costs(engine: sa.Engine, repository: Repository, make_call: MakeCall) -> None:
    repository.publish(repository.begin_run("f", "1"), make_call(n_turns=3, n_words=4))
    fill(engine)
    answer = read_only(engine, "SELECT * FROM v_quality ORDER BY recording_id LIMIT 2")
    first, second = (dict(zip(answer.columns, row, strict=True)) for row in answer.rows)
    assert (first["words"], first["mean_confidence"], first["doubtful_words"]) == (12, pytest.approx(0.9), 0)
    assert (first["speech_s"], first["speech_without_words_s"]) == (1.5, 0.0)
    assert (first["findings"], first["findings_reported"]) == (2, 1)
    assert (second["doubtful_words"], second["unheard"], second["call"]) == (2, 0, "late.wav")
    answer = read_only(engine, "SELECT stages_s, stages_s_per_audio_hour, audio_s FROM v_costs WHERE call = 'late.wav'")
    assert answer.rows == ((3.0, 540.0, 20.0),)


def test_speech_in_which_no_word_lies_is_counted(
    engine: sa.Engine, repository: Repository, make_call: MakeCall
) -> None:
    key = repository.publish(repository.begin_run("f", "1"), make_call(n_turns=3))
    with engine.begin() as connection:
        for position, (channel, start_s, end_s) in enumerate(
            [("agent", 4.0, 5.5), ("customer", 0.1, 0.9), ("customer", 1.0, 1.1), ("agent", 2.4, 2.8)], start=2
        ):
            row = f"({key}, {position}, '{channel}', 'speech', {start_s}, {end_s})"
            connection.exec_driver_sql(
                f"INSERT INTO regions (recording_id, position, channel, kind, start_s, end_s) VALUES {row}"
            )
    # The agent's after the end, the customer's before the first word, and the agent's between two words.
    assert read_only(engine, "SELECT speech_without_words_s FROM v_quality").rows[0][0] == pytest.approx(
        1.5 + 0.8 + 0.4
    )
