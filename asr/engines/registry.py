"""Engines by name, imported when they are asked for, and the choice among them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from asr.card import admitted
from asr.cores import cores
from asr.engines.base import Engine, EngineInfo
from asr.errors import ConfigError, ModelError
from asr.models import LocalModel
from asr.options import TranscribeOptions

ENGINES = {
    "openvino": "asr.engines.openvino:load",
    "ctranslate2": "asr.engines.ctranslate2:load",
    "onnxruntime": "asr.engines.onnxruntime:load",
    "torch": "asr.engines.torch:load",
}
"""Name to "module:function". A function takes (folder, info, device, options, threads)."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The engine, device and precision that a machine will run, and why."""

    engine: str
    device: str
    precision: str
    threads: int
    why: str


def choose(options: TranscribeOptions, model_sha256: str) -> Choice:
    """Settle every `auto` for a model. Raises ConfigError if a GPU is asked for and there is none."""
    gpus = cuda_gpus()
    if options.device == "cuda" and not gpus:
        raise ConfigError("transcribe.device is cuda, and no CUDA GPU is visible", "Set it to auto or cpu")
    # OpenVINO runs on Intel's own GPUs alone; a CUDA GPU that may be used is used.
    device = "cuda" if gpus and options.device != "cpu" and options.engine != "openvino" else "cpu"
    engine = options.engine
    if engine == "auto":
        engine = "ctranslate2" if device == "cuda" else "openvino"
    precision, why = _precision(engine, device, options, model_sha256)
    threads = cores(options)
    seen = f"{gpus} CUDA GPU{'' if gpus == 1 else 's'} visible" if gpus else f"no CUDA GPU; {threads} cores may be used"
    return Choice(engine, device, precision, threads, f"{seen}; {why}")


def _precision(engine: str, device: str, options: TranscribeOptions, model_sha256: str) -> tuple[str, str]:
    """The precision, and why this engine in it."""
    if options.precision != "auto":
        return options.precision, _WHY[engine]
    precision = _PRECISIONS[engine, device]
    if precision == "int8" and engine in _UNMEASURED:
        try:
            admitted(options.model, model_sha256, options.card)
        except ModelError as error:
            return _UNMEASURED[engine], f"{_WHY[engine]}; {error.reason}"
    return precision, _WHY[engine]


_PRECISIONS = {
    ("openvino", "cpu"): "int8",
    ("ctranslate2", "cpu"): "int8",
    ("ctranslate2", "cuda"): "float16",
    ("onnxruntime", "cpu"): "int8",
    ("onnxruntime", "cuda"): "float16",
    ("torch", "cpu"): "float32",
    ("torch", "cuda"): "float16",
}
_UNMEASURED = {"openvino": "bfloat16", "onnxruntime": "float32"}
"""What those that round the weights themselves run where no card admits int8 (asr.card)."""

_EXTRAS = {"onnxruntime": "onnx", "torch": "torch"}
"""Of pyproject.toml, what an engine needs beyond the default install."""

_WHY = {
    "openvino": "openvino is the fastest on CPUs (docs/performance.md)",
    "ctranslate2": "ctranslate2 decodes on CUDA in float16",
    "onnxruntime": "onnxruntime was asked for, and runs on what providers it has",
    "torch": "torch was asked for, and runs eagerly, one operation at a time",
}


def cuda_gpus() -> int:
    """How many CUDA GPUs are visible."""
    import ctranslate2

    return int(ctranslate2.get_cuda_device_count())


def startable(options: TranscribeOptions, model_sha256: str) -> Choice:
    """The choice, if it can start here. Raises ConfigError as choose does, for an engine that is not installed, and for
    providers of ONNX Runtime that it does not have."""
    choice = choose(options, model_sha256)
    _loader(choice)
    if choice.engine == "onnxruntime":
        from asr.engines.onnxruntime import providers

        providers(choice.device, options)
    return choice


def load_engine(model: LocalModel, options: TranscribeOptions) -> Engine:
    """The engine that the options choose, with the model loaded. Raises ConfigError if it is not installed."""
    choice = choose(options, model.sha256)
    info = EngineInfo(choice.engine, model.model.id, model.sha256, choice.precision)
    return _loader(choice)(model.folder, info, choice.device, options, choice.threads)


def _loader(choice: Choice) -> Callable[..., Engine]:
    module, _, name = ENGINES[choice.engine].partition(":")
    try:
        load: Callable[..., Engine] = getattr(import_module(module), name)
    except ImportError as error:
        extra = _EXTRAS.get(choice.engine)
        remedy = f"Install it: .venv/bin/pip install -e '.[{extra}]'" if extra else "Run make install"
        raise ConfigError(f"The engine {choice.engine} is not installed", remedy) from error
    return load
