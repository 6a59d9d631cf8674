"""Systems side by side on the same calls: errors, speed, what a window costs, memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from asr.decode import identify
from asr.errors import ConfigError, FatalError
from asr.scoring.errors import EditErrors, character_errors, interval, pooled, word_errors
from asr.scoring.normalisation import whisper_english
from flows.benches.contestants import check
from flows.ingest import length_s

_SEED = 20_260_101


@dataclass(frozen=True, slots=True)
class Score:
    """Word or character errors by call."""

    errors: tuple[EditErrors, ...]

    @property
    def total(self) -> EditErrors:
        """The errors of all calls together."""
        return pooled(self.errors)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % confidence interval of the rate."""
        return interval(self.errors, _SEED)


@dataclass(frozen=True, slots=True)
class Latency:
    """What one window costs inside a batch, in ms: from when the batch that holds it began to its text being done,
    all searches of it added up (asr/whisper/engine.py, Statistics). Quantiles are interpolated between windows."""

    windows: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float

    @classmethod
    def of(cls, window_s: Sequence[float]) -> Latency:
        """Of the seconds of each of some windows.

        >>> Latency.of([0.1, 0.3, 0.2])
        Latency(windows=3, p50_ms=200.0, p95_ms=290.0, p99_ms=298.0, max_ms=300.0)
        """
        found = np.quantile(window_s, (0.5, 0.95, 0.99, 1.0)) * 1_000
        return cls(len(window_s), *found.round(1).tolist())


@dataclass(frozen=True, slots=True)
class Measured:
    """One system over all rounds: seconds are medians, memory the most, latencies those of every round's windows,
    None for a system that does not show them; errors and facts are those of the last round.

    `weights_mb` are the weights that an engine holds (asr/engines/base.py, Engine), or of a peer the file that has
    them, in 10^6 bytes. `rss_mb` is of the whole process, in 2^20.
    """

    system: str
    words: Score
    characters: Score
    heard_words: int
    wall_s: float
    cpu_s: float
    rss_mb: float
    weights_mb: float
    latency: Latency | None
    facts: dict[str, Any]

    @property
    def label(self) -> str:
        """The system's name; of a folder the last part alone.

        >>> Measured("openvino-genai:/srv/base", Score(()), Score(()), 0, 1.0, 1.0, 1.0, 1.0, None, {}).label
        'openvino-genai:base'
        """
        name, colon, variant = self.system.partition(":")
        return f"{name}{colon}{Path(variant).name}"

    @property
    def stage_s(self) -> dict[str, float]:
        """The seconds of each stage, all threads together; none for a system that does not tell them apart."""
        facts = self.facts
        if "effort" not in facts:
            return {}
        return {
            "decode, resample, VAD": facts["prepare_s"],
            "mel": facts["mel_s"],
            "encoder": facts["effort"]["encode_s"],
            "decoder": facts["effort"]["decode_s"],
            "alignment": facts["align_s"],
            "merge": facts["merge_s"],
        }


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
    command = [sys.executable, "-m", "flows.benches.contestants", system, *map(str, calls)]
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
    window_s = [took_s for answer in answers for took_s in answer["window_s"]]
    return Measured(
        system=system,
        words=_score(word_errors, heard, calls),
        characters=_score(character_errors, heard, calls),
        heard_words=sum(len(text.split()) for texts in heard for text in texts),
        wall_s=median(answer["wall_s"] for answer in answers),
        cpu_s=median(answer["cpu_s"] for answer in answers),
        rss_mb=max(answer["rss_mb"] for answer in answers),
        weights_mb=last["weight_bytes"] / 1e6,
        latency=Latency.of(window_s) if window_s else None,
        facts=last["facts"],
    )


def _score(errors: Callable[[str, str], EditErrors], heard: list[list[str]], calls: Sequence[Path]) -> Score:
    """The errors of normalised texts, by call, its channels together."""
    return Score(
        tuple(
            pooled(map(errors, references(call, len(texts)), texts)) for call, texts in zip(calls, heard, strict=True)
        )
    )
