"""Leases on SQLite: who may try, who may publish, and what clocks that jump can and cannot do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from asr.types import Recording
from storage.errors import LeaseLostError
from storage.leases import Leases
from storage.repository import Repository
from storage.session import reading
from storage.tables import RunRow
from storage.types import Failure, Publication, RecordingState, RunState, TryOutcome

MakeCall = Callable[..., Publication]
LEASE_S = 60.0


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def jump(self, by_s: float) -> None:
        self.now += timedelta(seconds=by_s)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def recordings(make_call: MakeCall) -> list[Recording]:
    return [make_call(f"{index}.wav").recording for index in range(4)]


def take(leases: Leases, *recordings: Recording, again: bool = False, max_tries: int = 3) -> set[str]:
    return set(leases.claim(None, recordings, max_tries, again=again).tokens)


def outcomes(leases: Leases, repository: Repository, recording: Recording) -> list[TryOutcome | None]:
    return [one.outcome for one in leases.history(repository.recording_id(recording.sha256))][::-1]


def die(engine: sa.Engine, clock: Clock, *recordings: Recording) -> set[str]:
    """As a worker of one's own, take recordings and be heard of no more."""
    taken = take(Leases(engine, f"dead {clock.now:%H:%M}", LEASE_S, clock), *recordings)
    clock.jump(LEASE_S)
    return taken


def test_what_one_has_no_other_gets(engine: sa.Engine, clock: Clock, recordings: list[Recording]) -> None:
    one, other = (Leases(engine, name, LEASE_S, clock) for name in ("one", "other"))
    assert take(one, *recordings[:2]) == {r.sha256 for r in recordings[:2]}
    claim = other.claim(None, recordings, 3, again=False)
    assert set(claim.tokens) == {r.sha256 for r in recordings[2:]}
    assert claim.held == {r.sha256 for r in recordings[:2]}
    assert one.release() == 2
    assert take(other, *recordings[:2]) == {r.sha256 for r in recordings[:2]}


def test_a_heartbeat_keeps_a_lease_and_silence_loses_it(
    engine: sa.Engine, clock: Clock, recordings: list[Recording], repository: Repository, make_call: MakeCall
) -> None:
    one, other = (Leases(engine, name, LEASE_S, clock) for name in ("one", "other"))
    run = repository.begin_run("f", "1", one.term())
    call = make_call("0.wav")
    [token] = one.claim(run, [call.recording], 3, again=False).tokens.values()
    for _ in range(3):
        clock.jump(LEASE_S - 1)
        assert one.heartbeat() == 1
    assert take(other, call.recording) == set()
    clock.jump(LEASE_S)
    [newer] = other.claim(run, [call.recording], 3, again=False).tokens.values()
    assert newer > token
    assert one.heartbeat() == 0
    with pytest.raises(LeaseLostError, match="other has it"):
        repository.publish(run, call, token)
    with pytest.raises(LeaseLostError):
        repository.quarantine(run, call.recording, Failure("x", "y"), token=token)
    assert repository.states([call.recording.sha256]) == {call.recording.sha256: RecordingState.RECEIVED}
    repository.publish(run, call, newer)
    assert outcomes(one, repository, call.recording) == [TryOutcome.LOST, TryOutcome.PUBLISHED]
    assert repository.find(call.recording.sha256).attempts == 2


def test_publishing_without_a_lease_is_refused_while_somebody_has_it(
    engine: sa.Engine, clock: Clock, repository: Repository, make_call: MakeCall
) -> None:
    call = make_call()
    take(Leases(engine, "one", LEASE_S, clock), call.recording)
    run = repository.begin_run("f", "1")
    with pytest.raises(LeaseLostError):
        repository.publish(run, call)


def test_a_commit_whose_answer_was_lost_counts_once(
    engine: sa.Engine, clock: Clock, repository: Repository, make_call: MakeCall
) -> None:
    leases, call = Leases(engine, "one", LEASE_S, clock), make_call()
    run = repository.begin_run("f", "1")
    assert take(leases, call.recording)
    [token] = leases.claim(run, [call.recording], 3, again=False).tokens.values()  # the first answer was lost
    assert repository.publish(run, call, token) == repository.publish(run, call, token)
    last = repository.overview().last_run
    assert last is not None
    assert last.published == 1
    assert take(leases, call.recording) == set()
    assert take(leases, call.recording, again=True) == {call.recording.sha256}


@pytest.mark.parametrize("jump_s", [-10 * LEASE_S, -LEASE_S / 2, LEASE_S / 2, 10 * LEASE_S])
def test_a_clock_that_jumps_costs_work_and_no_result(
    engine: sa.Engine, clock: Clock, repository: Repository, make_call: MakeCall, jump_s: float
) -> None:
    one, other = (Leases(engine, name, LEASE_S, clock) for name in ("one", "other"))
    run, call = repository.begin_run("f", "1"), make_call()
    [token] = one.claim(run, [call.recording], 3, again=False).tokens.values()
    clock.jump(jump_s)
    taken_over = other.claim(run, [call.recording], 3, again=False).tokens
    if abs(jump_s) < LEASE_S:
        assert not taken_over
        repository.publish(run, call, token)
    else:
        with pytest.raises(LeaseLostError):
            repository.publish(run, call, token)
        repository.publish(run, call, taken_over[call.recording.sha256])
    last = repository.overview().last_run
    assert last is not None
    assert (last.published, last.quarantined) == (1, 0)


def test_those_that_died_together_are_tried_by_half_and_half_again(
    engine: sa.Engine, clock: Clock, repository: Repository, recordings: list[Recording]
) -> None:
    leases = Leases(engine, "one", LEASE_S, clock)
    everybody = {r.sha256 for r in recordings}
    assert die(engine, clock, *recordings) == everybody
    claim = leases.claim(None, recordings, 3, again=False)
    assert (claim.tokens, claim.suspects) == ({}, everybody)
    assert leases.suspects(sorted(everybody)) == dict.fromkeys(everybody, 2)
    assert len(die(engine, clock, *recordings[:2])) == 2
    assert take(leases, *recordings[:2]) == set()
    poison = recordings[0]
    assert die(engine, clock, poison) == {poison.sha256}
    claim = leases.claim(None, [poison], 3, again=False)
    assert not claim.tokens
    failure = claim.exhausted[poison.sha256]
    assert failure.reason.count("by dead 0") == 3
    assert repository.states([poison.sha256]) == {poison.sha256: RecordingState.QUARANTINED}
    assert take(leases, recordings[1]) == {recordings[1].sha256}, "the other half of the pair is tried alone"
    assert not leases.claim(None, [poison], 3, again=False).tokens
    repository.requeue(poison.sha256)
    assert take(leases, poison) == {poison.sha256}
    assert outcomes(leases, repository, poison) == [TryOutcome.LOST] * 3 + [TryOutcome.REQUEUED, None]


def test_what_was_given_back_counts_for_nothing(engine: sa.Engine, clock: Clock, recordings: list[Recording]) -> None:
    leases = Leases(engine, "one", LEASE_S, clock)
    for _ in range(5):
        assert len(take(leases, *recordings)) == 4
        leases.release()
    assert leases.suspects([r.sha256 for r in recordings]) == {}


def test_the_dead_are_buried_with_all_that_they_had(
    engine: sa.Engine, clock: Clock, repository: Repository, recordings: list[Recording]
) -> None:
    one, other = (Leases(engine, name, LEASE_S, clock) for name in ("one", "other"))
    repository.begin_run("f", "1", one.term())
    take(one, recordings[0])
    repository.begin_run("f", "1", other.term())
    take(other, recordings[1])
    assert other.owners() == {"one", "other"}
    assert other.bury(["one"]) == 1
    assert other.owners() == {"other"}
    with reading(engine) as connection:
        states = connection.exec_driver_sql("SELECT state FROM runs ORDER BY id").scalars().all()
    assert states == [RunState.INTERRUPTED, RunState.RUNNING], "a live worker's run is left alone by another's begin"
    assert take(other, recordings[0]) == {recordings[0].sha256}
    assert repository.verify_audit() is None


def test_a_worker_has_one_run_at_a_time(engine: sa.Engine, clock: Clock, repository: Repository) -> None:
    one, other = (Leases(engine, name, LEASE_S, clock) for name in ("one", "other"))
    runs = [repository.begin_run("f", "1", leases.term()) for leases in (one, other, one)]
    with reading(engine) as connection:
        states = dict(connection.execute(sa.select(RunRow.id, RunRow.state)).all())
    # The database was away when the first was to end: its worker lives, and has begun another.
    assert [states[run] for run in runs] == [RunState.INTERRUPTED, RunState.RUNNING, RunState.RUNNING]
