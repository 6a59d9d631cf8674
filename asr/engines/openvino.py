"""Whisper on OpenVINO: its graph is built from the weights with OpenVINO's own operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from asr.card import admitted
from asr.engines.base import Engine, EngineInfo
from asr.engines.openvino_graph import GraphOperations, Storage, build_encoder, build_memory, build_step
from asr.errors import ConfigError, FatalError, PipelineError, RetryableError
from asr.heap import bound_heap
from asr.instructions import cpu_flags
from asr.options import TranscribeOptions
from asr.whisper.engine import WhisperEngine, suppression
from asr.whisper.memory import AudioMemory, TokenCache, name_of
from asr.whisper.network import Batch, Scores, Step
from asr.whisper.ranges import Range
from asr.whisper.tokenizer import WhisperTokenizer
from asr.whisper.weights import Dimensions, load_weights

_BF16 = np.dtype(np.int16)
"""How bfloat16 lies in NumPy's memory, which has no such type."""


_STEP_CONFIG = {"SNIPPETS_MODE": "DISABLE"}
"""The plugin fuses attention into one kernel, which for a single query reads keys at half of the memory's speed: a step
over 8 windows takes 23.2 ms with it and 19.7 ms without (AMD Zen 4)."""

_SHAPES_KEPT = 20
"""Of the kernels that the plugin makes for each shape, so many are kept. By default it keeps 5,000, which take 100 MB
and are no quicker: shapes change from step to step."""

PRECISIONS = ("int8", "bfloat16", "float32")


def load(folder: Path, info: EngineInfo, device: str, options: TranscribeOptions, threads: int) -> Engine:
    """A Whisper with its graph built from the weights in a folder: 1.2 s for Whisper base.

    Raises ConfigError for a device or precision that OpenVINO does not run here, ModelError for a folder that holds
    no Whisper, and for int8 without a card that admits it (asr.card).
    """
    if device != "cpu" or info.precision not in PRECISIONS:
        raise ConfigError(
            f"The engine openvino runs on the CPU in {', '.join(PRECISIONS)}, not on {device} in {info.precision}",
            "Set transcribe.engine to auto, or transcribe.device and transcribe.precision to auto",
        )
    ranges = admitted(info.model_id, info.model_sha256, options.card).ranges if info.precision == "int8" else {}
    return build(folder, info, options, threads, ranges)


def build(
    folder: Path, info: EngineInfo, options: TranscribeOptions, threads: int, ranges: Mapping[str, Range]
) -> WhisperEngine:
    """The same without a card: what is measured for one, and tried in tests. `ranges` are a card's.

    Raises ModelError for a folder that holds no Whisper.
    """
    bound_heap()
    weights = load_weights(folder)
    size = weights.dimensions
    tokenizer = WhisperTokenizer.load(folder / "tokenizer.json", options.language)
    ops = GraphOperations(weights, _encoder_storage(info.precision), ranges)
    step_ops = GraphOperations(weights, Storage.INT8 if info.precision == "int8" else Storage.FLOAT)
    kind = ov.Type.f32 if info.precision == "float32" else compute_type()
    suppressed = suppression(tokenizer, size.vocabulary)
    step = build_step(step_ops, size, kind, suppressed, 2 * options.beam_size + 2)
    encoder, memory = build_encoder(ops, size, kind), build_memory(ops, size, kind)
    network = OpenvinoNetwork(encoder, memory, step, size, threads, kind)
    return WhisperEngine(network, tokenizer, info, options, threads)


def compute_type() -> Any:
    """What this CPU multiplies fastest: bfloat16 where it has instructions for it, else float32."""
    return ov.Type.bf16 if multiplies_bfloat16() else ov.Type.f32


def multiplies_bfloat16() -> bool:
    """Whether this CPU has instructions for bfloat16."""
    return bool({"avx512_bf16", "amx_bf16"} & cpu_flags())


def _encoder_storage(precision: str) -> Storage:
    """AMX tiles multiply bfloat16 faster than int8 is unpacked (52 against 71 ms a window); without them the smaller
    matrices win (259 against 316 ms on AMD Zen 4)."""
    if precision != "int8":
        return Storage.FLOAT
    return Storage.ROUNDED if "amx_bf16" in cpu_flags() else Storage.INT8


def _constant_bytes(graph: Any) -> int:
    return sum(node.get_byte_size() for node in graph.get_ops() if node.get_type_name() == "Constant")


class OpenvinoNetwork:
    """An encoder, what the decoder remembers of it and a decoder step, each compiled once, with a stream of one thread
    for every worker."""

    def __init__(
        self, encoder: Any, memory: Any, step: Any, dimensions: Dimensions, workers: int, compute_type: Any
    ) -> None:
        core = ov.Core()
        config = {
            "INFERENCE_PRECISION_HINT": compute_type.to_string(),
            "NUM_STREAMS": workers,
            "INFERENCE_NUM_THREADS": workers,
            "CPU_RUNTIME_CACHE_CAPACITY": _SHAPES_KEPT,
            # Each graph would pin its threads by itself: one worker's encoder to the core of another's decoder.
            "ENABLE_CPU_PINNING": False,
        }
        self.dimensions = dimensions
        self.kept = encoder.output(0).element_type
        self.weight_bytes = sum(map(_constant_bytes, (encoder, memory, step)))
        self.encoder = core.compile_model(encoder, "CPU", config)
        self.memory = core.compile_model(memory, "CPU", config)
        self.decoder = core.compile_model(step, "CPU", config | _STEP_CONFIG)

    def batch(self, slots: int, positions: int) -> Batch:
        """See Network.batch."""
        try:
            return OpenvinoBatch(self, slots, positions)
        except MemoryError as error:
            raise RetryableError(
                f"There is no memory for a batch of {slots} windows", "Set transcribe.batch_size to half of its value"
            ) from error


class OpenvinoBatch:
    """Windows in slots. All keys and values lie in NumPy's memory, which OpenVINO reads where it is."""

    def __init__(self, network: OpenvinoNetwork, slots: int, positions: int) -> None:
        size = network.dimensions
        self._encoder = network.encoder.create_infer_request()
        self._memory = network.memory.create_infer_request()
        self._decoder = network.decoder.create_infer_request()
        self._type = network.kept
        self._item = _BF16 if self._type == ov.Type.bf16 else np.dtype(np.float32)
        self._audio = AudioMemory(size, self._item, slots, positions)
        self._tokens = TokenCache(size, self._item)

    def encode(self, features: NDArray[np.float32]) -> NDArray[Any]:
        """See Batch.encode: (1, P, W), bfloat16 as _BF16."""
        _run(self._encoder, {0: features[None]})
        encoded: NDArray[Any] = self._encoder.output_tensors[0].data.view(self._item).copy()
        return encoded

    def hear(self, slot: int, encoded: NDArray[Any]) -> None:
        """See Batch.hear."""
        _run(self._memory, {0: ov.Tensor(encoded, ov.Shape(encoded.shape), self._type)})
        heard = (output.data.view(self._item)[0] for output in self._memory.output_tensors)
        self._audio.write(slot, heard, encoded.shape[1])

    def keep(self, slots: Sequence[int]) -> None:
        """See Batch.keep."""
        self._audio.keep(slots)

    def step(self, step: Step) -> Scores:
        """See Batch.step."""
        audio, tokens = self._audio, self._tokens
        tokens.begin(step)
        for at, room in enumerate(audio.rooms):
            self._set(f"past_{name_of(at)}", tokens.past(at, len(step.tokens)))
            if audio.moved:
                self._set(name_of(at), room)
        audio.moved = False
        given = {
            "tokens": step.tokens[:, None],
            "positions": step.positions[:, None],
            "unfilled": tokens.unfilled,
            "unheard": audio.unheard,
        }
        _run(self._decoder, given)
        for at in range(len(audio.rooms)):
            tokens.add(at, self._get(f"present_{name_of(at)}").view(self._item))
        tokens.end()
        logits = self._get("logits")
        return Scores(
            self._get("top_ids"), self._get("top_logprobs"), lambda row: logits[row].copy(), self._get("attention")
        )

    def _set(self, name: str, array: NDArray[Any]) -> None:
        self._decoder.set_tensor(name, ov.Tensor(array, ov.Shape(array.shape), self._type))

    def _get(self, name: str) -> NDArray[Any]:
        found: NDArray[Any] = self._decoder.get_tensor(name).data
        return found


def _run(request: Any, given: dict[Any, Any]) -> None:
    try:
        request.infer(given, share_inputs=True)
    except RuntimeError as error:
        raise _failure(error) from error


def _failure(error: RuntimeError) -> PipelineError:
    if "alloc" in str(error).lower() or "memory" in str(error).lower():
        return RetryableError("Memory ran out in OpenVINO", "Set transcribe.batch_size to half of its value")
    return FatalError(f"OpenVINO failed: {str(error).splitlines()[0]}", "Run callwright models verify, then try again")
