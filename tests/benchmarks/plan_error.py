"""How far `callwright plan` is from what models take: `python -m tests.benchmarks.plan_error`.

Each model is loaded in a process of its own, hears three times as many windows of 30 s as its threads take at once, and
says the most memory that it had. The shape of Whisper small, with random weights, is one that nothing was fitted to.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import openvino as ov
import soundfile
import soxr
from numpy.typing import NDArray

from asr.card import shipped_card
from asr.cores import cores
from asr.engines.base import EngineInfo
from asr.engines.openvino import OpenvinoNetwork, build, compute_type, multiplies_bfloat16
from asr.engines.openvino_graph import GraphOperations, Storage, build_encoder, build_memory, build_step
from asr.heap import bound_heap
from asr.options import TranscribeOptions
from asr.whisper.footprint import Precision, footprint, weight_bytes
from asr.whisper.network import Step
from asr.whisper.sizes import SIZES
from configs.load import load
from flows import wiring
from tests.benchmarks.large_shape import random_weights

FETCHED = tuple(
    (model, precision) for model in ("whisper-tiny.en", "whisper-base") for precision in ("int8", "bfloat16", "float32")
)
SHAPED = (("whisper-small", "int8"), ("whisper-small", "float32"))
_STEPS = 100
_RATE_HZ = 16_000


def _speech(windows: int) -> list[NDArray[np.float32]]:
    """Windows of 30 s out of the sample calls, both sides in one."""
    samples, rate_hz = soundfile.read("sample_audio/bank.wav", dtype="float32")
    call = np.tile(soxr.resample(samples.sum(axis=1), rate_hz, _RATE_HZ).astype(np.float32), windows)
    size, step = 30 * _RATE_HZ, 15 * _RATE_HZ
    return [np.ascontiguousarray(call[at * step : at * step + size]) for at in range(windows)]


def _hear(model: str, precision: str, options: TranscribeOptions, threads: int) -> int:
    """Load the model and have it hear full batches; the bytes of its weights."""
    folder = wiring.fetch_model(load(None, [], os.environ, None), model).folder
    card = shipped_card(model)
    ranges = card.ranges if card and precision == "int8" else {}
    engine = build(folder, EngineInfo("openvino", model, "", precision), options, threads, ranges)
    for _ in range(3):
        engine.transcribe(_speech(threads * options.batch_size))
    return engine.weight_bytes


def _run_shape(model: str, precision: str, options: TranscribeOptions, threads: int) -> int:
    """The same with random weights and no search: windows are encoded, and decoded for _STEPS steps."""
    bound_heap()
    size = replace(SIZES[model], alignment_heads=((SIZES[model].decoder_layers - 1, 0),))
    ops = GraphOperations(random_weights(size), Storage.INT8 if precision == "int8" else Storage.FLOAT)
    kind = ov.Type.f32 if precision == "float32" else compute_type()
    step = build_step(ops, size, kind, np.zeros(size.vocabulary, np.float32), 12)
    network = OpenvinoNetwork(build_encoder(ops, size, kind), build_memory(ops, size, kind), step, size, threads, kind)
    features = np.random.default_rng(1).standard_normal((size.n_mels, 3_000), np.float32)

    def decode(_: int) -> None:
        batch = network.batch(options.batch_size, size.audio_positions)
        for slot in range(options.batch_size):
            batch.hear(slot, batch.encode(features))
        rows = np.arange(options.batch_size)
        for at in range(_STEPS):
            batch.step(Step(np.full(len(rows), 400), np.full(len(rows), at), rows))

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(decode, range(threads)))
    return network.weight_bytes


def measure(model: str, precision: Precision) -> None:
    """Print a row of the table."""
    options = TranscribeOptions()
    threads = cores(options)
    said = footprint(SIZES[model], precision, threads, options.batch_size, bf16=multiplies_bfloat16())
    said_weights = weight_bytes(SIZES[model], precision)
    run = _hear if (model, precision) in FETCHED else _run_shape
    weights = run(model, precision, options, threads)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    mib = [f"{number / 2**20:,.0f}" for number in (said_weights, weights, said.total, peak)]
    error = f"{said.total / peak - 1:+.1%}"
    print("| " + " | ".join((model, precision, f"{threads} x {options.batch_size}", *mib, error)) + " |", flush=True)


def main(words: list[str]) -> None:
    """One model if it is named, with its precision, else all."""
    if words:
        model, precision = words
        measure(model, precision)  # type: ignore[arg-type]
        return
    print("| model | precision | windows | weights, said | weights | MiB, said | MiB, measured | error |")
    print("|---|---|---|---:|---:|---:|---:|---:|", flush=True)
    for model, precision in (*FETCHED, *SHAPED):
        subprocess.run([sys.executable, "-m", "tests.benchmarks.plan_error", model, precision], check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
