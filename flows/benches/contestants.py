"""The systems that a benchmark compares, one a process: it transcribes every channel of every call and prints what
it heard and what that took, as JSON on standard output. Unredacted text goes to whoever asked, and rests nowhere."""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

from asr.cores import cores
from asr.decode import identify
from asr.engines.base import Engine
from asr.engines.registry import ENGINES, load_engine
from asr.errors import ConfigError, PipelineError
from asr.options import TranscribeOptions
from asr.types import Channel, Transcript
from asr.vad import SpeechDetector
from configs.load import load
from configs.settings import Settings
from flows import preparation, stages, wiring
from flows.benches.peers import FORMS, PEERS, Answer, System, is_peer
from flows.desk import fault


def callwright(settings: Settings, variant: str) -> System:
    """The stages from decoding to words with times, many calls at once. The variant is ENGINE or ENGINE:SEARCH."""
    engine_name, _, search = variant.partition(":")
    chosen = settings.transcribe.model_copy(update={"engine": engine_name, **({"search": search} if search else {})})
    settings = settings.model_copy(update={"transcribe": chosen})
    engine = load_engine(wiring.fetch_model(settings, chosen.model), chosen)
    detector = wiring.detector(settings)

    return lambda calls: answer(engine, detector, calls, settings)


def answer(engine: Engine, detector: SpeechDetector, calls: Sequence[Path], settings: Settings) -> Answer:
    """What a loaded engine makes of calls."""
    with ThreadPoolExecutor(cores(settings.transcribe)) as pool:
        prepared = list(pool.map(lambda call: preparation.prepare(identify(call), detector, settings), calls))
    heard = stages.hear(prepared, engine, settings, lambda _: None)
    began_s = time.perf_counter()
    made_by = wiring.provenance(engine, settings)
    transcripts = [stages.assemble(item, said, made_by, settings) for item, said in zip(prepared, heard, strict=True)]
    merge_s = time.perf_counter() - began_s
    counted = getattr(engine, "statistics", None)
    facts = asdict(counted) if counted else {}
    return Answer(
        [[_said(transcript, channel) for channel in transcript.channels] for transcript in transcripts],
        list(facts.pop("window_s", [])),
        engine.weight_bytes,
        {
            "precision": engine.info.precision,
            "prepare_s": sum(item.prepare_s for item in prepared),
            "merge_s": merge_s,
            **facts,
        },
    )


def _said(transcript: Transcript, channel: Channel) -> str:
    return " ".join(turn.text for turn in transcript.turns if turn.channel == channel)


def run(system: str, calls: Sequence[Path], settings: Settings) -> dict[str, Any]:
    """A system's answer, as JSON has it, and its seconds without loading."""
    name, _, variant = system.partition(":")
    loaded = PEERS[name](settings, variant) if name in PEERS else callwright(settings, system)
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    answered = loaded(calls)
    return {
        **asdict(answered),
        "wall_s": time.perf_counter() - began_s,
        "cpu_s": time.process_time() - began_cpu_s,
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def check(system: str) -> None:
    """Raise ConfigError, with the known ones, for the name of a system that there is not."""
    name, _, variant = system.partition(":")
    searches = get_args(TranscribeOptions.model_fields["search"].annotation)
    if is_peer(name, variant) or (name in ENGINES and variant in ("", *searches)):
        return
    raise ConfigError(
        f"unknown system '{system}'",
        f"Known are the engines {', '.join(ENGINES)}, each with :{', :'.join(searches)} or none, and {FORMS}",
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
        extra = "torch" if error.name in ("torch", "whisper") else "dev"
        sys.exit(f"{error.name} is not installed. Install the extra '{extra}': .venv/bin/pip install -e '.[{extra}]'")
    except Exception as error:  # noqa: BLE001
        sys.exit(f"a fault: {fault(error)}")


if __name__ == "__main__":
    main()
