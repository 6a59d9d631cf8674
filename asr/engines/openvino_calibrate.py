"""Which of the encoder's matrices may be multiplied in int8, and what their inputs are held to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from asr.engines.openvino_graph import GraphOperations, Storage, build_hearing, build_observer, build_step
from asr.whisper.ranges import Histogram, Method, Range, find_range
from asr.whisper.weights import Weights

_TOLERANCE = 0.008
"""How much the rounding of all inputs together may change what the encoder hears, as squared difference over squared
length. On telephone calls 0.006 cost Whisper base nothing, and 0.023 1.3 points of WER; rounded weights are 0.001."""

_PROBES = 8
"""Windows that each matrix is tried on, by itself."""

Features = NDArray[np.float32]


def calibrate(
    weights: Weights, windows: Sequence[Features], method: Method, on_step: Callable[[str], None]
) -> tuple[dict[str, Range], dict[str, float]]:
    """The ranges of the inputs that may be rounded, and of the others the error that each would make by itself.

    `windows` are log-mel features, (n_mels, frames). The matrices that hurt least are taken first, for as long as their
    errors together stay below what is tolerated: errors that do not depend on each other add up.
    """
    on_step(f"watching {len(windows)} windows")
    ranges = {name: find_range(seen, method) for name, seen in _observed(weights, windows).items()}
    probes = windows[:: max(1, len(windows) // _PROBES)]
    exact = _heard(weights, {}, probes)
    errors: dict[str, float] = {}
    for number, (name, limits) in enumerate(ranges.items(), 1):
        on_step(f"trying matrix {number} of {len(ranges)}")
        errors[name] = _error(_heard(weights, {name: limits}, probes), exact)
    kept: dict[str, Range] = {}
    spent = 0.0
    for name, error in sorted(errors.items(), key=lambda item: item[1]):
        if spent + error <= _TOLERANCE:
            kept[name] = ranges[name]
            spent += error
    return kept, {name: error for name, error in errors.items() if name not in kept}


def save_graphs(weights: Weights, ranges: Mapping[str, Range], folder: Path) -> int:
    """Write encoder and decoder step in int8 as OpenVINO's IR, all else as float16; returns the bytes of their weights.

    callwright builds its graphs from the weights and the card; these are for other programs, and to look at.
    """
    size = weights.dimensions
    encoder = build_hearing(GraphOperations(weights, Storage.INT8, ranges), size)
    unsuppressed = np.zeros(size.vocabulary, np.float32)
    step = build_step(GraphOperations(weights, Storage.INT8), size, ov.Type.f32, unsuppressed, 1)
    for name, graph in (("encoder", encoder), ("decoder", step)):
        ov.save_model(graph, folder / f"{name}.xml", compress_to_fp16=True)
    return sum((folder / f"{name}.bin").stat().st_size for name in ("encoder", "decoder"))


def _observed(weights: Weights, windows: Sequence[Features]) -> dict[str, Histogram]:
    ops = GraphOperations(weights, Storage.FLOAT)
    request = _compiled(build_observer(ops, weights.dimensions))
    seen = {name: Histogram() for name in ops.inputs}
    for window in windows:
        request.infer({0: window[None]})
        for name, histogram in seen.items():
            histogram.add(request.get_tensor(name).data)
    return seen


def _heard(weights: Weights, ranges: Mapping[str, Range], windows: Sequence[Features]) -> list[NDArray[np.float32]]:
    """What the encoder makes of each window, all of its outputs end to end."""
    ops = GraphOperations(weights, Storage.FLOAT, ranges)
    request = _compiled(build_hearing(ops, weights.dimensions))
    heard = []
    for window in windows:
        request.infer({0: window[None]})
        heard.append(np.concatenate([tensor.data.ravel() for tensor in request.output_tensors]))
    return heard


def _error(found: Sequence[NDArray[np.float32]], exact: Sequence[NDArray[np.float32]]) -> float:
    apart = sum(float(np.sum(np.square(a - b))) for a, b in zip(found, exact, strict=True))
    return apart / sum(float(np.sum(np.square(b))) for b in exact)


def _compiled(graph: Any) -> Any:
    return ov.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}).create_infer_request()
