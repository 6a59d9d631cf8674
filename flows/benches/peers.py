"""Other systems, which a benchmark compares ours with: the same calls, channel by channel as they take them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asr.cores import cores
from asr.decode import decode, identify
from asr.errors import ConfigError
from asr.resample import resample
from asr.types import Samples
from asr.whisper.weights import load_weights
from configs.settings import Settings
from flows import wiring

_BATCH = 8
"""Windows in faster-whisper's batches, its own default."""

_GRAPHS = ("openvino_encoder_model.xml", "openvino_decoder_model.xml")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a system heard in each channel of each call, and what that took.

    `window_s` are the seconds of every window, as asr/whisper/engine.py's Statistics counts them; none for a system
    that does not show its windows. `weight_bytes` are what an engine holds (see Engine), and what a peer reads.
    `facts` are its own.
    """

    texts: list[list[str]] = field(repr=False)
    window_s: list[float]
    weight_bytes: int
    facts: dict[str, Any]


System = Callable[[Sequence[Path]], Answer]
"""What is loaded, and answers for calls."""


def faster_whisper(settings: Settings, _variant: str) -> System:
    """faster-whisper's sequential mode with VAD on our weights, beam and cores, at int8. It has no variant.

    A window's seconds are those of its encoding and of all tries at its text.
    """
    model, options, weight_bytes = _faster_whisper(settings)
    encode_s, text_s = _clocked(model, "encode"), _clocked(model, "generate_with_fallback")

    def answer(calls: Sequence[Path]) -> Answer:
        texts = _heard(calls, settings, lambda channel: model.transcribe(channel, **options)[0])
        # A window that it begins anew from its very start is encoded once: then the two do not pair.
        paired = len(encode_s) == len(text_s)
        window_s = [first + then for first, then in zip(encode_s, text_s, strict=True)] if paired else []
        return Answer(texts, window_s, weight_bytes, {"precision": "int8"})

    return answer


def faster_whisper_batched(settings: Settings, variant: str) -> System:
    """faster-whisper's batched pipeline, else as its sequential mode. The variant is the batch size.

    The texts of a batch are done at once, so that each of its windows has the batch's seconds.
    """
    from faster_whisper import BatchedInferencePipeline

    model, options, weight_bytes = _faster_whisper(settings)
    pipeline = BatchedInferencePipeline(model)
    options["batch_size"] = int(variant or _BATCH)
    window_s = _clocked(pipeline, "forward", windows=len)

    def answer(calls: Sequence[Path]) -> Answer:
        texts = _heard(calls, settings, lambda channel: pipeline.transcribe(channel, **options)[0])
        return Answer(texts, window_s, weight_bytes, {"precision": "int8"})

    return answer


def openvino_genai(settings: Settings, variant: str) -> System:
    """OpenVINO GenAI's WhisperPipeline with our beam and cores. The variant is the folder of a converted model, whose
    weights are its own.

    It hears whole channels, without VAD and one window at a time, and does not say when each was done. Raises
    ConfigError for a folder that holds no model.
    """
    folder = _converted(variant)
    import openvino_genai as genai

    pipeline = genai.WhisperPipeline(str(folder), "CPU", INFERENCE_NUM_THREADS=cores(settings.transcribe))
    config = pipeline.get_generation_config()
    config.num_beams = settings.transcribe.beam_size
    if config.is_multilingual:
        config.language, config.task = f"<|{settings.transcribe.language}|>", "transcribe"
    weight_bytes = sum((folder / name).with_suffix(".bin").stat().st_size for name in _GRAPHS)

    def answer(calls: Sequence[Path]) -> Answer:
        texts = [
            [str(pipeline.generate(channel, config).texts[0]) for channel in channels]
            for channels in _channels(calls, settings)
        ]
        return Answer(texts, [], weight_bytes, {})

    return answer


def openai_whisper(settings: Settings, variant: str) -> System:
    """openai/whisper on our weights and cores, in float32: greedy with its fall-back to sampling, or with our beam if
    the variant is `beam`.

    It hears whole channels, without VAD, and does not say when each window was done. It is not told what it wrote
    before, which makes it loop on telephone calls.
    """
    import torch

    from flows.benches.reference import openai_model

    asked = settings.transcribe
    torch.set_num_threads(cores(asked))
    weights = load_weights(wiring.fetch_model(settings, asked.model).folder)
    model = openai_model(weights)
    weight_bytes = sum(parameter.nbytes for parameter in model.parameters())
    options = {"language": asked.language, "fp16": False, "condition_on_previous_text": False}
    options |= {"beam_size": asked.beam_size} if variant else {}

    def answer(calls: Sequence[Path]) -> Answer:
        texts = [
            [str(model.transcribe(channel, **options)["text"]) for channel in channels]
            for channels in _channels(calls, settings)
        ]
        return Answer(texts, [], weight_bytes, {"precision": "float32"})

    return answer


PEERS: dict[str, Callable[[Settings, str], System]] = {
    "faster-whisper": faster_whisper,
    "faster-whisper-batched": faster_whisper_batched,
    "openvino-genai": openvino_genai,
    "openai-whisper": openai_whisper,
}
"""Name to a function that takes (settings, variant), of which the variant is what follows the name after a colon."""

FORMS = (
    "faster-whisper, faster-whisper-batched, faster-whisper-batched:SIZE, openvino-genai:FOLDER, openai-whisper, "
    "openai-whisper:beam"
)
"""How they are asked for."""


def is_peer(name: str, variant: str) -> bool:
    """Whether there is a peer of that name that has that variant. Raises ConfigError for a folder with no model."""
    if name == "openvino-genai" and variant:
        return bool(_converted(variant))
    return (
        (name == "faster-whisper" and not variant)
        or (name == "faster-whisper-batched" and (variant.isdecimal() or not variant))
        or (name == "openai-whisper" and variant in ("", "beam"))
    )


def _converted(variant: str) -> Path:
    folder = Path(variant)
    for name in (*_GRAPHS, "openvino_tokenizer.xml", "generation_config.json"):
        if not (folder / name).is_file():
            raise ConfigError(
                f"There is no {folder / name}",
                "Name the folder of a converted model, openvino-genai:FOLDER; docs/performance.md says how to make one",
            )
    return folder


def _faster_whisper(settings: Settings) -> tuple[Any, dict[str, Any], int]:
    """The model, what both modes are asked for, and the bytes of its file."""
    from faster_whisper import WhisperModel

    folder = wiring.fetch_model(settings, settings.transcribe.model).folder
    asked = settings.transcribe
    model = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=cores(asked))
    options = {"language": asked.language, "beam_size": asked.beam_size, "vad_filter": True}
    return model, options, (folder / "model.bin").stat().st_size


def _clocked(owner: Any, name: str, windows: Callable[[Any], int] = lambda _: 1) -> list[float]:
    """The seconds of each call of a method from now on, once for every window that its first argument holds."""
    method = getattr(owner, name)
    window_s: list[float] = []

    def clocked(first: Any, *rest: Any) -> Any:
        began_s = time.perf_counter()
        found = method(first, *rest)
        window_s.extend([time.perf_counter() - began_s] * windows(first))
        return found

    setattr(owner, name, clocked)
    return window_s


def _heard(
    calls: Sequence[Path], settings: Settings, transcribe: Callable[[Samples], Iterable[Any]]
) -> list[list[str]]:
    """The texts by channel, where `transcribe` gives a channel's segments."""
    return [
        [" ".join(segment.text for segment in transcribe(channel)) for channel in channels]
        for channels in _channels(calls, settings)
    ]


def _channels(calls: Sequence[Path], settings: Settings) -> Iterator[list[Samples]]:
    """Each call's channels at 16 kHz, a call at a time."""
    for call in calls:
        audio = decode(identify(call), settings.decode)
        yield [resample(channel, audio.sample_rate_hz) for channel in audio.samples]
