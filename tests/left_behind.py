"""Objects of which nothing came, and what a sweep may drop of them: the same on every database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from asr.types import Recording
from compliance.retention import held_by
from compliance.types import CallFacts, Hold, Kind, Scope
from storage.errors import LeaseLostError
from storage.leases import Leases
from storage.ledger import Ledger
from storage.repository import Repository
from storage.types import Failure, Outcome, Publication, RecordingState

LEASE_S = 60.0


@dataclass
class Scene:
    """A database whose clock stands still until it is moved, and what was deleted of its objects."""

    engine: sa.Engine
    now: datetime = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    deleted: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.engine, lambda: self.now)
        self.repository = Repository(self.engine, lambda: self.now)
        self.worker = Leases(self.engine, "one", LEASE_S, lambda: self.now)

    def claim(self, call: Publication, *, again: bool = False) -> int:
        return self.worker.claim(None, [call.recording], 3, again=again).tokens[call.recording.sha256]

    def announce(self, call: Publication) -> None:
        self.repository.announce([(call.recording.sha256, call.documents, call.certificate)])

    def left(self, recording: Recording) -> dict[str, str]:
        [stock] = [one for one in self.ledger.stock() if one.facts.sha256 == recording.sha256]
        return dict(stock.leftovers)

    def drop(self, recording: Recording) -> int:
        def delete(key: str) -> bool:
            self.deleted.append(key)
            return True

        def held(facts: CallFacts, holds: Sequence[Hold]) -> Hold | None:
            return held_by(facts, holds, self.now)

        recording_id = self.repository.recording_id(recording.sha256)
        return self.ledger.drop_leftovers(recording_id, delete, held, in_vault=False)

    def erase(self, recording: Recording) -> list[str]:
        """Erase all on request; returns the keys of the objects that went."""
        recording_id, gone = self.repository.recording_id(recording.sha256), []
        self.ledger.begin_request(Scope.CALL, recording.sha256, "asked for", [recording_id])
        for place in self.ledger.places(recording_id):
            self.ledger.mark_place(recording_id, place, None)
        for intention in self.ledger.intentions(recording_id):
            gone += self.ledger.object_keys(recording_id, intention.kind)
            self.ledger.close(intention, Outcome(done=True, count=0), in_vault=False)
        return gone


def copied(call: Publication, name: str) -> Publication:
    """A call whose objects are three: text, a redacted copy and a certificate."""
    return replace(call, documents={"json": f"{name}.json", "wav": f"{name}.wav"}, certificate=f"{name}.certificate")


def what_a_quarantined_call_left(scene: Scene, call: Publication) -> None:
    """It goes once the work has ended, not before; once, and the recording can be done again."""
    call = copied(call, "ab/ab")
    token = scene.claim(call)
    scene.announce(call)
    everything = {"ab/ab.json": "json", "ab/ab.wav": "wav", "ab/ab.certificate": "certificate"}
    assert scene.left(call.recording) == everything
    assert scene.drop(call.recording) == 0, "a worker has it in hand"
    run = scene.repository.begin_run("f", "1")
    scene.repository.quarantine(run, call.recording, Failure("publish", "x", "y"), token=token)
    assert scene.drop(call.recording) == 3
    assert sorted(scene.deleted) == sorted(everything)
    assert (scene.left(call.recording), scene.drop(call.recording)) == ({}, 0)
    token = scene.claim(call, again=True)
    scene.announce(call)
    scene.repository.publish(run, call, token)
    assert (scene.left(call.recording), scene.drop(call.recording)) == ({}, 0)
    assert scene.repository.verify_audit() is None


def whoever_let_a_lease_run_out_publishes_nothing_that_is_gone(scene: Scene, call: Publication) -> None:
    """A lease that has run out is its holder's until somebody takes it; a sweep does."""
    call = copied(call, "ab/ab")
    run, token = scene.repository.begin_run("f", "1"), scene.claim(call)
    scene.announce(call)
    scene.now += timedelta(seconds=LEASE_S)
    assert scene.drop(call.recording) == 3
    with pytest.raises(LeaseLostError):
        scene.repository.publish(run, call, token)
    assert scene.repository.states([call.recording.sha256]) == {call.recording.sha256: RecordingState.RECEIVED}


def of_a_published_call_what_was_announced_lately_stays(scene: Scene, call: Publication) -> None:
    """Metadata that come late have no lease. What rows name stays, whoever announced it; so does what was replaced."""
    run = scene.repository.begin_run("f", "1")
    first, second = copied(call, "ab/ab"), copied(call, "cd/cd")
    for one in (first, second):
        scene.announce(one)
        scene.repository.publish(run, one)
    assert scene.left(call.recording) == {}
    scene.announce(copied(call, "ef/ef"))
    scene.announce(first)
    assert scene.drop(call.recording) == 0
    scene.now += timedelta(days=1)
    assert scene.drop(call.recording) == 3
    assert sorted(scene.deleted) == ["ef/ef.certificate", "ef/ef.json", "ef/ef.wav"]


def a_copy_that_was_erased_and_made_again_is_left(scene: Scene, call: Publication) -> None:
    """What was published counts no longer once it was erased."""
    run, call = scene.repository.begin_run("f", "1"), copied(call, "ab/ab")
    scene.announce(call)
    scene.repository.publish(run, call)
    recording_id = scene.repository.recording_id(call.recording.sha256)
    scene.ledger.intend(recording_id, {Kind.REDACTED_AUDIO: "rule"}, lambda *_: None)
    [intention] = scene.ledger.intentions(recording_id)
    scene.ledger.close(intention, Outcome(done=True, count=1), in_vault=False)
    scene.announce(call)
    scene.now += timedelta(days=1)
    assert scene.left(call.recording) == {"ab/ab.wav": "wav"}


def a_hold_keeps_what_was_left(scene: Scene, call: Publication) -> None:
    """A hold that comes between looking and dropping too."""
    call = copied(call, "ab/ab")
    scene.repository.register(call.recording)
    scene.announce(call)
    scene.ledger.place_hold(Hold(0, Scope.CALL, call.recording.sha256, "me", "case", scene.now))
    assert scene.drop(call.recording) == 0
    assert len(scene.left(call.recording)) == 3


def an_object_that_cannot_be_deleted_is_tried_again(scene: Scene, call: Publication) -> None:
    """Nothing is written of a drop that failed."""
    call = copied(call, "ab/ab")
    scene.repository.register(call.recording)
    scene.announce(call)
    recording_id = scene.repository.recording_id(call.recording.sha256)

    def refuse(key: str) -> bool:
        raise ZeroDivisionError(key)

    with pytest.raises(ZeroDivisionError):
        scene.ledger.drop_leftovers(recording_id, refuse, lambda *_: None, in_vault=False)
    assert scene.drop(call.recording) == 3


def an_erasure_takes_what_was_left(scene: Scene, call: Publication) -> None:
    """Its certificate too, which no row names; then nothing is known of whose it was."""
    call = copied(call, "ab/ab")
    scene.repository.register(call.recording)
    scene.announce(call)
    assert sorted(scene.erase(call.recording)) == ["ab/ab.certificate", "ab/ab.json", "ab/ab.wav"]
    assert scene.left(call.recording) == {}
    assert not scene.repository.find(call.recording.sha256).name.endswith(".wav")


def names_stay_while_something_is_left(scene: Scene, call: Publication) -> None:
    """A rule that takes the source alone: whose it was is known until the rest is dropped, and an erasure finds it."""
    call = copied(call, "ab/ab")
    scene.repository.register(call.recording)
    scene.announce(call)
    recording_id = scene.repository.recording_id(call.recording.sha256)
    for place in scene.ledger.places(recording_id):
        scene.ledger.mark_place(recording_id, place, None)
    scene.ledger.intend(recording_id, {Kind.SOURCE_AUDIO: "rule"}, lambda *_: None)
    [intention] = scene.ledger.intentions(recording_id)
    scene.ledger.close(intention, Outcome(done=True, count=1), in_vault=False)
    assert scene.repository.find(call.recording.sha256).name == call.recording.name
    assert scene.drop(call.recording) == 3
    assert scene.repository.find(call.recording.sha256).state is RecordingState.ERASED


SCENES: tuple[Callable[[Scene, Publication], None], ...] = (
    what_a_quarantined_call_left,
    whoever_let_a_lease_run_out_publishes_nothing_that_is_gone,
    of_a_published_call_what_was_announced_lately_stays,
    a_copy_that_was_erased_and_made_again_is_left,
    a_hold_keeps_what_was_left,
    an_object_that_cannot_be_deleted_is_tried_again,
    an_erasure_takes_what_was_left,
    names_stay_while_something_is_left,
)
