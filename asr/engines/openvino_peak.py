"""The machine's peaks, measured with the runtime that transcribes: what an engine's speed is held against."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np
import openvino as ov
from openvino import opset15 as op

from asr.engines.openvino import compute_type

Clock = Callable[[], float]

_SIDE = 2_048
_COPIED_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Peaks:
    """Of all threads together: multiplications and additions a second in int8 and in the float type that is quickest
    here, and bytes of memory a second, read and written."""

    int8: float
    floats: float
    bandwidth: float


def measure_peaks(threads: int, times: int = 8, clock: Clock = time.perf_counter) -> Peaks:
    """The best of so many tries of large products and copies, on so many threads at once."""
    int8, floats = (
        threads * 2 * _SIDE**3 / together(threads, _multiplying(kind, threads), times, clock)
        for kind in ("int8", "floats")
    )
    return Peaks(int8, floats, threads * 2 * _COPIED_BYTES / together(threads, _copying, times, clock))


def together(
    threads: int, ready: Callable[[], Callable[[], object]], times: int, clock: Clock = time.perf_counter
) -> float:
    """Seconds that one call takes while every thread makes them: the best of several, after one that warms up.

    `clock` may be the process's CPU time where there is one thread, and others are at work on the machine.
    """

    def timed(call: Callable[[], object]) -> float:
        began_s = clock()
        call()
        return clock() - began_s

    with ThreadPoolExecutor(threads) as pool:
        calls = [ready() for _ in range(threads)]
        rounds = [list(pool.map(timed, calls)) for _ in range(times + 1)]
    return min(max(times) for times in rounds[1:])


def _multiplying(kind: Literal["int8", "floats"], threads: int) -> Callable[[], Callable[[], object]]:
    x = op.parameter([_SIDE, _SIDE], ov.Type.f32)
    matrix = np.random.default_rng(1).integers(-127, 127, (_SIDE, _SIDE), np.int8)
    if kind == "int8":
        limits = [op.constant(np.float32(end)) for end in (-1.0, 1.0)]
        given = op.fake_quantize(x, *limits, *limits, 256)
        weights = op.multiply(op.convert(op.constant(matrix), np.float32), op.constant(np.float32(0.01)))
    else:
        given, weights = x, op.constant(matrix.astype(np.float32))
    graph = ov.Model([op.result(op.matmul(given, weights, False, True))], [x], kind)
    config = {
        "INFERENCE_PRECISION_HINT": compute_type().to_string(),
        "NUM_STREAMS": threads,
        "INFERENCE_NUM_THREADS": threads,
    }
    compiled = ov.Core().compile_model(graph, "CPU", config)
    values = np.random.default_rng(2).standard_normal((_SIDE, _SIDE)).astype(np.float32)

    def ready() -> Callable[[], object]:
        request = compiled.create_infer_request()
        return lambda: request.infer({0: values}, share_inputs=True)

    return ready


def _copying() -> Callable[[], object]:
    source, target = np.ones(_COPIED_BYTES, np.uint8), np.zeros(_COPIED_BYTES, np.uint8)
    return lambda: np.copyto(target, source)
