"""A pass over calls that a language model is to summarise: after a run, or at any later time over the archive.

Transcripts are published before, with a summary by quotation: a model that is down holds nothing up, and what it could
not be asked about waits for the next pass. A bounded number of calls is in memory, whatever the archive holds.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from asr.errors import PipelineError, SkippableError
from compliance.types import RedactedTranscript
from flows.at_once import DOWN_AFTER, answered
from flows.desk import fault
from flows.presence import dead
from flows.wiring import Archive, actor
from llm.errors import UnavailableError
from llm.roles import by_role
from llm.summarise import ModelSummariser
from llm.types import Summary
from storage.leases import shared_clock
from storage.summaries import Summaries, Wanted, WantedCalls

CATCH_UP = timedelta(days=7)
"""What was published so long ago a run still asks about, if the model could not be asked before. `callwright summarise`
looks further back."""


@dataclass(slots=True)
class Summarised:
    """What came of a pass. `why` says what ended it early, "" if nothing did."""

    made: int = 0
    dropped: int = 0
    """Statements that the calls did not bear out."""
    failed: dict[int, str] = field(default_factory=dict)
    """By recording, why it has no summary of the model: it is tried again by the next pass."""
    why: str = ""

    @property
    def complete(self) -> bool:
        """Whether every call that was to be summarised is."""
        return not (self.failed or self.why)


@dataclass(frozen=True, slots=True)
class Wish:
    """Which calls: those that began at or after `since` and were published at or after `published_since`, and with
    `again` those too that another model summarised."""

    since: datetime | None = None
    again: bool = False
    published_since: datetime | None = None

    def wanted(self, method: str) -> WantedCalls:
        """The wish, for summaries that are made by this method."""
        return WantedCalls(method, self.since, self.published_since, self.again)


def summarise_with(
    summaries: Summaries,
    summariser: ModelSummariser,
    wish: Wish,
    concurrency: int,
    stop: threading.Event,
    on_call: Callable[[], None] = lambda: None,
) -> Summarised:
    """A pass by that summariser, `concurrency` calls at once. A server that is down raises nothing."""
    try:
        wanted = wish.wanted(summariser.method)
    except PipelineError as error:
        return Summarised(why=str(error))
    try:
        return summarise_archive(summaries, summariser, wanted, concurrency, stop, on_call)
    finally:
        summariser.asker.stop.set()


def summaries_of(archive: Archive, owner: str) -> Summaries:
    """The archive's summaries, for whoever has calls in hand by that name (flows.presence.Worker)."""
    return Summaries(archive.database, owner, shared_clock(archive.database), actor())


def free_of_the_dead(archive: Archive, data_dir: Path) -> None:
    """Let go of what workers of this data folder who died had in hand. Call it before their traces are cleared."""
    summaries = summaries_of(archive, "")
    if buried := dead(data_dir, summaries.owners()):
        summaries.bury(buried)


def summarise_archive(
    summaries: Summaries,
    summariser: Callable[[RedactedTranscript], Summary],
    wanted: WantedCalls,
    concurrency: int,
    stop: threading.Event,
    on_call: Callable[[], None] = lambda: None,
) -> Summarised:
    """Ask about all calls that are to do, `concurrency` at once, and keep each answer as soon as it is there.

    Each call is asked about in one pass once; one that fails stops no other. The pass ends early when `stop` is set,
    when the server is down, or when a setting is wrong. What was not come to is given back.
    """
    done, down = Summarised(), 0
    calls = _claimed(summaries, wanted, concurrency)

    def ask(call: Wanted) -> Summary:
        return summariser(by_role(call.transcript, call.conversation))

    def is_over() -> bool:
        return stop.is_set() or bool(done.why)

    try:
        with closing(answered(ask, calls, concurrency, is_over)) as answers:
            for ended in answers:
                made: list[tuple[Wanted, Summary]] = []
                for call, answer in ended:
                    error = answer.exception()
                    if error is None:
                        made.append((call, answer.result()))
                        down = 0
                    elif isinstance(error, UnavailableError):
                        done.failed[call.recording_id] = error.reason
                        down += 1
                    else:
                        _fail(summaries, call, error, done)
                    on_call()
                if made:
                    summaries.keep(made)  # all that have come by now in one transaction
                    done.made += len(made)
                    done.dropped += sum(len(summary.dropped) for _, summary in made)
                if down >= DOWN_AFTER:
                    done.why = next(reversed(done.failed.values()))
    finally:
        summaries.release()
    return done


def _claimed(summaries: Summaries, wanted: WantedCalls, concurrency: int) -> Iterator[Wanted]:
    """The calls to do, taken in hand a few at a time."""
    ids = summaries.claim(wanted, 0, 4 * concurrency)
    while ids:
        for recording_id in ids:
            if (call := summaries.read(recording_id)) is not None:
                yield call
        ids = summaries.claim(wanted, ids[-1], 4 * concurrency)


def _fail(summaries: Summaries, call: Wanted, error: BaseException, done: Summarised) -> None:
    """Keep why one call failed; what is wrong with all of them ends the pass."""
    if isinstance(error, SkippableError):
        reason = str(error)
    elif isinstance(error, PipelineError):
        done.why = str(error)
        return
    elif isinstance(error, Exception):
        reason = f"a fault in callwright: {fault(error)}"  # its message may hold text
    else:
        raise error
    done.failed[call.recording_id] = reason
    summaries.fail(call.recording_id, reason)


def summary_notes(done: Summarised | None) -> list[str]:
    """What a run tells of its pass, a sentence each; nothing if there was none."""
    if done is None:
        return []
    notes = [f"{done.made} calls are summarised by the language model"] if done.made else []
    if done.failed and not done.why:
        notes.append(f"{len(done.failed)} calls keep a summary by quotation: {next(iter(done.failed.values()))}")
    if done.why:
        notes.append(f"The rest keep a summary by quotation until `callwright summarise` can ask: {done.why}")
    return notes
