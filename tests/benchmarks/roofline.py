"""What share of the machine's peaks encoder and decoder reach: `python -m tests.benchmarks.roofline`.

Peaks are measured here, on all cores at once, a thread on each: large matrices multiplied in int8 and in bfloat16 by
the same runtime, and a copy of memory that no cache holds, of which reading and writing both count. The encoder's bound
is the time that its multiplications would take at those peaks, the decoder's the time to read its weights and the keys
and values of its windows once.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset15 as op

from asr.card import shipped_card
from asr.cores import cores
from asr.engines.base import EngineInfo
from asr.engines.openvino import build
from asr.options import TranscribeOptions
from asr.whisper.network import Network, Step
from asr.whisper.weights import Dimensions
from configs.load import load
from flows import wiring

_MODEL = "whisper-base"
_SIDE = 2_048
_WINDOWS = 8
_TOKENS = 64
_TIMES = 8
_COPIED = 64 << 20


@dataclass(frozen=True, slots=True)
class Peaks:
    """Of all threads together: multiplications and additions a second, and bytes a second."""

    int8: float
    bf16: float
    bandwidth: float


def main() -> None:
    """Print the peaks, and what of them is reached."""
    threads = cores(TranscribeOptions())
    int8, bf16 = (threads * 2 * _SIDE**3 / _together(threads, _multiplying(kind)) for kind in ("int8", "bf16"))
    peaks = Peaks(int8, bf16, threads * 2 * _COPIED / _together(threads, _copying))
    print(f"{threads} threads: int8 {int8 / 1e9:.0f} GOPS, bfloat16 {bf16 / 1e9:.0f} GFLOPS, ", end="")
    print(f"{peaks.bandwidth / 1e9:.0f} GB/s")
    card = shipped_card(_MODEL)
    ranges = card.ranges if card else {}
    folder = wiring.fetch_model(load(None, [], os.environ, None), _MODEL).folder
    engine = build(folder, EngineInfo("openvino", _MODEL, "", "int8"), TranscribeOptions(), threads, ranges)
    _encoder(engine._network, threads, peaks, ranges)
    _decoder(engine._network, threads, peaks)


def _encoder(network: Network, threads: int, peaks: Peaks, ranges: Collection[str]) -> None:
    def hearing() -> Callable[[], object]:
        batch, features = network.batch(1, network.dimensions.audio_positions), _noise(network.dimensions)
        return lambda: batch.hear(0, batch.encode(features))

    took_s = _together(threads, hearing)
    int8, bf16 = (2 * count for count in _multiplications(network.dimensions, ranges))
    bound_s = threads * (int8 / peaks.int8 + bf16 / peaks.bf16)
    print(f"encoder, a window of 30 s on each thread: {took_s * 1e3:.0f} ms; {int8 / 1e9:.0f} GOP in int8 and ", end="")
    print(f"{bf16 / 1e9:.0f} in bfloat16 take {bound_s * 1e3:.0f} ms at the peaks: {bound_s / took_s:.0%}")


def _decoder(network: Network, threads: int, peaks: Peaks) -> None:
    size = network.dimensions

    def stepping() -> Callable[[], object]:
        batch = network.batch(_WINDOWS, size.audio_positions)
        encoded = batch.encode(_noise(size))
        for slot in range(_WINDOWS):
            batch.hear(slot, encoded)
        rows, position = np.arange(_WINDOWS), iter(range(size.text_positions))

        def step() -> object:
            return batch.step(Step(np.full(_WINDOWS, 50_257), np.full(_WINDOWS, next(position)), rows))

        for _ in range(_TOKENS):
            step()
        return step

    took_s = _together(threads, stepping)
    heard = _WINDOWS * size.decoder_layers * 2 * size.audio_positions * size.width * 2
    weights = size.decoder_layers * 14 * size.width**2 + size.vocabulary * size.width
    bound_s = threads * (heard + weights) / peaks.bandwidth
    print(f"decoder, a step of {_WINDOWS} windows of 30 s on each thread: {took_s * 1e3:.1f} ms; ", end="")
    print(f"{heard / 1e6:.0f} MB of keys and values and {weights / 1e6:.0f} MB of weights take ", end="")
    print(f"{bound_s * 1e3:.1f} ms: {bound_s / took_s:.0%}")


def _noise(size: Dimensions) -> NDArray[np.float32]:
    return np.random.default_rng(1).standard_normal((size.n_mels, 2 * size.audio_positions)).astype(np.float32)


def _multiplications(size: Dimensions, ranges: Collection[str]) -> tuple[int, int]:
    """Products of a window of 30 s in int8 and in bfloat16: matrices with ranges, and all else with attention."""
    width, positions = size.width, size.audio_positions
    shapes = {
        f"encoder/layer_{layer}/{name}/weight": columns * rows
        for layer in range(size.encoder_layers)
        for name, columns, rows in (
            ("self_attention/linear_0", width, 3 * width),
            ("self_attention/linear_1", width, width),
            ("ffn/linear_0", width, 4 * width),
            ("ffn/linear_1", 4 * width, width),
        )
    }
    shapes |= {f"decoder/layer_{at}/attention/linear_1/weight": 2 * width**2 for at in range(size.decoder_layers)}
    in_int8 = sum(positions * shape for name, shape in shapes.items() if name in ranges)
    in_bf16 = sum(positions * shape for name, shape in shapes.items() if name not in ranges)
    attention = size.encoder_layers * 2 * positions**2 * width
    convolutions = 3 * width * (2 * positions * size.n_mels + positions * width)
    return in_int8, in_bf16 + attention + convolutions


def _multiplying(kind: str) -> Callable[[], Callable[[], object]]:
    x = op.parameter([_SIDE, _SIDE], ov.Type.f32)
    matrix = np.random.default_rng(1).integers(-127, 127, (_SIDE, _SIDE), np.int8)
    if kind == "int8":
        limits = [op.constant(np.float32(end)) for end in (-1.0, 1.0)]
        given = op.fake_quantize(x, *limits, *limits, 256)
        weights = op.multiply(op.convert(op.constant(matrix), np.float32), op.constant(np.float32(0.01)))
    else:
        given, weights = x, op.constant(matrix.astype(np.float32))
    graph = ov.Model([op.result(op.matmul(given, weights, False, True))], [x], kind)
    threads = cores(TranscribeOptions())
    config = {"INFERENCE_PRECISION_HINT": "bf16", "NUM_STREAMS": threads, "INFERENCE_NUM_THREADS": threads}
    compiled = ov.Core().compile_model(graph, "CPU", config)
    values = np.random.default_rng(2).standard_normal((_SIDE, _SIDE)).astype(np.float32)

    def ready() -> Callable[[], object]:
        request = compiled.create_infer_request()
        return lambda: request.infer({0: values}, share_inputs=True)

    return ready


def _copying() -> Callable[[], object]:
    source, target = np.ones(_COPIED, np.uint8), np.zeros(_COPIED, np.uint8)
    return lambda: np.copyto(target, source)


def _together(threads: int, ready: Callable[[], Callable[[], object]]) -> float:
    """Seconds that one call takes while every thread makes them: the best of several."""

    def timed(call: Callable[[], object]) -> float:
        began_s = time.perf_counter()
        call()
        return time.perf_counter() - began_s

    with ThreadPoolExecutor(threads) as pool:
        calls = [ready() for _ in range(threads)]
        rounds = [list(pool.map(timed, calls)) for _ in range(_TIMES + 1)]
    return min(max(times) for times in rounds[1:])


if __name__ == "__main__":
    main()
