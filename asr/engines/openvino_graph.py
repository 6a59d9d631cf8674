"""Whisper's graphs in OpenVINO's operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset15 as op

from asr.whisper.architecture import StepInputs, encode, remember, step
from asr.whisper.ranges import Range
from asr.whisper.weights import Dimensions, Weights, quantised

Node = Any
EMBEDDINGS = "decoder/embeddings/weight"


class Storage(StrEnum):
    """How a graph holds its matrices."""

    FLOAT = "float"
    INT8 = "int8"
    """As int8 with a scale for each row; the runtime multiplies them out as it goes."""
    ROUNDED = "rounded"
    """As float32 with the values that int8 has: the same text, for runtimes that multiply bfloat16 faster."""


class GraphOperations:
    """Adds nodes to a graph. `inputs` are what each matrix was multiplied with, by its name.

    What a matrix of `ranges` is multiplied with is held to its range and rounded to 256 steps, so that the runtime
    multiplies int8 with int8.
    """

    def __init__(self, weights: Weights, storage: Storage, ranges: Mapping[str, Range] | None = None) -> None:
        self.inputs: dict[str, Node] = {}
        self._weights = weights
        self._storage = storage
        self._ranges = ranges or {}
        self._matrices: dict[str, tuple[Node, Node]] = {}

    def linear(self, x: Node, name: str, bias: str | None) -> Node:
        """See Operations.linear."""
        self.inputs[name] = x
        if name in self._ranges:
            x = _rounded(x, self._ranges[name])
        y = op.matmul(x, self._matrix(name), transpose_a=False, transpose_b=True)
        return y if bias is None else op.add(y, op.constant(self._weights[bias]))

    def _stored(self, name: str) -> tuple[Node, Node]:
        """The matrix, and the scale of each row if it is int8."""
        if name not in self._matrices:
            storage = Storage.INT8 if name in self._ranges else self._storage
            self._matrices[name] = _kept(self._weights[name], storage)
        return self._matrices[name]

    def _half(self, name: str) -> Node:
        """What is not rounded to int8, in an int8 model as float16, in which it was published."""
        if self._storage is not Storage.INT8:
            return op.constant(self._weights[name])
        return op.convert(op.constant(self._weights[name].astype(np.float16)), np.float32)

    def _matrix(self, name: str) -> Node:
        stored, scale = self._stored(name)
        return stored if scale is None else op.multiply(op.convert(stored, np.float32), scale)

    def convolution(self, x: Node, name: str, stride: int) -> Node:
        """See Operations.convolution."""
        y = op.convolution(x, self._half(f"{name}/weight"), [stride], [1], [1], [1])
        return op.add(y, op.constant(self._weights[f"{name}/bias"][None, :, None]))

    def norm(self, x: Node, name: str) -> Node:
        """See Operations.norm."""
        y = op.mvn(x, op.constant(np.array([-1])), True, 1e-5, "inside_sqrt")
        scaled = op.multiply(y, op.constant(self._weights[f"{name}/gamma"]))
        return op.add(scaled, op.constant(self._weights[f"{name}/beta"]))

    def rows(self, name: str, indices: Node) -> Node:
        """See Operations.rows."""
        if name != EMBEDDINGS:
            return op.gather(self._half(name), indices, op.constant(0))
        stored, scale = self._stored(name)
        found = op.gather(stored, indices, op.constant(0))
        if scale is None:
            return found
        return op.multiply(op.convert(found, np.float32), op.gather(scale, indices, op.constant(0)))

    def first_rows(self, name: str, x: Node) -> Node:
        """See Operations.first_rows."""
        length = op.gather(op.shape_of(x), op.constant([1]), op.constant(0))
        return op.slice(self._half(name), op.constant([0]), length, op.constant([1]), op.constant([0]))

    def gelu(self, x: Node) -> Node:
        """See Operations.gelu."""
        return op.gelu(x, "erf")

    def softmax(self, x: Node) -> Node:
        """See Operations.softmax."""
        return op.softmax(x, -1)

    def add(self, a: Node, b: Node) -> Node:
        """See Operations.add."""
        return op.add(a, b)

    def matmul(self, a: Node, b: Node) -> Node:
        """See Operations.matmul."""
        return op.matmul(a, b, transpose_a=False, transpose_b=False)

    def reshape(self, x: Node, shape: Sequence[int]) -> Node:
        """See Operations.reshape."""
        return op.reshape(x, op.constant(list(shape)), special_zero=True)

    def transpose(self, x: Node, order: Sequence[int]) -> Node:
        """See Operations.transpose."""
        return op.transpose(x, op.constant(list(order)))

    def split(self, x: Node, parts: int) -> list[Node]:
        """See Operations.split."""
        return list(op.split(x, op.constant(-1), parts).outputs())

    def cut_last(self, x: Node) -> tuple[Node, Node]:
        """See Operations.cut_last."""
        before, last = op.variadic_split(x, op.constant(-1), op.constant([-1, 1])).outputs()
        return before, last

    def concat(self, parts: Sequence[Node], axis: int) -> Node:
        """See Operations.concat."""
        return op.concat(list(parts), axis)

    def take(self, x: Node, indices: Sequence[int], axis: int) -> Node:
        """See Operations.take."""
        return op.gather(x, op.constant(list(indices)), op.constant(axis))

    def like_batch(self, x: Node, memory: Node) -> Node:
        """See Operations.like_batch."""
        windows = op.gather(op.shape_of(memory), op.constant([0]), op.constant(0))
        rest = op.gather(op.shape_of(x), op.constant([2, 3]), op.constant(0))
        return op.reshape(x, op.concat([windows, op.constant([-1]), rest], 0), special_zero=False)

    def like_rows(self, x: Node, rows: Node) -> Node:
        """See Operations.like_rows."""
        return op.reshape(x, op.shape_of(rows), special_zero=False)


def _kept(matrix: NDArray[np.float32], storage: Storage) -> tuple[Node, Node]:
    if storage is Storage.FLOAT:
        return op.constant(matrix), None
    rounded, scale = quantised(matrix)
    if storage is Storage.ROUNDED:
        return op.constant(rounded * scale), None
    return op.constant(rounded), op.constant(scale)


def _rounded(x: Node, limits: Range) -> Node:
    low, high = (op.constant(np.float32(end)) for end in (limits.low, limits.high))
    return op.fake_quantize(x, low, high, low, high, 256)


def build_encoder(ops: GraphOperations, size: Dimensions, kept: Any) -> Any:
    """The encoder: features (B, n_mels, frames) to what it makes of them, (B, P, W) of type `kept`."""
    features = _features(size)
    return ov.Model([op.result(op.convert(encode(ops, size, features), kept))], [features], "encoder")


def build_memory(ops: GraphOperations, size: Dimensions, kept: Any) -> Any:
    """What was encoded, (B, P, W), to each decoder layer's keys and values of the audio, all of type `kept`."""
    encoded = op.parameter([-1, -1, size.width], kept, name="encoded")
    memory = remember(ops, size, op.convert(encoded, ov.Type.f32))
    return ov.Model([op.result(op.convert(tensor, kept)) for pair in memory for tensor in pair], [encoded], "memory")


def build_hearing(ops: GraphOperations, size: Dimensions) -> Any:
    """Both in one: features (B, n_mels, frames) to each decoder layer's keys and values of the audio."""
    features, results = _hearing(ops, size)
    return ov.Model(results, [features], "encoder")


def build_observer(ops: GraphOperations, size: Dimensions) -> Any:
    """The same, with what each of its matrices is multiplied with as further outputs, named as the matrices are."""
    features, results = _hearing(ops, size)
    # Cut loose from the layer that follows, of which it would else be an inner detail.
    observed = [_named(op.result(op.convert(node, ov.Type.f32)), name) for name, node in ops.inputs.items()]
    return ov.Model([*results, *observed], [features], "observer")


def build_step(
    ops: GraphOperations, size: Dimensions, memory_type: Any, suppressed: NDArray[np.float32], top: int
) -> Any:
    """A step of the decoder, with the `top` likeliest tokens of each row after suppression."""
    inputs = {
        "tokens": op.parameter([-1, 1], ov.Type.i64),
        "positions": op.parameter([-1, 1], ov.Type.i64),
        "unfilled": op.parameter([-1, 1, 1, -1], ov.Type.f32),
        "unheard": op.parameter([-1, 1, 1, -1], ov.Type.f32),
    }
    past, memory = [], []
    for layer in range(size.decoder_layers):
        inputs |= (given := _layer_inputs(size, layer, memory_type))
        pairs = [op.convert(node, ov.Type.f32) for node in given.values()]
        past.append((pairs[0], pairs[1]))
        memory.append((pairs[2], pairs[3]))
    found = step(
        ops,
        size,
        StepInputs(inputs["tokens"], inputs["positions"], past, inputs["unfilled"], memory, inputs["unheard"]),
    )
    logprobs = op.log_softmax(op.add(found.logits, op.constant(suppressed)), -1)
    best = op.topk(logprobs, op.constant(top), -1, "max", "value", index_element_type="i64")
    outputs = {
        "logits": found.logits,
        "top_logprobs": best.output(0),
        "top_ids": best.output(1),
        "attention": op.convert(found.attention, ov.Type.f16),
    }
    for layer, pair in enumerate(found.present):
        for kind, node in zip(("key", "value"), pair, strict=True):
            outputs[f"present_{kind}_{layer}"] = op.convert(node, memory_type)
    for name, node in inputs.items():
        _named(node, name)
    return ov.Model([_named(op.result(node), name) for name, node in outputs.items()], list(inputs.values()), "step")


def _hearing(ops: GraphOperations, size: Dimensions) -> tuple[Node, list[Node]]:
    """Its input and its outputs."""
    features = _features(size)
    memory = remember(ops, size, encode(ops, size, features))
    return features, [op.result(tensor) for pair in memory for tensor in pair]


def _features(size: Dimensions) -> Node:
    return op.parameter([-1, size.n_mels, -1], ov.Type.f32, name="features")


def _layer_inputs(size: Dimensions, layer: int, memory_type: Any) -> dict[str, Node]:
    return {
        f"past_key_{layer}": op.parameter([-1, size.heads, -1, size.head_width], memory_type),
        f"past_value_{layer}": op.parameter([-1, size.heads, -1, size.head_width], memory_type),
        f"key_{layer}": op.parameter([-1, size.heads, size.head_width, -1], memory_type),
        f"value_{layer}": op.parameter([-1, size.heads, -1, size.head_width], memory_type),
    }


def _named(node: Node, name: str) -> Node:
    node.output(0).get_tensor().set_names({name})
    node.set_friendly_name(name)
    return node
