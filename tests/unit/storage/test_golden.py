"""Corrected calls: kept in place of one another, told by their recording, gone with the transcript."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from asr.errors import SkippableError
from compliance.types import Kind
from storage.erasures import delete_rows
from storage.golden import Golden, GoldenTurn
from storage.repository import Repository
from storage.session import reading, writing
from storage.tables import AuditEventRow


@pytest.fixture
def golden(engine: sa.Engine) -> Golden:
    return Golden(engine, actor="tests")


def publish(repository: Repository, make_call: Any, name: str = "in/call.wav", **changed: Any) -> tuple[int, Any]:
    publication = make_call(name, **changed)
    run = repository.begin_run("f" * 16, "0.1.0")
    return repository.publish(run, publication), publication.transcript


def test_a_correction_comes_back_as_it_was_kept_and_outlives_a_new_transcript(
    repository: Repository, golden: Golden, make_call: Any
) -> None:
    key, transcript = publish(repository, make_call)
    golden.keep(key, transcript)
    publish(repository, make_call, model="another")
    [call] = golden.calls()
    assert (call.recording_id, call.name, call.size_bytes) == (key, "call.wav", 1_000)
    assert call.turns == tuple(
        GoldenTurn(turn.speaker, turn.channel, turn.start_s or None, turn.text) for turn in transcript.turns
    )
    assert "w0" not in repr(call)
    facts = golden.facts([key])[key]
    assert (facts.model, facts.codec, facts.agent, facts.low_snr_db) == ("another", "PCM_16", None, None)


def test_a_second_correction_takes_the_place_of_the_first_and_no_word_is_in_the_trail(
    engine: sa.Engine, repository: Repository, golden: Golden, make_call: Any
) -> None:
    key, transcript = publish(repository, make_call)
    golden.keep(key, transcript)
    golden.keep(key, replace(transcript, turns=transcript.turns[:1]))
    assert [len(call.turns) for call in golden.calls()] == [1]
    with reading(engine) as connection:
        details = connection.scalars(
            sa.select(AuditEventRow.detail)
            .where(AuditEventRow.action == "recording.correct")
            .order_by(AuditEventRow.id)
        ).all()
    assert [detail["words"] for detail in details] == [12, 4]
    assert "w0" not in json.dumps(details)
    assert repository.verify_audit() is None


def test_a_call_in_which_nobody_speaks_can_be_corrected(repository: Repository, golden: Golden, make_call: Any) -> None:
    key, transcript = publish(repository, make_call)
    golden.keep(key, replace(transcript, turns=(), redactions=()))
    assert golden.calls()[0].turns == ()


def test_what_is_erased_takes_its_correction_along_and_is_not_corrected_again(
    engine: sa.Engine, repository: Repository, golden: Golden, make_call: Any
) -> None:
    key, transcript = publish(repository, make_call)
    golden.keep(key, transcript)
    with writing(engine) as connection:
        assert delete_rows(connection, key, Kind.WORDS) > 0
    assert len(golden.calls()) == 1, "the words' times are gone, what was said is not"
    with writing(engine) as connection:
        delete_rows(connection, key, Kind.TRANSCRIPT)
    assert golden.calls() == []
    with reading(engine) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM corrections").scalar_one() == 0
    with pytest.raises(SkippableError, match="was erased"):
        golden.keep(key, transcript)
