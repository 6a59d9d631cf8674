"""Systems side by side on the same calls: word errors, speed, memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from asr.decode import identify
from asr.errors import ConfigError, FatalError
from asr.normalise import whisper_english
from asr.scoring import WordErrors, interval, pooled, word_errors
from flows.contestants import check
from flows.ingest import length_s

_SEED = 20_260_101


@dataclass(frozen=True, slots=True)
class Measured:
    """One system over all rounds: seconds are medians, memory the most, errors those of the last round by call."""

    system: str
    errors: tuple[WordErrors, ...]
    words: int
    wall_s: float
    cpu_s: float
    rss_mb: float
    facts: dict[str, Any]

    @property
    def total(self) -> WordErrors:
        """The errors of all calls together."""
        return pooled(self.errors)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % confidence interval of the word error rate."""
        return interval(self.errors, _SEED)


def find_calls(folder: Path) -> list[Path]:
    """The WAV files of a folder, each with a .json beside it that holds its turns.

    Raises ConfigError if there is no such folder, or none in it.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder} is no folder", "Name a folder of calls with --data")
    calls = sorted(folder.glob("*.wav"))
    if not calls:
        raise ConfigError(f"there are no .wav files in {folder}", "Name a folder of calls with --data")
    return calls


def compare(
    calls: Sequence[Path],
    systems: Sequence[str],
    overrides: Sequence[str],
    rounds: int,
    on_run: Callable[[str, int], None],
) -> list[Measured]:
    """Run every system on all calls, in turn, so many times, each in a process of its own; `on_run` is told of each.

    Raises ConfigError for a name that is no system's, before any of them runs, and FatalError for one that fails.
    """
    for system in systems:
        check(system)
    answers: dict[str, list[dict[str, Any]]] = {system: [] for system in systems}
    for number in range(1, rounds + 1):
        for system in systems:
            on_run(system, number)
            answers[system].append(_run(system, calls, overrides))
    return [_measured(system, answers[system], calls) for system in systems]


def references(call: Path, channels: int) -> list[str]:
    """The normalised text of each channel, empty where nothing is said or no reference lies beside the call."""
    beside = call.with_suffix(".json")
    turns = json.loads(beside.read_text())["turns"] if beside.exists() else []
    return [
        whisper_english(" ".join(turn["text"] for turn in turns if turn["channel"] == channel))
        for channel in range(channels)
    ]


def audio_s(calls: Sequence[Path]) -> float:
    """Seconds of recorded time, whatever the number of channels."""
    return sum(length_s(identify(call)) for call in calls)


def _run(system: str, calls: Sequence[Path], overrides: Sequence[str]) -> dict[str, Any]:
    command = [sys.executable, "-m", "flows.contestants", system, *map(str, calls)]
    for override in overrides:
        command += ["--set", override]
    ran = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
    if ran.returncode:
        # The last line alone is ours: libraries write before it what they like.
        last = (ran.stderr.strip().splitlines() or [f"exit code {ran.returncode}"])[-1]
        raise FatalError(f"{system} failed: {last}")
    answer: dict[str, Any] = json.loads(ran.stdout)
    return answer


def _measured(system: str, answers: Sequence[dict[str, Any]], calls: Sequence[Path]) -> Measured:
    last = answers[-1]
    heard = [[whisper_english(text) for text in texts] for texts in last["texts"]]
    return Measured(
        system=system,
        errors=tuple(
            pooled(
                word_errors(reference, text)
                for reference, text in zip(references(call, len(texts)), texts, strict=True)
            )
            for call, texts in zip(calls, heard, strict=True)
        ),
        words=sum(len(text.split()) for texts in heard for text in texts),
        wall_s=median(answer["wall_s"] for answer in answers),
        cpu_s=median(answer["cpu_s"] for answer in answers),
        rss_mb=max(answer["rss_mb"] for answer in answers),
        facts=last["facts"],
    )
