"""Whisper on PyTorch: eagerly, one operation at a time with nothing fused, or compiled by torch.compile.

float32 was run on the CPU, and float16 there as well; CUDA was not (docs/unverified.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from asr.engines.base import Engine, EngineInfo
from asr.errors import ConfigError, FatalError, RetryableError
from asr.options import TranscribeOptions
from asr.whisper.architecture import StepInputs, encode, remember
from asr.whisper.architecture import step as decode
from asr.whisper.engine import WhisperEngine, suppression
from asr.whisper.memory import TokenCache
from asr.whisper.network import MASKED, Batch, Scores, Step
from asr.whisper.tokenizer import WhisperTokenizer
from asr.whisper.weights import Dimensions, Weights, load_weights

PRECISIONS = {"cpu": ("float32", "float16"), "cuda": ("float16", "float32")}
"""What each device computes in. On a CPU float16 is slow, and there for comparison."""

Tensor = Any
"""torch.Tensor: this package is checked without torch, too."""

_HALF_LOWEST = -60_000.0
"""Of a mask. The next thousands are infinite in float16."""

_LESS = "Set transcribe.batch_size to half of its value"


def load(folder: Path, info: EngineInfo, device: str, options: TranscribeOptions, threads: int) -> Engine:
    """A Whisper with its weights on the device. On a CPU, torch is set to one thread for each that calls it, in the
    whole process: most of a decoding step is too small to share. With `transcribe.torch_compile` encoder and decoder's
    step are compiled when they are first used, which takes a C++ compiler and a minute or two, and one batch has all
    threads, since torch.compile bears no other at its side.

    Raises ConfigError for a device or precision that PyTorch does not run here, ModelError for a folder that holds
    no Whisper, RetryableError if there is no memory for it.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise ConfigError(
            f"transcribe.device is cuda, and PyTorch {torch.__version__} sees none",
            "Install a PyTorch that is built for CUDA, or set transcribe.device to cpu",
        )
    if info.precision not in PRECISIONS[device]:
        raise ConfigError(
            f"The engine torch does not run on {device} in {info.precision}",
            f"Set transcribe.precision to auto or one of {', '.join(PRECISIONS[device])}",
        )
    alone = device != "cpu" or options.torch_compile
    if device == "cpu":
        torch.set_num_threads(threads if alone else 1)
    weights = load_weights(folder)
    size = weights.dimensions
    tokenizer = WhisperTokenizer.load(folder / "tokenizer.json", options.language)
    suppressed = suppression(tokenizer, size.vocabulary)
    with _mapped("Free memory, or take a smaller model"):
        ops = TorchOperations(weights, device, np.dtype(info.precision))
        network = TorchNetwork(ops, size, suppressed, 2 * options.beam_size + 2, compiled=options.torch_compile)
    # On a GPU the batches of several threads would only wait for each other.
    return WhisperEngine(network, tokenizer, info, options, 1 if alone else threads)


class TorchOperations:
    """Computes at once. All parameters lie on the device, and several threads may read them."""

    def __init__(self, weights: Weights, device: str, item: np.dtype[Any]) -> None:
        """Raises ModelError if a parameter does not read."""
        self.device = device
        self.item = item
        self._parameters = {name: self.placed(weights[name].astype(item, copy=False)) for name in weights.read}
        self.weight_bytes = sum(int(parameter.nbytes) for parameter in self._parameters.values())

    def placed(self, array: NDArray[Any]) -> Tensor:
        """An array on the device; on the CPU, the array's own memory."""
        return torch.from_numpy(array).to(self.device)

    def computed(self, array: NDArray[np.float32]) -> Tensor:
        """Features or a mask on the device, as what is computed in."""
        if self.item == np.float16:
            return self.placed(np.maximum(array, _HALF_LOWEST, dtype=np.float32).astype(np.float16))
        return self.placed(array)

    def linear(self, x: Tensor, name: str, bias: str | None) -> Tensor:
        """See Operations.linear."""
        return functional.linear(x, self._parameters[name], None if bias is None else self._parameters[bias])

    def convolution(self, x: Tensor, name: str, stride: int) -> Tensor:
        """See Operations.convolution."""
        weight, bias = self._parameters[f"{name}/weight"], self._parameters[f"{name}/bias"]
        return functional.conv1d(x, weight, bias, stride=stride, padding=1)

    def norm(self, x: Tensor, name: str) -> Tensor:
        """See Operations.norm."""
        gamma, beta = self._parameters[f"{name}/gamma"], self._parameters[f"{name}/beta"]
        return functional.layer_norm(x, gamma.shape, gamma, beta, 1e-5)

    def rows(self, name: str, indices: Tensor) -> Tensor:
        """See Operations.rows."""
        return functional.embedding(indices, self._parameters[name])

    def first_rows(self, name: str, x: Tensor) -> Tensor:
        """See Operations.first_rows."""
        return self._parameters[name][: x.shape[1]]

    def gelu(self, x: Tensor) -> Tensor:
        """See Operations.gelu."""
        return functional.gelu(x)

    def softmax(self, x: Tensor) -> Tensor:
        """See Operations.softmax."""
        return torch.softmax(x, -1)

    def add(self, a: Tensor, b: Tensor) -> Tensor:
        """See Operations.add."""
        return a + b

    def matmul(self, a: Tensor, b: Tensor) -> Tensor:
        """See Operations.matmul."""
        return torch.matmul(a, b)

    def reshape(self, x: Tensor, shape: Sequence[int]) -> Tensor:
        """See Operations.reshape."""
        return x.reshape([length or x.shape[axis] for axis, length in enumerate(shape)])

    def transpose(self, x: Tensor, order: Sequence[int]) -> Tensor:
        """See Operations.transpose."""
        return x.permute(*order)

    def split(self, x: Tensor, parts: int) -> list[Tensor]:
        """See Operations.split."""
        return list(x.chunk(parts, -1))

    def cut_last(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """See Operations.cut_last."""
        return x[..., :-1], x[..., -1:]

    def concat(self, parts: Sequence[Tensor], axis: int) -> Tensor:
        """See Operations.concat."""
        return torch.cat(list(parts), axis)

    def take(self, x: Tensor, indices: Sequence[int], axis: int) -> Tensor:
        """See Operations.take."""
        return torch.index_select(x, axis, torch.tensor(list(indices), device=x.device))

    def like_batch(self, x: Tensor, memory: Tensor) -> Tensor:
        """See Operations.like_batch."""
        return x.reshape(memory.shape[0], -1, *x.shape[2:])

    def like_rows(self, x: Tensor, rows: Tensor) -> Tensor:
        """See Operations.like_rows."""
        return x.reshape(rows.shape)


class TorchNetwork:
    """Operations with their parameters, and what is done to the logits."""

    def __init__(
        self,
        ops: TorchOperations,
        dimensions: Dimensions,
        suppressed: NDArray[np.float32],
        top: int,
        *,
        compiled: bool = False,
    ) -> None:
        self.dimensions = dimensions
        self.ops = ops
        self.weight_bytes = ops.weight_bytes
        self.suppressed = ops.placed(suppressed)
        self.top = top
        # Lengths of audio and of text differ from call to call: one kernel for all of them.
        self.encode = torch.compile(encode, dynamic=True) if compiled else encode
        self.decode = torch.compile(decode, dynamic=True) if compiled else decode

    def batch(self, slots: int, positions: int) -> Batch:
        """See Network.batch."""
        with _mapped(_LESS):
            return TorchBatch(self, slots, positions)


class TorchBatch:
    """Windows in slots. Keys and values of audio lie on the device; those of tokens lie in NumPy's memory, which a
    CPU reads where it is and a GPU is given at every step."""

    def __init__(self, network: TorchNetwork, slots: int, positions: int) -> None:
        """Raises MemoryError, or RuntimeError, if there is no memory for it."""
        size = network.dimensions
        self._network = network
        self._ops = ops = network.ops
        self._cache = TokenCache(size, ops.item)
        keys = (slots, size.heads, size.head_width, positions)
        values = (slots, size.heads, positions, size.head_width)
        self._memory = [
            (ops.placed(np.zeros(keys, ops.item)), ops.placed(np.zeros(values, ops.item)))
            for _ in range(size.decoder_layers)
        ]
        self._unheard = np.full((slots, 1, 1, positions), MASKED, np.float32)
        self._used = 0

    def encode(self, features: NDArray[np.float32]) -> Tensor:
        """See Batch.encode: (1, P, W), on the device."""
        with _mapped(_LESS), torch.inference_mode():
            return self._network.encode(self._ops, self._network.dimensions, self._ops.computed(features[None]))

    def hear(self, slot: int, encoded: Tensor) -> None:
        """See Batch.hear."""
        positions = encoded.shape[1]
        with _mapped(_LESS), torch.inference_mode():
            heard = remember(self._ops, self._network.dimensions, encoded)
            for (keys, values), (new_keys, new_values) in zip(self._memory, heard, strict=True):
                keys[slot, ..., :positions] = new_keys[0]
                keys[slot, ..., positions:] = 0
                values[slot, :, :positions] = new_values[0]
                values[slot, :, positions:] = 0
        self._unheard[slot, ..., :positions] = 0
        self._unheard[slot, ..., positions:] = MASKED
        self._used = max(self._used, slot + 1)

    def keep(self, slots: Sequence[int]) -> None:
        """See Batch.keep."""
        for to, slot in enumerate(slots):
            if to != slot:
                self._unheard[to] = self._unheard[slot]
                for pair in self._memory:
                    for room in pair:
                        room[to] = room[slot]
        self._used = len(slots)

    def step(self, step: Step) -> Scores:
        """See Batch.step."""
        self._cache.begin(step)
        with _mapped(_LESS), torch.inference_mode():
            found = self._network.decode(self._ops, self._network.dimensions, self._inputs(step))
            logits = found.logits.float()
            logprobs = torch.log_softmax(logits + self._network.suppressed, -1)
            best = torch.topk(logprobs, self._network.top, -1)
            for layer, pair in enumerate(found.present):
                for at, present in enumerate(pair):
                    self._cache.add(2 * layer + at, _numpy(present))
            attention = _numpy(found.attention.half())
        self._cache.end()
        # A row of logits is asked for seldom: only those leave the device.
        return Scores(_numpy(best.indices), _numpy(best.values), lambda row: _numpy(logits[row].clone()), attention)

    def _inputs(self, step: Step) -> StepInputs[Tensor]:
        ops, cache, rows = self._ops, self._cache, len(step.tokens)
        past = [
            (ops.placed(cache.past(2 * layer, rows)), ops.placed(cache.past(2 * layer + 1, rows)))
            for layer in range(self._network.dimensions.decoder_layers)
        ]
        return StepInputs(
            ops.placed(step.tokens[:, None]),
            ops.placed(step.positions[:, None]),
            past,
            ops.computed(cache.unfilled),
            [(keys[: self._used], values[: self._used]) for keys, values in self._memory],
            ops.computed(self._unheard[: self._used]),
        )


def _numpy(tensor: Tensor) -> NDArray[Any]:
    array: NDArray[Any] = tensor.cpu().numpy()
    return array


@contextmanager
def _mapped(remedy: str) -> Iterator[None]:
    """Raises RetryableError with the remedy for PyTorch's errors of memory, FatalError for its others."""
    try:
        yield
    except MemoryError as error:
        raise RetryableError("Memory ran out", remedy) from error
    except RuntimeError as error:
        text = str(error).lower()
        if isinstance(error, torch.OutOfMemoryError) or "alloc" in text or "out of memory" in text:
            raise RetryableError("Memory ran out in PyTorch", remedy) from error
        first = next(iter(str(error).splitlines()), type(error).__name__)
        raise FatalError(f"PyTorch failed: {first}", "Run callwright models verify, then try again") from error
