"""Several programs under one supervisor: started again when they end, and ended together."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from asr.errors import ConfigError, FatalError
from flows import children

_LOOK_EVERY_S = 0.2
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 30.0
_WELL_AFTER_S = 60.0
"""A program that lived so long is started again without a pause that grows."""

_START_S = 300.0
_SETTING_WRONG = 2


@dataclass(frozen=True, slots=True)
class Program:
    """A command that goes on until it is asked to end: its name, its words, its variables, where it writes, and the
    CPUs that it is to stay on, if it is not to have all."""

    name: str
    line: tuple[str, ...]
    environ: Mapping[str, str] = field(repr=False)
    log: Path | None = None
    cpus: frozenset[int] | None = None


@dataclass(slots=True)
class _Child:
    """A program, and its process as it is now."""

    program: Program
    process: subprocess.Popen[bytes] | None = None
    started_s: float = 0.0
    pause_s: float = _FIRST_PAUSE_S
    start_at_s: float = 0.0

    def start(self) -> None:
        log = self.program.log
        with nullcontext() if log is None else log.open("a") as output:  # the process has it from then on
            self.process = children.start(self.program.line, output, self.program.environ, self.program.cpus)
        self.started_s = time.monotonic()

    def look(self, told: Callable[[str], None]) -> None:
        """Start it again if it has ended. Raises ConfigError if it says that a setting is wrong."""
        now_s = time.monotonic()
        if self.process is None:
            if now_s >= self.start_at_s:
                self.start()
            return
        if (code := self.process.poll()) is None:
            return
        if code == _SETTING_WRONG:
            raise ConfigError(f"{self.program.name} ended for a setting that is wrong", "It says above which")
        lived_s = now_s - self.started_s
        self.pause_s = _FIRST_PAUSE_S if lived_s > _WELL_AFTER_S else min(self.pause_s * 2, _LONGEST_PAUSE_S)
        self.process, self.start_at_s = None, now_s + self.pause_s
        told(f"{self.program.name} ended with {code} after {lived_s:.0f} s; it starts again in {self.pause_s:.0f} s")

    def end(self, patience_s: float, asked: Callable[[], int]) -> None:
        """Wait until it has ended, and kill it when patience is over, or it was asked for twice."""
        deadline_s = time.monotonic() + patience_s
        while self.process is not None and self.process.poll() is None:
            if time.monotonic() > deadline_s or asked() > 1:
                self.process.kill()
                self.process.wait()
            time.sleep(_LOOK_EVERY_S / 4)

    def ask_to_end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()


@dataclass(slots=True)
class Supervisor:
    """Keeps programs going: the first serves the others, is there before them, and ends after them."""

    first: Program
    others: Sequence[Program]
    is_up: Callable[[], bool]
    prepare: Callable[[], None]
    """What is to be done once the first program is up, before the others start."""
    told: Callable[[str], None]
    patience_s: float

    def run(self) -> None:
        """Go on until SIGTERM or SIGINT, which ask all programs to end; a second one kills them.

        Raises FatalError if the first program does not come up, ConfigError if one says that a setting is wrong.
        """
        with _asked() as asked:
            first = _Child(self.first)
            others = [_Child(program) for program in self.others]
            try:
                first.start()
                if self._came_up(first, asked):
                    self.prepare()
                    while not asked():
                        for child in (first, *others):
                            child.look(self.told)
                        time.sleep(_LOOK_EVERY_S)
            finally:
                for child in others:
                    child.ask_to_end()
                for child in others:
                    child.end(self.patience_s, asked)
                first.ask_to_end()
                first.end(_START_S, asked)

    def _came_up(self, first: _Child, asked: Callable[[], int]) -> bool:
        deadline_s = time.monotonic() + _START_S
        while not asked():
            if self.is_up():
                return True
            ended = first.process is not None and first.process.poll() is not None
            if ended or time.monotonic() > deadline_s:
                raise FatalError(f"{first.program.name} did not start", f"Its log is {first.program.log}")
            time.sleep(_LOOK_EVERY_S)
        return False


@contextmanager
def _asked() -> Iterator[Callable[[], int]]:
    """How often SIGTERM or SIGINT came. What was done on them before is done again afterwards."""
    came: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        came.append(number)

    before = {each: signal.signal(each, note) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield lambda: len(came)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
