"""What came of a run's recordings, without their names."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from asr.types import Recording
from storage.leases import Leases
from storage.repository import Repository
from storage.run_calls import load_run_calls
from storage.types import CallQuality, Failure, RecordingState
from tests.unit.storage.conftest import MakeCall


def test_a_runs_recordings_are_those_that_it_had_in_hand(
    engine: sa.Engine, repository: Repository, make_call: MakeCall
) -> None:
    now = datetime(2026, 1, 2, 3, 5, tzinfo=UTC)
    leases = Leases(engine, "me", 60.0, lambda: now + timedelta(seconds=1))
    quality = CallQuality(12, 0.125, *[None] * 6, 3.0, 0.0, None, 3, None, "tiny", 10, 2)
    first, second, other = (make_call(f"in/{name}.wav", n_turns=n) for name, n in (("a", 3), ("b", 2), ("c", 1)))
    for call in (first, second, other):
        repository.register(call.recording)
    run, earlier = (repository.begin_run("f", "1", leases.term()) for _ in range(2))

    def claim(run_id: int, recordings: list[Recording]) -> dict[str, int]:
        return dict(leases.claim(run_id, recordings, 3, again=False).tokens)

    tokens = claim(run, [first.recording, second.recording]) | claim(earlier, [other.recording])
    first = replace(first, quality=quality)
    repository.publish(run, first, tokens[first.recording.sha256])
    failure = Failure("prepare", "b.wav is silent", "Listen to it")
    repository.quarantine(run, second.recording, failure, token=tokens[second.recording.sha256])
    calls, removed = load_run_calls(engine, run)
    assert [(call.sha256, call.state) for call in calls] == [
        (first.recording.sha256, RecordingState.PUBLISHED),
        (second.recording.sha256, RecordingState.QUARANTINED),
    ]
    assert (calls[0].words, calls[0].redactions, calls[0].document) == (12, 3, "ab/abc.json")
    assert calls[0].mean_confidence == pytest.approx(0.9)
    assert (calls[0].estimated_wer, calls[0].second_words, calls[0].second_errors) == (0.125, 10, 2)
    assert calls[1].words is None
    assert removed == {"CREDIT_CARD": 3}
    assert "a.wav" not in repr(calls)
