"""What share of the machine's peaks encoder and decoder reach: `python -m tests.benchmarks.roofline`.

Peaks are measured here, on all cores at once, a thread on each: large matrices multiplied in int8 and in bfloat16 by
the same runtime, and a copy of memory that no cache holds, of which reading and writing both count. The encoder's bound
is the time that its multiplications would take at those peaks, the decoder's the time to read its weights and the keys
and values of its windows once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection

import numpy as np
from numpy.typing import NDArray

from asr.card import shipped_card
from asr.cores import cores
from asr.engines.base import EngineInfo
from asr.engines.openvino import build
from asr.engines.openvino_peak import Peaks, measure_peaks, together
from asr.options import TranscribeOptions
from asr.whisper.network import Network, Step
from asr.whisper.weights import Dimensions
from asr.whisper.work import step_bytes, window_products
from configs.load import load
from flows import wiring

_MODEL = "whisper-base"
_WINDOWS = 8
_TOKENS = 64
_TIMES = 8


def main() -> None:
    """Print the peaks, and what of them is reached."""
    threads = cores(TranscribeOptions())
    peaks = measure_peaks(threads, _TIMES)
    print(f"{threads} threads: int8 {peaks.int8 / 1e9:.0f} GOPS, floats {peaks.floats / 1e9:.0f} GFLOPS, ", end="")
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

    took_s = together(threads, hearing, _TIMES)
    size = network.dimensions
    int8, floats = (2 * count for count in window_products(size, size.audio_positions, ranges))
    bound_s = threads * (int8 / peaks.int8 + floats / peaks.floats)
    print(f"encoder, a window of 30 s on each thread: {took_s * 1e3:.0f} ms; {int8 / 1e9:.0f} GOP in int8 and ", end="")
    print(f"{floats / 1e9:.0f} in floats take {bound_s * 1e3:.0f} ms at the peaks: {bound_s / took_s:.0%}")


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

    took_s = together(threads, stepping, _TIMES)
    heard, weights = step_bytes(size, size.audio_positions, _WINDOWS)
    bound_s = threads * (heard + weights) / peaks.bandwidth
    print(f"decoder, a step of {_WINDOWS} windows of 30 s on each thread: {took_s * 1e3:.1f} ms; ", end="")
    print(f"{heard / 1e6:.0f} MB of keys and values and {weights / 1e6:.0f} MB of weights take ", end="")
    print(f"{bound_s * 1e3:.1f} ms: {bound_s / took_s:.0%}")


def _noise(size: Dimensions) -> NDArray[np.float32]:
    return np.random.default_rng(1).standard_normal((size.n_mels, 2 * size.audio_positions)).astype(np.float32)


if __name__ == "__main__":
    main()
