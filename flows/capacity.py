"""What models take of a machine, and what a machine does in a day: before it is bought."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from difflib import get_close_matches
from pathlib import Path

from asr.control_group import GROUPS, OWN_GROUP, memory_limit
from asr.cores import cores
from asr.errors import ConfigError
from asr.models import cache_folder, resolve
from asr.whisper import footprint as whisper
from asr.whisper.sizes import SIZES
from asr.whisper.weights import Dimensions, load_weights
from configs.settings import Settings
from flows.wiring import registry
from llm import footprint as llm
from llm.pace import CORE, Pace

GIB = 1 << 30

SHIPPED_SPEED = 23.9
"""Times realtime of one core, Whisper base in int8: 47.7 on two (docs/performance.md, Real telephone audio)."""

LLM_PROCESS = 60 << 20
"""What llama.cpp's server takes beside the model: libraries, the vocabulary, its connections (docs/plan.md)."""

BASE = SIZES["whisper-base"]

_RUN_BYTES = 220 << 20
"""What a run holds beside the engine: Prefect, the models that find speech and names, audio in hand. The sample calls
took 1,090 MiB (docs/plan.md)."""

_USABLE = 0.9
"""Share of a machine's memory that models may fill: the system and its file cache take the rest."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What is to be filled. `bf16`: its CPU multiplies bfloat16.

    `peaks` are what language models run on, None for what llama.cpp reaches on these cores.
    """

    cores: int
    memory_gib: float
    vram_gib: float = 0.0
    bf16: bool = True
    peaks: Pace | None = None

    @property
    def pace(self) -> Pace:
        """What language models have of it in a second."""
        return self.peaks or Pace(*(self.cores * share for share in astuple(CORE)))


@dataclass(frozen=True, slots=True)
class Workload:
    """What it is to do. `speed` is how many times realtime one core transcribes with Whisper base in int8;
    `context_tokens` and `llm_batch` are of the language model, `kv_cache` its cache's precision."""

    speed: float = SHIPPED_SPEED
    call_minutes: float = 5.0
    batch_size: int = 6
    context_tokens: int = 4_096
    llm_batch: int = 1
    kv_cache: str = "f16"


@dataclass(frozen=True, slots=True)
class Need:
    """What one model in one precision takes, in bytes, and what it does.

    `core_hours` are what an hour of audio takes; a language model has tokens a second, of all conversations together.
    """

    model: str
    precision: str
    weights: int
    activations: int
    caches: int
    process: int
    core_hours: float | None = None
    tokens_read: float | None = None
    tokens_written: float | None = None
    gpu_known: bool = False
    """Whether it takes as much of a GPU: speech is transcribed there by another engine, which is not counted."""

    @property
    def total(self) -> int:
        """Bytes of memory in all."""
        return self.weights + self.activations + self.caches + self.process

    def fits(self, machine: Machine) -> tuple[str, ...]:
        """Where it fits: in RAM, in VRAM, which need not hold the process, or nowhere."""
        on_gpu = self.gpu_known and self.total - self.process <= _USABLE * machine.vram_gib * GIB
        in_ram = self.total <= _USABLE * machine.memory_gib * GIB
        return (*(("RAM",) if in_ram else ()), *(("VRAM",) if on_gpu and machine.vram_gib else ()))

    def audio_hours_a_day(self, machine: Machine) -> float | None:
        """Hours of audio that all cores transcribe in 24 hours."""
        return None if self.core_hours is None else 24 * machine.cores / self.core_hours

    def calls_a_day(self, machine: Machine, call_minutes: float) -> float | None:
        """Calls of that length in 24 hours."""
        hours = self.audio_hours_a_day(machine)
        return None if hours is None else hours * 60 / call_minutes

    def price_of_audio_hour(self, core_hour: float) -> float | None:
        """At the price of an hour of one core."""
        return None if self.core_hours is None else core_hour * self.core_hours


def this_machine(settings: Settings) -> Machine:
    """Cores that this process may use, memory up to its control group's limit, and what its CPU multiplies. GPUs are
    not asked for."""
    from asr.engines.openvino import multiplies_bfloat16

    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    memory = min(memory, memory_limit(OWN_GROUP, GROUPS) or memory)
    return Machine(cores(settings.transcribe), memory / GIB, bf16=multiplies_bfloat16())


def known_names(settings: Settings) -> tuple[str, ...]:
    """Every model that can be planned for by name: the published ones, and your registry's speech models."""
    own = (model.id for model in registry(settings).models if model.kind == "asr")
    return tuple(dict.fromkeys((*SIZES, *own, *llm.KNOWN)))


def needs(name: str, machine: Machine, work: Workload, settings: Settings) -> Iterator[Need]:
    """What a model takes in each precision: one by name, or a config.json or GGUF file by path.

    Raises ConfigError for a name that is not known, with the nearest, and for a file that tells of no model.
    """
    size = _whisper_size(name, settings)
    if size:
        yield from _of_whisper(name, size, machine, work)
    elif name in llm.KNOWN:
        yield from _of_llm(name, llm.KNOWN[name], machine, work)
    elif Path(name).is_file():
        if name.endswith(".gguf"):
            shape, weights = llm.read_gguf(Path(name))
            yield _llm_need(Path(name).stem, "as it is", shape, weights, machine, work)
        else:
            yield from _of_llm(Path(name).absolute().parent.name, llm.read_config(Path(name)), machine, work)
    else:
        known = known_names(settings)
        near = get_close_matches(name, known, n=1)
        hint = f"Did you mean '{near[0]}'? " if near else ""
        raise ConfigError(
            f"unknown model '{name}'", f"{hint}Name a config.json or GGUF file, or one of {', '.join(known)}"
        )


def together(chosen: Sequence[Need]) -> Need:
    """All of these models on one machine at a time, their processes beside each other."""
    parts = ("weights", "activations", "caches", "process")
    weights, activations, caches, process = (sum(getattr(need, part) for need in chosen) for part in parts)
    precisions, known = ", ".join(need.precision for need in chosen), all(need.gpu_known for need in chosen)
    return Need("together", precisions, weights, activations, caches, process, gpu_known=known)


def _whisper_size(name: str, settings: Settings) -> Dimensions | None:
    """Published dimensions, or for a model of the user's own those of its files."""
    if name in SIZES:
        return SIZES[name]
    for model in registry(settings).models:
        if model.id == name and model.kind == "asr":
            return load_weights(resolve(model, cache_folder(settings.models)).folder).dimensions
    return None


def _of_whisper(name: str, size: Dimensions, machine: Machine, work: Workload) -> Iterator[Need]:
    for precision in whisper.PRECISIONS:
        if precision == "bfloat16" and not machine.bf16:
            continue
        took = whisper.footprint(size, precision, machine.cores, work.batch_size, bf16=machine.bf16)
        cost = whisper.relative_cost(size, precision, BASE, batch_size=work.batch_size)
        process = took.process + _RUN_BYTES
        yield Need(name, precision, took.weights, took.activations, took.caches, process, core_hours=cost / work.speed)


def _of_llm(name: str, shape: llm.Shape, machine: Machine, work: Workload) -> Iterator[Need]:
    for precision in llm.WEIGHT_BITS:
        yield _llm_need(name, precision, shape, llm.weight_bytes(shape, precision), machine, work)


def _llm_need(name: str, precision: str, shape: llm.Shape, weights: int, machine: Machine, work: Workload) -> Need:
    context, batch, kv_cache = work.context_tokens, work.llm_batch, work.kv_cache
    return Need(
        name,
        precision,
        weights,
        llm.activation_bytes(shape, context * batch),
        llm.cache_bytes(shape, context, batch, kv_cache),
        LLM_PROCESS,
        tokens_read=machine.pace.read(shape, context),
        tokens_written=machine.pace.written(shape, weights, context, batch, kv_cache),
        gpu_known=True,
    )
