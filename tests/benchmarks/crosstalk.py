"""What a leak between the channels costs, and what taking it out saves.

`python -m tests.benchmarks.crosstalk FOLDER [LEVEL:DELAY|none ...]` adds each channel of the folder's two-channel 8 kHz
calls to the other one, by default not at all, then 20, 12 and 6 dB weaker and 0, 20 and 40 ms later, writes them as
mu-law, and transcribes them with the default engine, with suppression and without. References lie beside the calls, as
for `make bench`.

Duplicated words: a word heard in one channel is a copy if a turn of the other channel's reference holds it, the middle
of the word lies within that turn, widened by 0.5 s on both sides, and its own channel has no turn there that holds it
too. Each word of a turn has one copy at most, and each word of a channel's own turns excuses one. The share is that of
all reference words. Words are compared after Whisper's English normaliser, after which WER is counted too. "No leak"
shows how many there are by chance. "Lost" counts reference words that were not heard (deletions).
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from asr.decode import identify
from asr.engines.base import Engine
from asr.engines.registry import load_engine
from asr.scoring.errors import EditErrors, pooled, word_errors
from asr.scoring.normalisation import whisper_english
from asr.types import FindingKind, Transcript
from asr.vad import SileroVad, SpeechDetector
from configs.load import load
from configs.settings import Settings
from flows import preparation, stages, wiring
from flows.benches.benchmark import find_calls, references

Leaking = tuple[float, int]
"""How much weaker, in dB, and how many ms later."""

_LEAKS: list[Leaking | None] = [None, *((level_db, late_ms) for level_db in (-20, -12, -6) for late_ms in (0, 20, 40))]
_WIDENED_S = 0.5


@dataclass(frozen=True)
class Outcome:
    """What came of one transcript."""

    errors: EditErrors
    copies: int
    found: int


def leaked(call: Path, out: Path, level_db: float, delay_ms: int) -> Path:
    """The call with each channel in the other, so much weaker and later."""
    samples, rate_hz = soundfile.read(call, dtype="float32", always_2d=True)
    late = round(delay_ms * rate_hz / 1_000)
    leak = np.concatenate([np.zeros((late, 2), np.float32), samples[: len(samples) - late, ::-1]])
    mixed = np.clip(samples + 10 ** (level_db / 20) * leak, -1, 1)
    soundfile.write(out / call.name, mixed, rate_hz, subtype="ULAW")
    return out / call.name


def copies(turns: Sequence[dict[str, Any]], transcript: Transcript) -> int:
    """How many words are heard in the channel that did not say them, as the module's docstring counts them."""
    spoken = [(turn["channel"], turn["start_s"], turn["end_s"], _words(turn["text"])) for turn in turns]
    count = 0
    for channel, name in enumerate(transcript.channels):
        own = [(start_s, end_s, Counter(words)) for side, start_s, end_s, words in spoken if side == channel]
        others = [(start_s, end_s, Counter(words)) for side, start_s, end_s, words in spoken if side != channel]
        heard = [
            ((word.start_s + word.end_s) / 2, text)
            for turn in transcript.turns
            if turn.channel == name
            for word in turn.words
            for text in _words(word.text)
        ]
        # A word of the channel's own comes first, so that it excuses nothing else.
        count += sum(not _taken(own, at_s, text) and _taken(others, at_s, text) for at_s, text in heard)
    return count


def _taken(turns: Sequence[tuple[float, float, Counter[str]]], at_s: float, word: str) -> bool:
    for start_s, end_s, left in turns:
        if start_s - _WIDENED_S <= at_s <= end_s + _WIDENED_S and left[word]:
            left[word] -= 1
            return True
    return False


def _leak(word: str) -> Leaking | None:
    if word == "none":
        return None
    level_db, delay_ms = word.split(":")
    return float(level_db), int(delay_ms)


def _words(text: str) -> list[str]:
    return whisper_english(text).split()


def outcomes(
    calls: Sequence[Path], folder: Path, models: tuple[Engine, SpeechDetector], *, on: bool
) -> Iterator[Outcome]:
    """What comes of the calls; their references lie in the folder."""
    settings = load(None, [f"decode.suppress_crosstalk={str(on).lower()}"], os.environ, None)
    for call, transcript in zip(calls, _transcripts(calls, models, settings), strict=True):
        reference = folder / call.name
        turns = json.loads(reference.with_suffix(".json").read_text())["turns"]
        texts = [
            whisper_english(" ".join(turn.text for turn in transcript.turns if turn.channel == channel))
            for channel in transcript.channels
        ]
        errors = pooled(map(word_errors, references(reference, len(texts)), texts))
        found = sum(finding.kind is FindingKind.CROSSTALK for finding in transcript.findings)
        yield Outcome(errors, copies(turns, transcript), found)


def _transcripts(
    calls: Sequence[Path], models: tuple[Engine, SpeechDetector], settings: Settings
) -> Iterator[Transcript]:
    engine, detector = models
    prepared = [preparation.prepare(identify(call), detector, settings) for call in calls]
    for item, heard in zip(prepared, stages.hear(prepared, engine, settings, lambda _: None), strict=True):
        yield stages.assemble(item, heard, wiring.provenance(engine, settings), settings)


def main(folder: Path, leaks: Sequence[Leaking | None]) -> None:
    """Print two lines for each leak, or for none: with suppression and without."""
    settings = load(None, [], os.environ, None)
    engine = load_engine(wiring.fetch_model(settings, settings.transcribe.model), settings.transcribe)
    models = engine, SileroVad(wiring.vad_file(settings))
    calls = find_calls(folder)
    print("| leak | suppressed | channels found | duplicated | WER | sub | lost | ins | CPU s |")
    print("|---|---|---|---|---|---|---|---|---|")
    for leak in leaks:
        with tempfile.TemporaryDirectory() as made:
            mixed = calls if leak is None else [leaked(call, Path(made), *leak) for call in calls]
            for on in (True, False):
                began_s = time.process_time()
                done = list(outcomes(mixed, folder, models, on=on))
                took_s = time.process_time() - began_s
                errors = pooled(outcome.errors for outcome in done)
                name = "no leak" if leak is None else f"{leak[0]:g} dB, {leak[1]} ms"
                found = f"{sum(outcome.found for outcome in done)} of {2 * len(calls)}"
                doubled = sum(outcome.copies for outcome in done) / errors.reference_length
                print(
                    f"| {name} | {'yes' if on else 'no'} | {found} "
                    f"| {doubled:.2%} | {errors.rate:.1%} | {errors.substitutions} | {errors.deletions} "
                    f"| {errors.insertions} | {took_s:.0f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main(Path(sys.argv[1]), [_leak(word) for word in sys.argv[2:]] or _LEAKS)
