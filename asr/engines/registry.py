"""Engines by name, imported when they are asked for, and the choice among them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib import import_module

from asr.engines.base import Engine, EngineInfo
from asr.errors import ConfigError, FatalError
from asr.models import LocalModel
from asr.options import TranscribeOptions

ENGINES = {"ctranslate2": "asr.engines.ctranslate2:CTranslate2Engine"}
"""Name to "module:class". A class takes (folder, info, device, options, threads)."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The engine, device and precision that a machine will run, and why."""

    engine: str
    device: str
    precision: str
    threads: int
    why: str


def choose(options: TranscribeOptions) -> Choice:
    """Settle every `auto`. Raises ConfigError if a GPU is asked for and there is none."""
    import ctranslate2

    gpus = ctranslate2.get_cuda_device_count()
    if options.device == "cuda" and not gpus:
        raise ConfigError("transcribe.device is cuda, and no CUDA GPU is visible", "Set it to auto or cpu")
    device = "cuda" if gpus and options.device != "cpu" else "cpu"
    precision = options.precision
    if precision == "auto":
        precision = "float16" if device == "cuda" else "int8"
    threads = options.threads or len(os.sched_getaffinity(0))
    why = f"{gpus} CUDA GPU{'' if gpus == 1 else 's'} visible" if gpus else f"no CUDA GPU; {threads} cores may be used"
    return Choice("ctranslate2", device, precision, threads, why)


def load_engine(model: LocalModel, options: TranscribeOptions) -> Engine:
    """The engine that the options choose, with the model loaded."""
    choice = choose(options)
    module, _, name = ENGINES[choice.engine].partition(":")
    try:
        build = getattr(import_module(module), name)
    except ImportError as error:
        raise FatalError(f"The engine {choice.engine} is not installed", "Run make install") from error
    info = EngineInfo(choice.engine, model.model.id, model.sha256, choice.precision)
    engine: Engine = build(model.folder, info, choice.device, options, choice.threads)
    return engine
