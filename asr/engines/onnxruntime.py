"""Whisper on ONNX Runtime: its graphs are built from the weights in ONNX's operations.

float32 and int8 were run on the CPU, and the float16 graph on the CPU as well, which computes it in float32. The
providers for CUDA, TensorRT and OpenVINO were not run here (docs/unverified.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asr.card import admitted
from asr.engines.base import Engine, EngineInfo
from asr.engines.onnx_graph import Graph, Storage, build_encoder, build_memory, build_step
from asr.errors import ConfigError, FatalError, ModelError, PipelineError, RetryableError
from asr.options import TranscribeOptions
from asr.whisper.engine import WhisperEngine, suppression
from asr.whisper.memory import AudioMemory, TokenCache, name_of
from asr.whisper.network import Batch, Scores, Step
from asr.whisper.tokenizer import WhisperTokenizer
from asr.whisper.weights import Dimensions, load_weights

PRECISIONS = {"cpu": ("int8", "float32"), "cuda": ("float16", "float32")}
"""What each device computes in."""

PROVIDERS = (
    "TensorrtExecutionProvider",
    "CUDAExecutionProvider",
    "OpenVINOExecutionProvider",
    "CPUExecutionProvider",
)
"""The parts of ONNX Runtime that this engine may run on. The first takes what it can of a graph, and so on."""

_GPU = PROVIDERS[:2]
_LESS = "Set transcribe.batch_size to half of its value"


def load(folder: Path, info: EngineInfo, device: str, options: TranscribeOptions, threads: int) -> Engine:
    """A Whisper with its graphs built from the weights in a folder, on the providers that the device has.

    Raises ConfigError for a device or precision that ONNX Runtime does not run here, ModelError for a folder that
    holds no Whisper, and for int8 without a card that admits it, RetryableError if there is no memory for it.
    """
    on = providers(device, options)
    if info.precision not in PRECISIONS[device]:
        raise ConfigError(
            f"The engine onnxruntime does not run on {device} in {info.precision}",
            f"Set transcribe.precision to auto or one of {', '.join(PRECISIONS[device])}",
        )
    if info.precision == "int8":
        admitted(info.model_id, info.model_sha256, options.card)
    weights = load_weights(folder)
    size, storage = weights.dimensions, Storage(info.precision)
    tokenizer = WhisperTokenizer.load(folder / "tokenizer.json", options.language)
    suppressed = suppression(tokenizer, size.vocabulary)
    encoder = Session(build_encoder(weights, storage), on)
    memory = Session(build_memory(weights, storage), on)
    step = Session(build_step(weights, storage, suppressed, 2 * options.beam_size + 2), on)
    item = np.dtype(np.float16 if storage is Storage.FLOAT16 else np.float32)
    network = OnnxruntimeNetwork(encoder, memory, step, size, item, device)
    # On a GPU the batches of several threads would only wait for each other.
    return WhisperEngine(network, tokenizer, info, options, threads if device == "cpu" else 1)


def providers(device: str, options: TranscribeOptions) -> list[str]:
    """What the options choose of the providers that are installed. Raises ConfigError as choose_providers does."""
    import onnxruntime

    return choose_providers(device, onnxruntime.get_available_providers(), options.providers)


def choose_providers(device: str, available: Sequence[str], wanted: Sequence[str] = ()) -> list[str]:
    """Those of PROVIDERS that are available and that the device allows, the one to try first in front; or those that
    are wanted, in that order, and the CPU for what they leave.

    Raises ConfigError for cuda without its provider among them, for the CPU if it has none, and for a provider that is
    wanted and not there, or not for the device.
    """
    _check_wanted(device, available, wanted)
    order = dict.fromkeys((*wanted, "CPUExecutionProvider")) if wanted else PROVIDERS
    found = [name for name in order if name in available and (device == "cuda" or name not in _GPU)]
    needed = "CUDAExecutionProvider" if device == "cuda" else "CPUExecutionProvider"
    if needed not in found:
        raise ConfigError(
            f"transcribe.device {device} needs {needed}, and this ONNX Runtime has {', '.join(available) or 'none'}",
            "Install onnxruntime-gpu in place of onnxruntime, or set transcribe.device to cpu"
            if device == "cuda"
            else "Install onnxruntime again",
        )
    return found


def _check_wanted(device: str, available: Sequence[str], wanted: Sequence[str]) -> None:
    if missing := [name for name in wanted if name not in available]:
        raise ConfigError(
            f"transcribe.providers names {', '.join(missing)}, and this ONNX Runtime has {', '.join(available)}",
            "Install the build of ONNX Runtime that has it, or leave it out",
        )
    if barred := [name for name in wanted if device == "cpu" and name in _GPU]:
        raise ConfigError(
            f"transcribe.providers names {', '.join(barred)}, and the device is cpu",
            "Set transcribe.device to cuda, or leave it out",
        )


class Session:
    """A graph that is ready to run. Several threads may run it at once, each on a thread of its own."""

    def __init__(self, graph: Graph, providers: Sequence[str]) -> None:
        """Raises ConfigError if the first provider that is needed does not start or lacks an operation, ModelError
        if the weights do not fit the graph, RetryableError if memory runs out."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        # Lengths change from step to step: plans for each would be kept and hardly used.
        options.enable_mem_pattern = False
        # The session reads these where they lie, so they live as long as it.
        self._values = [onnxruntime.OrtValue.ortvalue_from_numpy(value) for value in graph.values.values()]
        self.weight_bytes = sum(value.nbytes for value in graph.values.values())
        options.add_external_initializers(list(graph.values), self._values)
        try:
            self.session: Any = onnxruntime.InferenceSession(graph.model, options, providers=list(providers))
        except _exceptions() as error:
            raise _load_failure(error, providers) from error
        self._check_started(providers)
        self.session.disable_fallback()

    def _check_started(self, providers: Sequence[str]) -> None:
        """ONNX Runtime only warns of a provider whose libraries do not load, and goes on without it."""
        started = self.session.get_providers()
        if "CUDAExecutionProvider" in providers and "CUDAExecutionProvider" not in started:
            raise ConfigError(
                f"CUDAExecutionProvider does not start; {', '.join(started)} does",
                "Install the CUDA and cuDNN libraries that onnxruntime-gpu names, or set transcribe.device to cpu",
            )

    def run(self, binding: Any) -> None:
        """Run with what is bound. Raises RetryableError if memory runs out, FatalError for all else."""
        try:
            self.session.run_with_iobinding(binding)
        except _exceptions() as error:
            raise _run_failure(error) from error


class OnnxruntimeNetwork:
    """An encoder, what the decoder remembers of it and a decoder step, on the same providers."""

    def __init__(
        self, encoder: Session, memory: Session, step: Session, dimensions: Dimensions, item: np.dtype[Any], device: str
    ) -> None:
        self.dimensions = dimensions
        self.encoder = encoder
        self.memory = memory
        self.decoder = step
        self.item = item
        self.device = device
        self.weight_bytes = encoder.weight_bytes + memory.weight_bytes + step.weight_bytes

    def batch(self, slots: int, positions: int) -> Batch:
        """See Network.batch."""
        try:
            return OnnxruntimeBatch(self, slots, positions)
        except MemoryError as error:
            raise RetryableError(f"There is no memory for a batch of {slots} windows", _LESS) from error


class OnnxruntimeBatch:
    """Windows in slots. All keys and values lie in NumPy's memory, which the CPU's providers read where it is; to a
    GPU the keys and values of audio go when they change, and those of tokens at every step."""

    def __init__(self, network: OnnxruntimeNetwork, slots: int, positions: int) -> None:
        size = network.dimensions
        self._network = network
        self._binding = network.decoder.session.io_binding()
        self._outputs = [output.name for output in network.decoder.session.get_outputs()]
        self._audio = AudioMemory(size, network.item, slots, positions)
        self._tokens = TokenCache(size, network.item)

    def encode(self, features: NDArray[np.float32]) -> NDArray[Any]:
        """See Batch.encode: (1, P, W)."""
        encoder = self._network.encoder
        binding = encoder.session.io_binding()
        binding.bind_cpu_input("features", np.ascontiguousarray(features[None]))
        binding.bind_output("encoded")
        encoder.run(binding)
        encoded: NDArray[Any] = binding.copy_outputs_to_cpu()[0]
        return encoded

    def hear(self, slot: int, encoded: NDArray[Any]) -> None:
        """See Batch.hear."""
        memory = self._network.memory
        binding = memory.session.io_binding()
        binding.bind_cpu_input("encoded", encoded)
        for at in range(len(self._audio.rooms)):
            binding.bind_output(name_of(at))
        memory.run(binding)
        heard = (output[0] for output in binding.copy_outputs_to_cpu())
        self._audio.write(slot, heard, encoded.shape[1])

    def keep(self, slots: Sequence[int]) -> None:
        """See Batch.keep."""
        self._audio.keep(slots)

    def step(self, step: Step) -> Scores:
        """See Batch.step."""
        audio, tokens = self._audio, self._tokens
        tokens.begin(step)
        self._bind_audio()
        given = {
            "tokens": step.tokens[:, None],
            "positions": step.positions[:, None],
            "unfilled": tokens.unfilled,
            "unheard": audio.unheard,
        }
        given |= {f"past_{name_of(at)}": tokens.past(at, len(step.tokens)) for at in range(len(audio.rooms))}
        for name, array in given.items():
            self._binding.bind_cpu_input(name, array)
        for name in self._outputs:
            self._binding.bind_output(name)
        self._network.decoder.run(self._binding)
        found = dict(zip(self._outputs, self._binding.copy_outputs_to_cpu(), strict=True))
        for at in range(len(audio.rooms)):
            tokens.add(at, found[f"present_{name_of(at)}"])
        tokens.end()
        logits = found["logits"]
        return Scores(found["top_ids"], found["top_logprobs"], lambda row: logits[row].copy(), found["attention"])

    def _bind_audio(self) -> None:
        """Lay before the decoder what was heard, if that has changed."""
        from onnxruntime import OrtValue

        if self._audio.moved:
            for at, room in enumerate(self._audio.rooms):
                value = OrtValue.ortvalue_from_numpy(room, self._network.device, 0)
                self._binding.bind_ortvalue_input(name_of(at), value)
        self._audio.moved = False


def _exceptions() -> tuple[type[Exception], ...]:
    """All that ONNX Runtime raises: Python's own, and exceptions of its own that have no base in common."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    own = (kind for kind in vars(state).values() if isinstance(kind, type) and issubclass(kind, Exception))
    return (RuntimeError, ValueError, MemoryError, *own)


def _load_failure(error: Exception, providers: Sequence[str]) -> PipelineError:
    if _is_memory(error):
        return RetryableError(
            "Memory ran out while ONNX Runtime loaded the model", "Free memory, or take a smaller model"
        )
    if type(error).__name__ in {"NotImplemented", "EPFail", "EngineError", "ValueError"}:
        return ConfigError(
            f"ONNX Runtime does not run this model on {', '.join(providers)}: {_first_line(error)}",
            "Set transcribe.engine to auto, or transcribe.device and transcribe.precision to auto",
        )
    return ModelError(f"The model does not load in ONNX Runtime: {_first_line(error)}", "callwright models verify")


def _run_failure(error: Exception) -> PipelineError:
    if _is_memory(error):
        return RetryableError("Memory ran out in ONNX Runtime", _LESS)
    return FatalError(f"ONNX Runtime failed: {_first_line(error)}", "Run callwright models verify, then try again")


def _is_memory(error: Exception) -> bool:
    text = str(error).lower()
    return isinstance(error, MemoryError) or "alloc" in text or "out of memory" in text


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__).rstrip(".")
