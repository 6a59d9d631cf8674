"""A pass of analyses over the archive: rules at once, questions by way of a language model, and what that changes.

Only calls of which another version was kept, or none, are looked at: whatever ends a pass, the next goes on from there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import configs
from asr.errors import ConfigError, PipelineError, SkippableError
from compliance.types import RedactedTranscript
from configs.settings import Settings
from flows.at_once import DOWN_AFTER, answered
from flows.desk import fault
from llm.analyses import Analyses, parse
from llm.difference import Difference
from llm.errors import UnavailableError
from llm.questions import Questioner
from llm.roles import by_role
from llm.types import Analysed, AnalysisKind
from storage.analyses import Analysable, AnalysisStore
from storage.backlog import Backlog, Due, Wish

_PAGE = 200
"""Calls that are in memory at once, and kept together where rules alone look at them."""


def read_analyses(settings: Settings) -> Analyses:
    """The analyses that analysis.file names. Raises ConfigError for a file that cannot be read or understood."""
    path = Path(settings.analysis.file) if settings.analysis.file else Path(configs.__file__).parent / "analysis.toml"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the analyses in {path} cannot be read", "Set analysis.file") from error
    return parse(text, str(path))


@dataclass(slots=True)
class Pass:
    """What came of a pass. `why` says what ended it early, "" if nothing did."""

    differences: dict[str, Difference] = field(default_factory=dict)
    """By name, in the order of the file; of those that were up to date already, nothing is counted."""
    unasked: tuple[str, ...] = ()
    """Questions that were asked of nobody, because no language model is named."""
    undefined: tuple[str, ...] = ()
    """Names of which something is kept, and which the file has no longer."""
    failed: dict[int, str] = field(default_factory=dict)
    """By recording, why its questions have no answer: the next pass asks again."""
    why: str = ""

    @property
    def complete(self) -> bool:
        """Whether every call is up to date as far as it was to be."""
        return not (self.failed or self.why)


@dataclass(frozen=True, slots=True)
class Analyser:
    """Who runs analyses over an archive. Without `keep` nothing is kept: the differences are those that would be."""

    backlog: Backlog
    store: AnalysisStore
    analyses: Analyses
    stop: threading.Event
    keep: bool = True
    on_call: Callable[[], None] = lambda: None

    def run(self, wish: Wish, names: Sequence[str], questioner: Questioner | None, concurrency: int) -> Pass:
        """Bring calls up to date with the analyses of these names, asking questions of `concurrency` calls at once.

        Without a questioner, questions are left. A model's server that is down raises nothing.
        """
        kinds = self.analyses.kinds
        questions = tuple(name for name in names if kinds[name] is AnalysisKind.QUESTION)
        rules = tuple(name for name in names if name not in questions)
        now = (*rules, *questions) if questioner else rules
        done = Pass(
            {name: Difference(name, kinds[name], self.analyses.version(name)) for name in now},
            unasked=() if questioner else questions,
            undefined=tuple(sorted(self.store.names() - {*kinds})),
        )
        for page in self._pages(wish, rules):
            self._keep([(call, self.analyses.by_rules(call.told.turns, call.lacking)) for call in page], done)
        if questioner is not None:
            self._ask(wish, questions, questioner, concurrency, done)
        if self.stop.is_set():
            done.why = done.why or "it was stopped; the same command goes on from here"
        return done

    def _ask(self, wish: Wish, names: Sequence[str], questioner: Questioner, concurrency: int, done: Pass) -> None:
        """Ask of each call what it lacks, and keep the answers of each as soon as they are there."""
        down, calls = 0, (call for page in self._pages(wish, names) for call in page)

        def ask(call: _Call) -> tuple[Analysed, ...]:
            return questioner(call.told, call.lacking)

        def is_over() -> bool:
            return bool(done.why) or self.stop.is_set()

        with closing(answered(ask, calls, concurrency, is_over)) as answers:
            try:
                for call, answer in chain.from_iterable(answers):
                    error = answer.exception()
                    if error is None:
                        self._keep([(call, answer.result())], done)
                        down = 0 if questioner.asks(call.told, call.lacking) else down
                    else:
                        down += _failed(call, error, done)
                    if down >= DOWN_AFTER:
                        done.why = next(reversed(done.failed.values()))
            finally:
                questioner.asker.stop.set()

    def _pages(self, wish: Wish, names: Sequence[str]) -> Iterator[list[_Call]]:
        """The calls that lack one of these analyses in its version, some at a time, until it is to stop."""
        versions = {name: self.analyses.version(name) for name in names}
        if not versions:
            return
        for page in self.backlog.analysed_otherwise(wish, versions, _PAGE):
            if self.stop.is_set():
                return
            read = ((due, self.store.read(due.id)) for due in page)
            calls = (_Call.of(due, stored, versions) for due, stored in read if stored is not None)
            yield [call for call in calls if call.lacking]  # another pass may have been quicker

    def _keep(self, made: Sequence[tuple[_Call, Sequence[Analysed]]], done: Pass) -> None:
        """Keep what was found, and count what that changes."""
        stored = [(call.stored, found) for call, found in made]
        kept = self.store.keep(stored) if self.keep else {call.recording_id for call, _ in stored}
        for call, found in made:
            self.on_call()
            for one in found:
                if call.stored.recording_id in kept and not one.part:
                    done.differences[one.name].add(call.name, call.before.get(one.name), one)


@dataclass(frozen=True, slots=True)
class _Call:
    """A call, its transcript with speakers by their roles, what was said of it before, and what is to be now."""

    name: str
    stored: Analysable
    told: RedactedTranscript
    before: Mapping[str, Analysed]
    lacking: tuple[str, ...]

    @classmethod
    def of(cls, due: Due, stored: Analysable, versions: Mapping[str, str]) -> _Call:
        before = {one.name: one for one in stored.before if not one.part}
        current = {name for name, one in before.items() if one.version == versions.get(name)}
        told = by_role(stored.transcript, stored.conversation)
        return cls(due.name, stored, told, before, tuple(name for name in versions if name not in current))


def _failed(call: _Call, error: BaseException, done: Pass) -> bool:
    """Note why a call's questions have no answer; whether it is because the server could not be reached."""
    if isinstance(error, UnavailableError | SkippableError):
        done.failed[call.stored.recording_id] = str(error)
    elif isinstance(error, PipelineError):
        done.why = str(error)  # a setting is wrong, for all calls
    elif isinstance(error, Exception):
        done.failed[call.stored.recording_id] = f"a fault in callwright: {fault(error)}"  # its message may hold text
    else:
        raise error
    return isinstance(error, UnavailableError)
