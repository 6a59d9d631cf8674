"""Segmentation and embedding on OpenVINO."""

from __future__ import annotations

from pathlib import Path
from threading import local
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from asr.diarize.checkpoint import read_weights
from asr.diarize.diarizer import WindowDiarizer
from asr.diarize.embedding_graph import build_embedding
from asr.diarize.local import LENGTH
from asr.diarize.options import DiarizeOptions
from asr.diarize.segmentation_graph import build_segmentation
from asr.diarize.windows import WINDOW
from asr.errors import ModelError

SEGMENTATION_FILE = "pytorch_model.bin"
EMBEDDING_FILE = "campplus_cn_en_common.pt"


def load_openvino(segmentation: Path, embedding: Path, options: DiarizeOptions, threads: int) -> WindowDiarizer:
    """The default diarizer, for at most `threads` channels at a time, from the folders of its two models.

    Embeddings are computed in bfloat16 where the CPU multiplies it: half of the time, and the cosine to those in
    float32 stays over 0.999. Segmentation is not: one frame in 43 would go to another class.
    Raises ModelError for files that are not those of the models.
    """
    core = ov.Core()
    try:
        windowed = build_segmentation(read_weights(segmentation / SEGMENTATION_FILE), 1, WINDOW)
        embedded = build_embedding(read_weights(embedding / EMBEDDING_FILE), 1, LENGTH)
    except (KeyError, ValueError) as error:
        raise ModelError(
            f"{segmentation} or {embedding} hold another network's weights",
            "Set diarize.segmentation_model and diarize.embedding_model to models of the list",
        ) from error
    half = "bf16" if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"
    segment, embed = (
        _Requests(
            core.compile_model(
                graph,
                "CPU",
                {"NUM_STREAMS": threads, "INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": precision},
            )
        )
        for graph, precision in ((windowed, "f32"), (embedded, half))
    )
    return WindowDiarizer(segment, embed, options)


class _Requests:
    """A compiled graph with a request for each thread that asks."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self._own = local()

    def __call__(self, given: NDArray[np.float32]) -> NDArray[np.float32]:
        if not hasattr(self._own, "request"):
            self._own.request = self._compiled.create_infer_request()
        self._own.request.infer([given[None]])
        # A copy: the request writes its next answer over this one.
        return np.array(self._own.request.get_output_tensor(0).data[0], np.float32)
