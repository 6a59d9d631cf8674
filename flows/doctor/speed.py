"""Ten seconds of a call, transcribed, and how quickly that should go on this machine."""

from __future__ import annotations

import json
import time
from math import ceil
from pathlib import Path

import configs
from asr.card import Card, admitted
from asr.decode import identify, open_recording
from asr.engines.base import Engine
from asr.engines.registry import Choice, choose, load_engine
from asr.errors import ConfigError, ModelError
from asr.models import LocalModel, cache_folder, resolve
from asr.resample import resample
from asr.scoring.errors import word_errors
from asr.scoring.normalisation import whisper_english
from asr.timebase import to_samples, to_seconds
from asr.types import Samples
from asr.whisper.engine import window_positions
from asr.whisper.weights import load_weights
from asr.whisper.work import step_bytes, window_products
from configs.settings import Settings
from flows.doctor.finding import Patient, Verdict, failure, ok, skipped, warning
from flows.wiring import registry

SAMPLE = Path(configs.__file__).parents[1] / "sample_audio" / "wrong_number.wav"
_TURNS = 2
"""The sample's first two turns, one of each speaker, take ten seconds."""

_ENCODER_SHARE, _DECODER_SHARE = 0.69, 0.46
"""What the encoder reaches of the peaks of multiplying, and the decoder of the memory's: tests/benchmarks/roofline.py,
on 2 cores of AMD Zen 5 with AVX512-VNNI and BF16. Other CPUs reach other shares, hence the leeway."""

_TOKENS_PER_WORD = 1.5
_LEAST_SHARE = 0.4
"""Of the speed that is expected. By itself, ten seconds fill no batch, and beams of doubtful chunks come on top."""

_MOST_REALTIME = 0.1
"""The real-time factor that contact centres ask for: ten times realtime."""

_MOST_ERRORS = 0.5
"""Of the sample's 29 words Whisper tiny.en hears 4 wrong and base 5: who hears half of them wrong, multiplies wrong."""

_TIMES = 3

_LOOK = "look at what is said above of cores, load, threads and variables"


def speed(patient: Patient) -> Verdict:
    """Transcribe ten seconds on every core at once, the best of three, and hold that against what is expected.

    What a machine should do is asked of the machine: large matrix products in the runtime's int8 and floats, and copies
    of memory, give its peaks (asr/engines/openvino_peak.py); asr/whisper/work.py counts what the window multiplies and
    its tokens read; and the shares that the engine reaches of the peaks are those of tests/benchmarks/roofline.py. So a
    slow CPU is not blamed for being one, but a setting, a neighbour or a build that wastes it is. Below realtime it is
    a failure: such a machine falls behind a single call.
    """
    settings = patient.settings
    try:
        model = resolve(registry(settings).get(settings.transcribe.model), cache_folder(settings.models))
        choice = choose(settings.transcribe, model.sha256)
        engine = load_engine(model, settings.transcribe.model_copy(update={"language": "en"}))  # the sample's
    except (ModelError, ConfigError):
        return skipped("the engine or its model is not ready")
    except RuntimeError:
        # What OpenVINO and ONNX Runtime raise for a graph that the CPU cannot run as it was asked to.
        return failure(
            "the engine does not start on this CPU",
            "Look at what is said of variables; else set transcribe.precision to float32",
        )
    if not SAMPLE.exists():
        return skipped(f"there is no {SAMPLE}")
    samples, said = _sample(settings)
    length_s = to_seconds(len(samples))
    heard, took_s = _heard(engine, samples, choice.threads)
    rate = choice.threads * length_s / took_s
    found = f"{rate:.1f}x realtime on {choice.threads} threads, {choice.engine} in {choice.precision}"
    errors = word_errors(whisper_english(said), whisper_english(heard))
    if errors.rate > _MOST_ERRORS:
        return failure(
            f"{found}, but {errors.rate:.0%} of the sample's words are wrong",
            "Try transcribe.precision=float32, then another engine; say which CPU this is, and report it as a bug",
        )
    expected = _expected(choice, model, settings, samples, len(said.split()))
    if expected is not None:
        found += f", where {expected:.0f}x is to be expected"
    return _judged(found, rate, expected)


def _judged(found: str, rate: float, expected: float | None) -> Verdict:
    """What a speed means, in times realtime, where another is expected if it is known."""
    if rate < 1.0:
        return failure(f"{found}: a call takes longer than it lasts", f"Set a smaller transcribe.model; {_LOOK}")
    if expected is not None and rate < _LEAST_SHARE * expected:
        return warning(found, _LOOK)
    if rate < 1.0 / _MOST_REALTIME:
        return warning(f"{found}: real-time factor {1 / rate:.2f}", "Use more cores, or a smaller transcribe.model")
    return ok(found)


def _heard(engine: Engine, samples: Samples, threads: int) -> tuple[str, float]:
    """What the engine hears, and the least seconds in which it does, on every thread, after a first time."""
    took: list[float] = []
    for _ in range(_TIMES + 1):
        began_s = time.perf_counter()
        found = engine.transcribe([samples] * threads)
        took.append(time.perf_counter() - began_s)
    return " ".join(word.text for word in found[0].words), min(took[1:])


def _expected(choice: Choice, model: LocalModel, settings: Settings, samples: Samples, words: int) -> float | None:
    """Times realtime that this machine should reach; None for what the peaks here say nothing of."""
    if choice.engine != "openvino":
        return None
    card = _card(choice, model, settings)
    from asr.engines.openvino_peak import measure_peaks  # here, so that no command waits for the runtime

    size, peaks = load_weights(model.folder).dimensions, measure_peaks(choice.threads, _TIMES)
    positions = window_positions(samples, size)
    int8, floats = (2 * count for count in window_products(size, positions, card.ranges if card else {}))
    encoder_s = choice.threads * (int8 / peaks.int8 + floats / peaks.floats) / _ENCODER_SHARE
    steps = ceil(_TOKENS_PER_WORD * words)
    decoder_s = choice.threads * steps * sum(step_bytes(size, positions, 1)) / peaks.bandwidth / _DECODER_SHARE
    return choice.threads * to_seconds(len(samples)) / (encoder_s + decoder_s)


def _card(choice: Choice, model: LocalModel, settings: Settings) -> Card | None:
    if choice.precision != "int8":
        return None
    return admitted(model.model.id, model.sha256, settings.transcribe.card)


def _sample(settings: Settings) -> tuple[Samples, str]:
    """The sample's first turns, all speakers in one channel as an engine is given them, and what is said in them."""
    turns = json.loads(SAMPLE.with_suffix(".json").read_text(encoding="utf-8"))["turns"][:_TURNS]
    with open_recording(identify(SAMPLE), settings.decode) as reader:
        rate_hz, mixed = reader.sample_rate_hz, next(reader.blocks).sum(axis=0)
    first, last = (to_samples(at_s, rate_hz) for at_s in (turns[0]["start_s"], turns[-1]["end_s"]))
    return resample(mixed[first:last], rate_hz), " ".join(turn["text"] for turn in turns)
