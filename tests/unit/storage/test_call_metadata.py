"""What is told of calls, as it rests: read back, searched, brought up to date."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

import pytest
import sqlalchemy as sa

from asr.types import CallMetadata, Channel, Direction
from storage.call_metadata import changed_fields
from storage.errors import UnknownRecordingError
from storage.query import read_only
from storage.repository import Repository
from storage.session import reading
from storage.types import Failure, Publication, RecordingState

CALL = CallMetadata(
    call_id="1695549072.12",
    started_at=datetime.fromisoformat("2026-09-24T10:11:12.5+05:30"),
    agent="a.smith",
    queue="billing",
    direction=Direction.OUTBOUND,
    language="en",
    channel_map=(Channel.CUSTOMER, None),
    consent=True,
    pauses=((12.5, 31.0), (40.0, 55.25)),
    other={"tier": {"name": "gold", "since": 2019}, "x": [1.5, None]},
    sources={"call_id": "pattern", "pauses": "sidecar call.json"},
)


def known(repository: Repository, call: Publication) -> int:
    repository.register(call.recording)
    return repository.recording_id(call.recording.sha256)


def test_what_is_told_reads_back_with_its_offset(repository: Repository, make_call: Callable[..., Publication]) -> None:
    recording_id = known(repository, make_call())
    assert repository.metadata(recording_id) is None
    repository.annotate(recording_id, CALL, {})
    found = repository.metadata(recording_id)
    assert found == CALL
    assert found is not None
    assert found.started_at is not None
    assert found.started_at.isoformat() == "2026-09-24T10:11:12.500000+05:30"
    repository.annotate(recording_id, CallMetadata(queue="sales"), {})
    assert repository.metadata(recording_id) == CallMetadata(queue="sales")
    assert repository.verify_audit() is None


def test_changes_are_named_and_the_audit_trail_holds_no_value(
    engine: sa.Engine, repository: Repository, make_call: Callable[..., Publication]
) -> None:
    recording_id = known(repository, make_call())
    assert changed_fields(repository.metadata(recording_id), CallMetadata()) == ()
    assert changed_fields(repository.metadata(recording_id), CallMetadata(agent="a.smith")) == ("agent",)
    repository.annotate(recording_id, CALL, {})
    assert changed_fields(repository.metadata(recording_id), CALL) == ()
    assert changed_fields(repository.metadata(recording_id), CallMetadata(agent="a.smith", sources=CALL.sources)) == (
        "call_id",
        "started_at",
        "utc_offset_min",
        "queue",
        "direction",
        "language",
        "consent",
        "channel_map",
        "pauses",
        "other",
    )
    with reading(engine) as connection:
        (detail,) = connection.exec_driver_sql("SELECT detail FROM audit_events").scalars()
    assert json.loads(detail)["fields"].startswith("call_id, started_at")
    assert "smith" not in detail


def test_publishing_keeps_it_and_a_rendering_may_be_replaced(
    repository: Repository, make_call: Callable[..., Publication]
) -> None:
    call = make_call()
    recording_id = known(repository, call)
    repository.annotate(recording_id, CALL, {})
    assert repository.publish(repository.begin_run("f", "1"), call) == recording_id
    assert repository.metadata(recording_id) == CALL
    repository.annotate(recording_id, CallMetadata(queue="sales"), {"json": "cd/cde.json"})
    assert repository.documents(recording_id) == {"json": "cd/cde.json"}


def test_a_skipped_recording_says_why_and_is_done_once_it_may_be(
    repository: Repository, make_call: Callable[..., Publication]
) -> None:
    call = make_call()
    recording_id = known(repository, call)
    repository.skip(recording_id)
    (row,) = repository.calls([call.recording.sha256])
    assert row.state is RecordingState.SKIPPED
    assert "no consent" in (row.reason or "")
    assert "metadata.allow_without_consent" in (row.remedy or "")
    run = repository.begin_run("f", "1")
    repository.publish(run, call)
    repository.skip(recording_id)
    (row,) = repository.calls([call.recording.sha256])
    assert (row.state, row.reason) == (RecordingState.PUBLISHED, None)
    bad = make_call("bad.wav").recording
    repository.register(bad)
    repository.skip(repository.recording_id(bad.sha256))
    assert repository.quarantine(run, bad, Failure("prepare", "x")) is RecordingState.QUARANTINED


def test_calls_are_found_by_what_is_told_of_them(
    engine: sa.Engine, repository: Repository, make_call: Callable[..., Publication]
) -> None:
    run = repository.begin_run("f", "1")
    for name, told in (("a.wav", CALL), ("b.wav", CallMetadata(queue="sales", consent=False)), ("c.wav", None)):
        recording_id = repository.publish(run, make_call(name))
        if told:
            repository.annotate(recording_id, told, {})
    found = repository.overview(only={"queue": "billing", "direction": "outbound", "consent": "true"})
    assert [(call.call, call.agent, call.utc_offset_min) for call in found.calls] == [("a.wav", "a.smith", 330)]
    assert [total.recordings for total in found.totals] == [0, 1, 0, 0, 0]
    assert [call.call for call in repository.overview(only={"consent": "false"}).calls] == ["b.wav"]
    assert repository.overview(only={"state": "lost", "direction": "up"}).calls == ()
    local = "SELECT time(started_at, utc_offset_min || ' minutes') FROM v_calls WHERE agent = 'a.smith'"
    assert read_only(engine, local).rows == (("10:11:12",),)
    tier = "SELECT other ->> '$.tier.name' FROM call_metadata WHERE queue = 'billing'"
    assert read_only(engine, tier).rows == (("gold",),)


def test_an_unknown_hash_is_told(repository: Repository) -> None:
    with pytest.raises(UnknownRecordingError):
        repository.recording_id("ab" * 32)
