"""The systems that are compared. Each transcribes every channel of every call and says what it took."""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile
import soxr

from asr.decode import identify
from asr.engines.registry import cores
from asr.types import MODEL_RATE_HZ, Samples
from configs.load import load
from flows import stages, wiring

BATCH_SIZE = 8
"""Of faster-whisper's batched pipeline: its own default."""


def callwright(calls: list[Path], _variant: str) -> Iterator[list[str]]:
    """The stages from decoding to words with times, many calls in a batch; then one text a channel."""
    settings = load(None, [], os.environ, None)
    models = wiring.load_models(settings)
    yield []
    with ThreadPoolExecutor(cores(settings.transcribe)) as pool:
        prepared = list(pool.map(lambda call: stages.prepare(identify(call), models.detector, settings), calls))
    heard = stages.hear(prepared, models.engine, lambda _: None)
    made_by = wiring.provenance(models.engine, settings)
    for item, answer in zip(prepared, heard, strict=True):
        transcript = stages.assemble(item, answer, made_by, settings)
        yield [
            " ".join(turn.text for turn in transcript.turns if turn.channel == channel)
            for channel in transcript.channels
        ]


def faster_whisper(calls: list[Path], variant: str) -> Iterator[list[str]]:
    """faster-whisper on the same weights, precision, beam and cores, channel by channel as it takes them."""
    from faster_whisper import BatchedInferencePipeline, WhisperModel

    folder = wiring.fetch_model(load(None, [], os.environ, None), "whisper-base").folder
    model = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=len(os.sched_getaffinity(0)))
    options = {"language": "en", "beam_size": 5, "vad_filter": True, "word_timestamps": "words" in variant}
    batched = {"batch_size": BATCH_SIZE} if "batched" in variant else {"condition_on_previous_text": True}
    transcribe = BatchedInferencePipeline(model).transcribe if "batched" in variant else model.transcribe
    yield []
    for call in calls:
        texts = []
        for channel in _channels(call):
            segments, _ = transcribe(channel, **options, **batched)
            texts.append(" ".join(segment.text for segment in segments))
        yield texts


def _channels(call: Path) -> list[Samples]:
    samples, rate_hz = soundfile.read(call, dtype="float32", always_2d=True)
    return [
        soxr.resample(np.ascontiguousarray(channel), rate_hz, MODEL_RATE_HZ).astype(np.float32) for channel in samples.T
    ]


SYSTEMS = {
    "callwright": callwright,
    "faster-whisper batched": faster_whisper,
    "faster-whisper batched, words": faster_whisper,
    "faster-whisper sequential": faster_whisper,
}


def main() -> None:
    """Run one system and print what it heard, its seconds without loading, and its memory, as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("system", choices=SYSTEMS)
    parser.add_argument("calls", nargs="+", type=Path)
    arguments = parser.parse_args()
    texts = SYSTEMS[arguments.system](arguments.calls, arguments.system)
    next(texts)
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    heard = list(texts)
    print(
        json.dumps(
            {
                "texts": heard,
                "wall_s": time.perf_counter() - began_s,
                "cpu_s": time.process_time() - began_cpu_s,
                "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    )


if __name__ == "__main__":
    main()
