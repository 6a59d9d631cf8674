"""How fast the shape of large-v3-turbo is here, with random weights: `python -m tests.benchmarks.large_shape`."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np

from asr.cores import cores
from asr.engines.openvino import OpenvinoNetwork, compute_type
from asr.engines.openvino_graph import GraphOperations, Storage, build_encoder, build_memory, build_step
from asr.options import TranscribeOptions
from asr.whisper.network import Step
from asr.whisper.weights import Array, Dimensions, Weights

TURBO = Dimensions(128, 1_500, 448, 1_280, 32, 4, 51_866, tuple((layer, 0) for layer in range(4)))
"""openai/whisper's ModelDimensions of large-v3-turbo."""

_WINDOWS = 4
_STEPS = 20


def shapes(size: Dimensions) -> dict[str, tuple[int, ...]]:
    """The shape of every parameter of a Whisper of that size."""
    width = size.width
    found = {
        "encoder/conv1/weight": (width, size.n_mels, 3),
        "encoder/conv1/bias": (width,),
        "encoder/conv2/weight": (width, width, 3),
        "encoder/conv2/bias": (width,),
        "encoder/position_encodings/encodings": (size.audio_positions, width),
        "decoder/position_encodings/encodings": (size.text_positions, width),
        "decoder/embeddings/weight": (size.vocabulary, width),
    }
    blocks = {"self_attention": (3, 1), "attention": (1, 2, 1)}
    for side, layers in (("encoder", size.encoder_layers), ("decoder", size.decoder_layers)):
        norms = [f"{side}/layer_norm"]
        for layer in range(layers):
            name = f"{side}/layer_{layer}"
            for block, sizes in blocks.items():
                if side == "encoder" and block == "attention":
                    continue
                norms.append(f"{name}/{block}/layer_norm")
                for number, times in enumerate(sizes):
                    found[f"{name}/{block}/linear_{number}/weight"] = (times * width, width)
                    found[f"{name}/{block}/linear_{number}/bias"] = (times * width,)
            norms.append(f"{name}/ffn/layer_norm")
            found[f"{name}/ffn/linear_0/weight"] = (4 * width, width)
            found[f"{name}/ffn/linear_0/bias"] = (4 * width,)
            found[f"{name}/ffn/linear_1/weight"] = (width, 4 * width)
            found[f"{name}/ffn/linear_1/bias"] = (width,)
        for norm in norms:
            found[f"{norm}/gamma"] = found[f"{norm}/beta"] = (width,)
    return found


def random_weights(size: Dimensions) -> Weights:
    """Parameters of that size, the same every time."""

    def drawn(shape: tuple[int, ...]) -> Array:
        array: Array = np.random.default_rng(1).standard_normal(shape, np.float32) * np.float32(0.02)
        return array

    read: dict[str, Callable[[], Array]] = {name: partial(drawn, shape) for name, shape in shapes(size).items()}
    return Weights(size, read)


def main() -> None:
    """Print what loading, a window of 30 s and a step of the decoder cost."""
    began_s = time.perf_counter()
    ops = GraphOperations(random_weights(TURBO), Storage.INT8)
    kind, threads = compute_type(), cores(TranscribeOptions())
    step = build_step(ops, TURBO, kind, np.zeros(TURBO.vocabulary, np.float32), 12)
    network = OpenvinoNetwork(build_encoder(ops, TURBO, kind), build_memory(ops, TURBO, kind), step, TURBO, 1, kind)
    print(f"load: {time.perf_counter() - began_s:.1f} s")
    batch = network.batch(_WINDOWS, TURBO.audio_positions)
    for slot in range(_WINDOWS):
        began_s = time.perf_counter()
        batch.hear(slot, batch.encode(np.zeros((TURBO.n_mels, 2 * TURBO.audio_positions), np.float32)))
        print(f"a window of 30 s on one thread of {threads}: {time.perf_counter() - began_s:.2f} s")
    times = []
    for position in range(_STEPS):
        began_s = time.perf_counter()
        rows = np.arange(_WINDOWS)
        batch.step(Step(np.full(_WINDOWS, 50_257), np.full(_WINDOWS, position), rows))
        times.append(time.perf_counter() - began_s)
    print(f"a step of {_WINDOWS} windows: {np.median(times) * 1000:.0f} ms")


if __name__ == "__main__":
    main()
