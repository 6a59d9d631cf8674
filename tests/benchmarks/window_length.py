"""What it costs to let the encoder hear less than 30 s: `python -m tests.benchmarks.window_length FOLDER MODEL`.

Every turn that lies beside the calls of the folder is transcribed by itself.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from asr.decode import decode, identify
from asr.engines.registry import load_engine
from asr.files.options import DecodeOptions
from asr.models import LocalModel
from asr.options import TranscribeOptions
from asr.resample import resample
from asr.scoring.errors import pooled, word_errors
from asr.scoring.normalisation import whisper_english
from asr.timebase import to_samples
from asr.types import Samples
from asr.whisper import engine as whisper
from configs.settings import Settings
from flows.wiring import fetch_model

LENGTHS = ((0.5, 0), (4.0, 0), (0.5, 500), (1.0, 750), (30.0, 0))
"""Silence after a turn in seconds, and the fewest positions of 20 ms."""

_AROUND_S = 0.2
_SHORTEST_S, _LONGEST_S = 0.3, 30.0


def turns(folder: Path) -> list[tuple[Samples, str]]:
    """What is heard and what is said in each turn of the folder's calls."""
    found = []
    for call in sorted(folder.glob("*.wav")):
        audio = decode(identify(call), DecodeOptions())
        channels = [resample(channel, audio.sample_rate_hz) for channel in audio.samples]
        for turn in json.loads(call.with_suffix(".json").read_text())["turns"]:
            start = to_samples(max(0.0, turn["start_s"] - _AROUND_S))
            samples = channels[turn["channel"]][start : to_samples(turn["end_s"] + _AROUND_S)]
            if to_samples(_SHORTEST_S) < len(samples) < to_samples(_LONGEST_S):
                found.append((samples, turn["text"]))
    return found


def main(folder: str, model_id: str) -> None:
    """Print a line for each of LENGTHS."""
    said = turns(Path(folder))
    model: LocalModel = fetch_model(Settings(), model_id)
    engine = load_engine(model, TranscribeOptions(device="cpu", model=model_id, temperatures=(0.0,)))
    for tail_s, least in LENGTHS:
        whisper._TAIL_S, whisper._MIN_POSITIONS = tail_s, least
        began_s = time.perf_counter()
        heard = engine.transcribe([samples for samples, _ in said])
        took_s = time.perf_counter() - began_s
        errors = pooled(
            word_errors(whisper_english(text), whisper_english(" ".join(word.text for word in found.words)))
            for found, (_, text) in zip(heard, said, strict=True)
        )
        print(f"{model_id}, {tail_s:g} s after, {least * 0.02:g} s at least: WER {errors.rate:.1%}, {took_s:.1f} s")


if __name__ == "__main__":
    main(*sys.argv[1:])
