"""The systems that a benchmark compares, one a process: it transcribes every channel of every call and prints what
it heard and what that took, as JSON on standard output. Unredacted text goes to whoever asked, and rests nowhere."""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

from asr.decode import decode, identify
from asr.engines.registry import ENGINES, cores, load_engine
from asr.errors import ConfigError, PipelineError
from asr.options import TranscribeOptions
from asr.resample import resample
from asr.types import Samples
from asr.vad import SileroVad
from configs.load import load
from configs.settings import Settings
from flows import stages, wiring
from flows.desk import fault

Answer = dict[str, Any]
"""`texts`, of each call's channels, and `facts` of the system's own."""

_SEQUENTIAL, _BATCHED = "faster-whisper", "faster-whisper-batched"

_FASTER_WHISPER_BATCH = 8
"""faster-whisper's own default."""


def callwright(calls: list[Path], settings: Settings, variant: str) -> Iterator[Answer]:
    """The stages from decoding to words with times, many calls at once. The variant is ENGINE or ENGINE:SEARCH."""
    engine_name, _, search = variant.partition(":")
    chosen = settings.transcribe.model_copy(update={"engine": engine_name, **({"search": search} if search else {})})
    settings = settings.model_copy(update={"transcribe": chosen})
    engine = load_engine(wiring.fetch_model(settings, chosen.model), chosen)
    detector = SileroVad(wiring.vad_file(settings))
    yield {}
    with ThreadPoolExecutor(cores(chosen)) as pool:
        prepared = list(pool.map(lambda call: stages.prepare(identify(call), detector, settings), calls))
    heard = stages.hear(prepared, engine, settings, lambda _: None)
    made_by = wiring.provenance(engine, settings)
    texts = []
    for item, answer in zip(prepared, heard, strict=True):
        transcript = stages.assemble(item, answer, made_by, settings)
        texts.append(
            [
                " ".join(turn.text for turn in transcript.turns if turn.channel == channel)
                for channel in transcript.channels
            ]
        )
    statistics = getattr(engine, "statistics", None)
    yield {
        "texts": texts,
        "facts": {
            "precision": engine.info.precision,
            "prepare_s": sum(item.prepare_s for item in prepared),
            **(asdict(statistics) if statistics else {}),
        },
    }


def faster_whisper(calls: list[Path], settings: Settings, variant: str) -> Iterator[Answer]:
    """faster-whisper with VAD on the same weights, beam and cores, at int8, channel by channel as it takes them.

    The variant is empty for its sequential mode, or the batch size of its batched pipeline.
    """
    from faster_whisper import BatchedInferencePipeline, WhisperModel

    folder = wiring.fetch_model(settings, settings.transcribe.model).folder
    threads = cores(settings.transcribe)
    model = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=threads)
    options = {"language": settings.transcribe.language, "beam_size": settings.transcribe.beam_size}
    yield {}
    texts = []
    for call in calls:
        heard = []
        for channel in _channels(call, settings):
            if variant:
                batched = BatchedInferencePipeline(model)
                segments, _ = batched.transcribe(channel, batch_size=int(variant), vad_filter=True, **options)
            else:
                segments, _ = model.transcribe(channel, vad_filter=True, **options)
            heard.append(" ".join(segment.text for segment in segments))
        texts.append(heard)
    yield {"texts": texts, "facts": {"precision": "int8"}}


def _channels(call: Path, settings: Settings) -> list[Samples]:
    audio = decode(identify(call), settings.decode)
    return [resample(channel, audio.sample_rate_hz) for channel in audio.samples]


def run(system: str, calls: list[Path], settings: Settings) -> Answer:
    """What a system heard, and its seconds without loading. A name of ours is ENGINE or ENGINE:SEARCH; peers are
    faster-whisper, faster-whisper-batched and faster-whisper-batched:SIZE."""
    name, _, variant = system.partition(":")
    if name == _SEQUENTIAL:
        steps = faster_whisper(calls, settings, "")
    elif name == _BATCHED:
        steps = faster_whisper(calls, settings, variant or str(_FASTER_WHISPER_BATCH))
    else:
        steps = callwright(calls, settings, system)
    next(steps)
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    answer = next(steps)
    return {
        **answer,
        "wall_s": time.perf_counter() - began_s,
        "cpu_s": time.process_time() - began_cpu_s,
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def check(system: str) -> None:
    """Raise ConfigError, with the known ones, for the name of a system that there is not."""
    name, _, variant = system.partition(":")
    if name == _BATCHED and (variant.isdecimal() or not variant):
        return
    searches = get_args(TranscribeOptions.model_fields["search"].annotation)
    if (name == _SEQUENTIAL and not variant) or (name in ENGINES and variant in ("", *searches)):
        return
    raise ConfigError(
        f"unknown system '{system}'",
        f"Known are the engines {', '.join(ENGINES)}, each with :{', :'.join(searches)} or none, {_SEQUENTIAL}, "
        f"{_BATCHED} and {_BATCHED}:SIZE",
    )


def main() -> None:
    """Run one system over calls. What goes wrong is one line on standard error, which holds nothing that was said."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("system")
    parser.add_argument("calls", nargs="+", type=Path)
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    arguments = parser.parse_args()
    try:
        settings = load(None, arguments.overrides, os.environ, None)
        print(json.dumps(run(arguments.system, arguments.calls, settings)))  # noqa: T201
    except PipelineError as error:
        sys.exit(str(error))
    except ModuleNotFoundError as error:
        sys.exit(f"{error.name} is not installed. Install the extra 'dev', as make test does")
    except Exception as error:  # noqa: BLE001
        sys.exit(f"a fault: {fault(error)}")


if __name__ == "__main__":
    main()
