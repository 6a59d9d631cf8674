"""callwright beside faster-whisper: word errors and speed on the same calls, weights and cores.

Run it with `make bench`, or `make bench DATA=folder ROUNDS=1`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import soundfile

from asr.normalise import whisper_english
from asr.scoring import WordErrors, pooled, word_errors
from tests.benchmarks.systems import SYSTEMS


@dataclass(frozen=True, slots=True)
class Measured:
    """One system in one round."""

    errors: WordErrors
    words: int
    wall_s: float
    cpu_s: float
    rss_mb: float


def references(call: Path) -> list[str]:
    """The normalised text of each channel, empty where nothing is said."""
    beside = call.with_suffix(".json")
    turns = json.loads(beside.read_text())["turns"] if beside.exists() else []
    channels = soundfile.info(call).channels
    return [
        whisper_english(" ".join(turn["text"] for turn in turns if turn["channel"] == channel))
        for channel in range(channels)
    ]


def measure(system: str, calls: list[Path]) -> Measured:
    """Run a system in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.systems", system, *map(str, calls)]
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    facts = json.loads(ran.stdout)
    pairs = [
        (reference, whisper_english(text))
        for call, texts in zip(calls, facts["texts"], strict=True)
        for reference, text in zip(references(call), texts, strict=True)
    ]
    return Measured(
        pooled(word_errors(reference, text) for reference, text in pairs),
        sum(len(text.split()) for _, text in pairs),
        facts["wall_s"],
        facts["cpu_s"],
        facts["rss_mb"],
    )


def main() -> None:
    """Compare all systems over some rounds and print a table of medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", type=Path, default=Path("sample_audio"))
    parser.add_argument("--rounds", type=int, default=1)
    arguments = parser.parse_args()
    calls = sorted(arguments.data.glob("*.wav"))
    if not calls:
        print(f"No recordings in {arguments.data}: skipped")
        return
    audio_s = sum(soundfile.info(call).duration for call in calls)
    rounds = [{system: measure(system, calls) for system in SYSTEMS} for _ in range(arguments.rounds)]
    base_s = median(one["faster-whisper batched"].wall_s for one in rounds)
    print(f"{len(calls)} calls, {audio_s / 60:.1f} min, both channels, {arguments.rounds} rounds, medians\n")
    print(
        f"{'system':<32}{'WER':>7}{'sub':>6}{'del':>6}{'ins':>6}{'words':>7}"
        f"{'x realtime':>12}{'speed':>7}{'CPU s':>7}{'RSS MB':>8}"
    )
    for system in SYSTEMS:
        runs = [one[system] for one in rounds]
        wall_s, errors = median(run.wall_s for run in runs), runs[-1].errors
        print(
            f"{system:<32}{errors.rate:>7.1%}{errors.substitutions:>6}{errors.deletions:>6}{errors.insertions:>6}"
            f"{runs[-1].words:>7}{audio_s / wall_s:>12.1f}{base_s / wall_s:>7.2f}"
            f"{median(run.cpu_s for run in runs):>7.0f}"
            f"{max(run.rss_mb for run in runs):>8.0f}"
        )


if __name__ == "__main__":
    main()
