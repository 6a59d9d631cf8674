"""Watching sources: what is complete there is fetched, done in batches, and settled; then it sleeps.

An arrival's row is written before it is read, and it is settled only once its recording is published or set aside.
Whatever ends the process in between, the row stays open, and the next worker goes on from there.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from asr.decode import identify
from asr.errors import PipelineError, RetryableError, SkippableError
from asr.types import Recording
from configs.settings import Settings
from flows.after import carry_on
from flows.ingest import BYTES_PER_S, Source
from flows.inlets.base import Fetched, GoneError, Inlet
from flows.intake import take_in
from flows.metadata import Told, told_of
from flows.monitor.exposition import exposed
from flows.presence import working_in
from flows.wiring import open_archive
from flows.work import Meter, Work, at_work, bury
from storage.arrivals import Arrivals
from storage.leases import shared_clock
from storage.types import Arrival, Came, RecordingState

_DONE = (RecordingState.PUBLISHED, RecordingState.QUARANTINED, RecordingState.SKIPPED, RecordingState.ERASED)

_GONE = "gone"

_LOOK_AGAIN_S = 60.0
"""After so long sources are looked at again though not all that was seen there is done: looking costs as much as there
is, and what is new, or told late, need not wait for a night's backlog."""

_GROUPS_IN_HAND = 4
"""A worker takes so many groups' audio in hand at a time: enough for the flow's own cost not to count, and so little
that others have their share."""

Key = tuple[str, str]
"""URI and version of an arrival."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """What one look at all sources came to: of arrivals that were settled, by their outcome; and what went wrong."""

    settled: dict[str, int]
    waiting: int
    """Arrivals that could not be read now, or that another worker has in hand."""
    troubles: tuple[str, ...]
    processed: int

    @property
    def idle(self) -> bool:
        """Whether there was nothing to settle."""
        return not self.settled and not self.processed


@dataclass(frozen=True, slots=True)
class _InHand:
    """An arrival that this worker has, where it came in, its file here, and its recording."""

    inlet: Inlet
    arrival: Arrival
    fetched: Fetched
    recording: Recording
    is_new: bool


@dataclass(slots=True)
class Watcher:
    """One worker's watch over some inlets."""

    inlets: Sequence[Inlet]
    work: Work
    arrivals: Arrivals
    meter: Callable[[], Meter]
    _by_key: dict[Key, Inlet] = field(default_factory=dict)
    _left: list[Arrival] = field(default_factory=list)
    """What was seen and is not settled, the longest last."""
    _looked_s: float = field(default=-_LOOK_AGAIN_S)

    def cycle(self) -> Cycle:
        """Do what is complete in all sources, the longest first, up to ingest.batch_recordings.

        They are looked at if nothing is left of what was seen last time, or that was long ago.

        Raises FatalError when the work has to stop, RetryableError if the database is away; sources that are away are
        told of in what it returns.
        """
        troubles: list[str] = []
        counts: dict[str, int] = {}
        with self._held():
            bury(self.work.leases, self.work.data_dir)
            self._finish()
            hands: list[_InHand] = []
            if not self._left or time.monotonic() - self._looked_s > _LOOK_AGAIN_S:
                self._looked_s = time.monotonic()
                seen = self._look(troubles)
                self._forget_gone(seen, counts)
                hands = self._told_anew(seen)
            taken, elsewhere = self._take(counts, troubles)
            hands += taken
            waiting = len(self._left) + elsewhere
            wanted = self._take_in(hands, troubles) if hands else []
        if wanted:
            self.work.process(wanted, self.meter(), again=False)
        with self._held():
            waiting += self._settle(hands, counts)
        return Cycle(counts, waiting, tuple(troubles), len(wanted))

    def _held(self) -> AbstractContextManager[None]:
        return working_in(self.work.data_dir, self.work.settings.ingest.let_go_s)

    def beat(self) -> None:
        """What is in hand at the sources stays so."""
        for inlet in self.inlets:
            inlet.beat()

    def _look(self, troubles: list[str]) -> dict[Key, Arrival]:
        seen: dict[Key, Arrival] = {}
        for inlet in self.inlets:
            try:
                found = inlet.look()
            except RetryableError as error:
                troubles.append(str(error))
                continue
            for arrival in found:
                key = arrival.uri, arrival.version
                seen[key] = arrival
                self._by_key[key] = inlet
        self._by_key = {key: inlet for key, inlet in self._by_key.items() if key in seen}
        return seen

    def _finish(self) -> None:
        """Do what a kill left undone with the files of what was settled."""
        self._carry_on(self.arrivals.unfinished())

    def _forget_gone(self, seen: dict[Key, Arrival], counts: dict[str, int]) -> None:
        """Settle what had been seen, and is there no more: by its recording if it was read, as gone if not."""
        for inlet in self.inlets:
            for came in self.arrivals.open_below(inlet.prefix) if inlet.prefix else ():
                if (came.arrival.uri, came.arrival.version) in seen:
                    continue
                with suppress(RetryableError):
                    if not inlet.is_there(came.arrival):
                        outcome = came.state.value if came.state in _DONE else _GONE
                        self._close([(came, outcome)], counts)

    def _told_anew(self, seen: dict[Key, Arrival]) -> list[_InHand]:
        """Sort what was seen: what is new is left to be done, and what is settled and told anew is in hand."""
        known = self.arrivals.known(list(seen.values()))
        new = [arrival for key, arrival in seen.items() if key not in known or not known[key].settled]
        self._left = sorted(new, key=lambda arrival: arrival.size_bytes)
        hands: list[_InHand] = []
        for key, arrival in seen.items():
            came, inlet = known.get(key), self._by_key[key]
            if came is None or not came.settled:
                continue
            is_news = bool(arrival.told) and arrival.told != came.arrival.told
            if not is_news or came.sha256 is None or len(hands) >= self.work.settings.ingest.batch_recordings:
                inlet.settled(arrival)
                continue
            read = inlet.told if came.state is RecordingState.PUBLISHED else inlet.fetch
            try:
                fetched = read(arrival, self.work.worker.scratch / f"told-{len(hands)}")
            except SkippableError:  # it went, or changed, since it was looked at: the next look sees that
                continue
            recording = Recording(came.sha256, fetched.path, came.size_bytes)
            hands.append(_InHand(inlet, arrival, fetched, recording, is_new=False))
        return hands

    def _take(self, counts: dict[str, int], troubles: list[str]) -> tuple[list[_InHand], int]:
        """Take the longest of what is left in hand and read it; also return how many others have in hand."""
        taken: list[Arrival] = []
        asked = 0
        while longest := self._longest(taken):
            asked += len(longest)
            taken += self.arrivals.take(longest)
        longest_first = sorted(taken, key=lambda arrival: -arrival.size_bytes)
        scratch = self.work.worker.scratch
        hands = [self._read(one, scratch / str(number), counts, troubles) for number, one in enumerate(longest_first)]
        return [hand for hand in hands if hand], asked - len(taken)

    def _longest(self, taken: Sequence[Arrival]) -> list[Arrival]:
        """The next of what is left, the longest first, as many as may be in hand beside those that are."""
        options = self.work.settings
        found: list[Arrival] = []
        room = options.ingest.batch_recordings - len(taken)
        room_s = _GROUPS_IN_HAND * options.batch.group_audio_s - sum(map(_expected_s, taken))
        while self._left and room > len(found) and (room_s > 0.0 or not (taken or found)):
            found.append(self._left.pop())
            room_s -= _expected_s(found[-1])
        return found

    def _read(self, arrival: Arrival, scratch: Path, counts: dict[str, int], troubles: list[str]) -> _InHand | None:
        """Fetch and hash an arrival. One that cannot be read is tried again later; one that is gone is settled."""
        inlet = self._by_key[arrival.uri, arrival.version]
        try:
            fetched = inlet.fetch(arrival, scratch)
            recording = identify(fetched.path)
            is_whole = fetched.path.is_relative_to(scratch) or inlet.is_there(arrival)
        except GoneError:
            self._close([(_unread(arrival), _GONE)], counts)
            return None
        except (PipelineError, OSError) as error:
            reason = error.reason if isinstance(error, PipelineError) else f"it cannot be read: {error.strerror}"
            self.arrivals.fail(arrival, reason)
            troubles.append(reason)
            return None
        if is_whole:
            return _InHand(inlet, arrival, fetched, recording, is_new=True)
        self._close([(_unread(arrival), _GONE)], counts)  # it was written to while it was read: another version comes
        return None

    def _take_in(self, hands: Sequence[_InHand], notes: list[str]) -> list[Source]:
        """Make recordings known with where they came from, and return those that are to be done."""
        settings, archive = self.work.settings, self.work.archive
        told: dict[Path, Told] = {}
        for root in {hand.fetched.root for hand in hands}:
            files = [hand.fetched.path for hand in hands if hand.fetched.root == root]
            told.update(told_of(files, [root], settings.metadata))
        recordings = [hand.recording for hand in hands]
        places = {hand.recording.path: hand.arrival.uri for hand in hands}
        intake = take_in(recordings, told, archive, settings, again=False, places=places)
        # What is told counts as read from here on: killed before, it is read again.
        self.arrivals.identify([(hand.arrival, hand.recording.sha256) for hand in hands])
        notes += intake.notes
        quarantined = self._quarantined(recordings)
        anew = {hand.recording.sha256 for hand in hands if not hand.is_new}
        there = [source for source in intake.wanted if source.recording.path.exists()]
        # A copy of what could not be done cannot be done; what is told anew may have been what was wrong.
        return [s for s in there if s.recording.sha256 not in quarantined or s.recording.sha256 in anew]

    def _quarantined(self, recordings: Sequence[Recording]) -> set[str]:
        states = self.work.archive.repository.states([recording.sha256 for recording in recordings])
        return {sha256 for sha256, state in states.items() if state is RecordingState.QUARANTINED}

    def _settle(self, hands: Sequence[_InHand], counts: dict[str, int]) -> int:
        """Settle what is done, give back what is not, and return how many that were."""
        states = self.work.archive.repository.states([hand.recording.sha256 for hand in hands])
        open_ = [hand for hand in hands if states[hand.recording.sha256] not in _DONE]
        done = [hand for hand in hands if states[hand.recording.sha256] in _DONE and hand.is_new]
        came = [
            Came(hand.arrival, sha256, hand.recording.size_bytes, states[sha256], settled=True)
            for hand in done
            for sha256 in [hand.recording.sha256]
        ]
        self._close([(one, states[one.sha256 or ""].value) for one in came], counts)
        self.arrivals.give_back([hand.arrival for hand in open_ if hand.is_new])
        for folder in self.work.worker.scratch.iterdir():
            shutil.rmtree(folder, ignore_errors=True)
        return len(open_)

    def _close(self, came: Sequence[tuple[Came, str]], counts: dict[str, int]) -> None:
        """Settle arrivals first, then do with their files what is to be done: a kill in between shows in their rows."""
        self.arrivals.settle([(one.arrival, outcome) for one, outcome in came])
        for _, outcome in came:
            counts[outcome] = counts.get(outcome, 0) + 1
        self._carry_on([one for one, _ in came])
        for one, _ in came:
            inlet = self._by_key.get((one.arrival.uri, one.arrival.version))
            if inlet is not None:
                inlet.settled(one.arrival)

    def _carry_on(self, came: Sequence[Came]) -> None:
        done: list[tuple[Arrival, str]] = []
        for one in came:
            if one.sha256 is None or one.state is None:
                done.append((one.arrival, "left"))
                continue
            with suppress(RetryableError, SkippableError, OSError):  # the next cycle tries again
                done.append((one.arrival, carry_on(self.work.custody, one.arrival, one.sha256, one.state)))
        self.arrivals.done_after(done)


def _expected_s(arrival: Arrival) -> float:
    return arrival.size_bytes / BYTES_PER_S


def _unread(arrival: Arrival) -> Came:
    """An arrival of which nobody knows what it was."""
    return Came(arrival, None, 0, None, settled=True)


@contextmanager
def watching(
    inlets: Sequence[Inlet], settings: Settings, data_dir: Path, stop: threading.Event, meter: Callable[[], Meter]
) -> Iterator[Watcher]:
    """Be a worker that watches inlets, until the block ends. Raises FatalError if the archive cannot be used."""
    with working_in(data_dir):
        archive = open_archive(settings, data_dir)
    with at_work(archive, settings, data_dir, stop) as work, exposed(archive, settings, data_dir):
        clock, owner = shared_clock(archive.database), work.worker.owner
        arrivals = Arrivals(archive.database, owner, settings.ingest.lease_s, clock)
        watcher = Watcher(inlets, work, arrivals, meter)
        work.on_beat.append(watcher.beat)
        try:
            yield watcher
        finally:
            arrivals.release()


def watch(watcher: Watcher, stop: threading.Event, report: Callable[[Cycle], None], *, once: bool) -> bool:
    """Go on until `stop` is set, or `once` until nothing is left that can be done now; say whether all was well.

    Sources and a database that are away are waited for, but not if `once`. Raises FatalError when it has to stop.
    """
    options, well, is_settling = watcher.work.settings.ingest, True, once
    while not stop.is_set():
        try:
            cycle = watcher.cycle()
        except RetryableError as error:
            if once:
                raise
            cycle = Cycle({}, 0, (str(error),), 0)
        report(cycle)
        well = well and not cycle.troubles and not cycle.settled.get(RecordingState.QUARANTINED.value)
        if cycle.idle:
            if once and not is_settling:
                return well
            stop.wait(options.stable_s if once else options.poll_s)
            is_settling = False  # whether a file still grows is known at the second look
    return well
