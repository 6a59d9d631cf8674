"""Whisper's graphs in ONNX's operations, with the weights beside them: a protobuf holds no more than 2 GB."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from asr.whisper.architecture import StepInputs, StepOutputs, encode, remember, step
from asr.whisper.weights import Dimensions, Weights, quantised

Name = str
"""What the operations pass on: the name of a tensor."""

Shape = Sequence[int | str]
"""Of an input or output: lengths, and names for those that vary."""

_EMBEDDINGS = "decoder/embeddings/weight"
_CONTRIBUTED = "com.microsoft"
"""Operations that onnxruntime adds to ONNX's own, in all of its builds."""

_OPSETS = {"": 20, _CONTRIBUTED: 1}
"""20 is the first that has Gelu as one operation."""

_IR_VERSION = 10
"""What an onnxruntime of 2024 reads already."""

_LOWEST = np.float32(-60_000)
"""Of a mask. The next thousands are infinite in float16."""

_END = np.iinfo(np.int64).max
"""To slice to the end of an axis."""

_UNIT, _MIDDLE = np.float32(1 / 127), np.uint8(128)
"""Step and zero point of a number from -1 to 1 in eight bits."""


class Storage(StrEnum):
    """How a graph holds its matrices, and what it multiplies."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    """All but features, masks and what the logits become."""
    INT8 = "int8"
    """Matrices as int8 with a scale for each row, times rows rounded to eight bits as they come, with a scale each.
    One scale for all rows (DynamicQuantizeLinear) would let a text depend on what else is in its batch."""


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """A serialised model that declares its parameters as external, and their values by name."""

    model: bytes
    values: Mapping[str, NDArray[Any]]


class GraphOperations:
    """Adds nodes to one graph."""

    def __init__(self, weights: Weights, storage: Storage) -> None:
        self._weights = weights
        self._storage = storage
        self._nodes: list[NodeProto] = []
        self._constants: dict[str, TensorProto] = {}
        self._values: dict[str, NDArray[Any]] = {}
        self._rounded: dict[Name, tuple[Name, Name]] = {}

    @property
    def item(self) -> np.dtype[Any]:
        """What is computed in, and what keys and values are."""
        return np.dtype(np.float16 if self._storage is Storage.FLOAT16 else np.float32)

    def linear(self, x: Name, name: str, bias: str | None) -> Name:
        """See Operations.linear."""
        if self._storage is Storage.INT8:
            y = self._times_int8(x, name)
        elif name == _EMBEDDINGS:
            # Gemm takes the rows as they are looked up, so that the largest matrix is held once.
            y = self._add("Gemm", [x, self._parameter(name)], {"transB": 1})
        else:
            y = self._add("MatMul", [x, self._kept(f"{name}:turned", lambda: self._read(name).T)])
        return y if bias is None else self.add(y, self._parameter(bias))

    def _times_int8(self, x: Name, name: str) -> Name:
        rounded, scale = self._rounded_rows(x)
        matrix = self._kept(f"{name}:int8:turned", lambda: quantised(self._weights[name])[0].T)
        given = [rounded, matrix, self._constant(_UNIT), self._scales(name), self._constant(_MIDDLE)]
        return self._add("Mul", [self._add("MatMulIntegerToFloat", given, domain=_CONTRIBUTED), scale])

    def _rounded_rows(self, x: Name) -> tuple[Name, Name]:
        """x in eight bits, and what each row was divided by so that it lies between -1 and 1."""
        if x not in self._rounded:
            largest = self._add("ReduceMax", [self._add("Abs", [x]), self._integers(-1)], {"keepdims": 1})
            scale = self._add("Max", [largest, self._constant(np.float32(1e-8))])
            given = [self._add("Div", [x, scale]), self._constant(_UNIT), self._constant(_MIDDLE)]
            self._rounded[x] = self._add("QuantizeLinear", given), scale
        return self._rounded[x]

    def _scales(self, name: str) -> Name:
        return self._kept(f"{name}:scales", lambda: quantised(self._weights[name])[1][:, 0])

    def convolution(self, x: Name, name: str, stride: int) -> Name:
        """See Operations.convolution."""
        given = [x, self._parameter(f"{name}/weight"), self._parameter(f"{name}/bias")]
        return self._add("Conv", given, {"kernel_shape": [3], "pads": [1, 1], "strides": [stride]})

    def norm(self, x: Name, name: str) -> Name:
        """See Operations.norm."""
        given = [x, self._parameter(f"{name}/gamma"), self._parameter(f"{name}/beta")]
        return self._add("LayerNormalization", given, {"axis": -1, "epsilon": 1e-5})

    def rows(self, name: str, indices: Name) -> Name:
        """See Operations.rows."""
        if self._storage is not Storage.INT8 or name != _EMBEDDINGS:
            return self._add("Gather", [self._parameter(name), indices])
        stored = self._kept(f"{name}:int8", lambda: quantised(self._weights[name])[0])
        found = self._cast(self._add("Gather", [stored, indices]), np.dtype(np.float32))
        scales = self._add("Gather", [self._scales(name), indices])
        return self._add("Mul", [found, self._add("Unsqueeze", [scales, self._integers(-1)])])

    def first_rows(self, name: str, x: Name) -> Name:
        """See Operations.first_rows."""
        return self._slice(self._parameter(name), self._integers(0), self._lengths(x, 1, 2), 0)

    def gelu(self, x: Name) -> Name:
        """See Operations.gelu."""
        return self._add("Gelu", [x])

    def softmax(self, x: Name) -> Name:
        """See Operations.softmax."""
        return self._add("Softmax", [x], {"axis": -1})

    def add(self, a: Name, b: Name) -> Name:
        """See Operations.add."""
        return self._add("Add", [a, b])

    def matmul(self, a: Name, b: Name) -> Name:
        """See Operations.matmul."""
        return self._add("MatMul", [a, b])

    def reshape(self, x: Name, shape: Sequence[int]) -> Name:
        """See Operations.reshape."""
        return self._add("Reshape", [x, self._integers(*shape)])

    def transpose(self, x: Name, order: Sequence[int]) -> Name:
        """See Operations.transpose."""
        return self._add("Transpose", [x], {"perm": list(order)})

    def split(self, x: Name, parts: int) -> list[Name]:
        """See Operations.split."""
        return self._add_all("Split", [x], parts, {"axis": -1, "num_outputs": parts})

    def cut_last(self, x: Name) -> tuple[Name, Name]:
        """See Operations.cut_last."""
        last = self._integers(-1)
        return self._slice(x, self._integers(0), last, -1), self._slice(x, last, self._integers(_END), -1)

    def concat(self, parts: Sequence[Name], axis: int) -> Name:
        """See Operations.concat."""
        return self._add("Concat", parts, {"axis": axis})

    def take(self, x: Name, indices: Sequence[int], axis: int) -> Name:
        """See Operations.take."""
        return self._add("Gather", [x, self._integers(*indices)], {"axis": axis})

    def like_batch(self, x: Name, memory: Name) -> Name:
        """See Operations.like_batch."""
        shape = self.concat([self._lengths(memory, 0, 1), self._integers(-1), self._lengths(x, 2, 4)], 0)
        return self._add("Reshape", [x, shape])

    def like_rows(self, x: Name, rows: Name) -> Name:
        """See Operations.like_rows."""
        return self._add("Reshape", [x, self._add("Shape", [rows])])

    def from_float32(self, x: Name) -> Name:
        """Features or a mask as what is computed in."""
        if self.item == np.float32:
            return x
        return self._cast(self._add("Max", [x, self._constant(_LOWEST)]), self.item)

    def likeliest(self, logits: Name, suppressed: NDArray[np.float32], top: int) -> tuple[Name, Name]:
        """The log-probabilities and ids (R, top) of the likeliest tokens, from float32 logits (R, V)."""
        possible = self.add(logits, self._kept("suppressed", lambda: suppressed))
        logprobs = self._add("LogSoftmax", [possible], {"axis": -1})
        best, ids = self._add_all("TopK", [logprobs, self._integers(top)], 2, {"axis": -1})
        return best, ids

    def result(self, x: Name, name: str, kind: np.dtype[Any]) -> None:
        """Make x, as numbers of that kind, an output of that name."""
        self._nodes.append(helper.make_node("Cast", [x], [name], to=helper.np_dtype_to_tensor_dtype(kind)))

    def graph(self, name: str, inputs: Sequence[ValueInfoProto], outputs: Sequence[ValueInfoProto]) -> Graph:
        """All that was added, between these inputs and outputs."""
        parameters = [_external(key, value) for key, value in self._values.items()]
        made = helper.make_graph(self._nodes, name, inputs, outputs, [*self._constants.values(), *parameters])
        opsets = [helper.make_opsetid(domain, version) for domain, version in _OPSETS.items()]
        model = helper.make_model(made, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="callwright")
        return Graph(model.SerializeToString(), self._values)

    def _add(
        self, kind: str, given: Sequence[Name], attributes: Mapping[str, Any] | None = None, domain: str = ""
    ) -> Name:
        return self._add_all(kind, given, 1, attributes, domain)[0]

    def _add_all(
        self,
        kind: str,
        given: Sequence[Name],
        count: int,
        attributes: Mapping[str, Any] | None = None,
        domain: str = "",
    ) -> list[Name]:
        names = [f"{kind}_{len(self._nodes)}_{number}" for number in range(count)]
        self._nodes.append(helper.make_node(kind, given, names, domain=domain, **(attributes or {})))
        return names

    def _cast(self, x: Name, kind: np.dtype[Any]) -> Name:
        return self._add("Cast", [x], {"to": helper.np_dtype_to_tensor_dtype(kind)})

    def _slice(self, x: Name, start: Name, stop: Name, axis: int) -> Name:
        return self._add("Slice", [x, start, stop, self._integers(axis)])

    def _lengths(self, x: Name, first: int, stop: int) -> Name:
        """x's shape from one axis to another."""
        return self._add("Shape", [x], {"start": first, "end": stop})

    def _integers(self, *values: int) -> Name:
        return self._constant(np.array(values, np.int64))

    def _constant(self, value: Any) -> Name:
        array = np.asarray(value)
        name = f"constant:{array.dtype}:{array.tolist()}"
        if name not in self._constants:
            self._constants[name] = numpy_helper.from_array(array, name)
        return name

    def _parameter(self, name: str) -> Name:
        return self._kept(name, lambda: self._read(name))

    def _read(self, name: str) -> NDArray[Any]:
        return self._weights[name].astype(self.item, copy=False)

    def _kept(self, name: str, value: Callable[[], NDArray[Any]]) -> Name:
        """The name of a large constant, which is made when it is first asked for."""
        if name not in self._values:
            self._values[name] = np.ascontiguousarray(value())
        return name


def build_encoder(weights: Weights, storage: Storage) -> Graph:
    """The encoder: `features` (B, n_mels, frames) float32 to `encoded` (B, P, W).

    Raises ModelError if a parameter is missing.
    """
    size, ops = weights.dimensions, GraphOperations(weights, storage)
    ops.result(encode(ops, size, ops.from_float32("features")), "encoded", ops.item)
    features = _declared("features", np.dtype(np.float32), ("windows", size.n_mels, "frames"))
    return ops.graph("encoder", [features], [_encoded(ops, size)])


def build_memory(weights: Weights, storage: Storage) -> Graph:
    """`encoded` (B, P, W) to the decoder's `key_0`, `value_0` and so on.

    Raises ModelError if a parameter is missing.
    """
    size, ops = weights.dimensions, GraphOperations(weights, storage)
    memory = remember(ops, size, "encoded")
    outputs = []
    for layer, pair in enumerate(memory):
        for (name, shape), tensor in zip(_memory_inputs(size, layer).items(), pair, strict=True):
            ops.result(tensor, name, ops.item)
            outputs.append(_declared(name, ops.item, shape))
    return ops.graph("memory", [_encoded(ops, size)], outputs)


def _encoded(ops: GraphOperations, size: Dimensions) -> ValueInfoProto:
    return _declared("encoded", ops.item, ("windows", "positions", size.width))


def build_step(weights: Weights, storage: Storage, suppressed: NDArray[np.float32], top: int) -> Graph:
    """A step of the decoder, with the `top` likeliest tokens of each row after suppression.

    Inputs are `tokens`, `positions`, `unfilled` and `unheard` as StepInputs has them, and of each layer `past_key_0`,
    `past_value_0`, `key_0` and `value_0`; outputs `logits`, `top_logprobs` and `top_ids` (R, top), `attention`
    float16, and of each layer `present_key_0` and `present_value_0`. Raises ModelError if a parameter is missing.
    """
    size, ops = weights.dimensions, GraphOperations(weights, storage)
    whole, single = np.dtype(np.int64), np.dtype(np.float32)
    inputs = [
        _declared("tokens", whole, ("rows", 1)),
        _declared("positions", whole, ("rows", 1)),
        _declared("unfilled", single, ("rows", 1, 1, "tokens")),
        _declared("unheard", single, ("windows", 1, 1, "positions")),
    ]
    for layer in range(size.decoder_layers):
        shapes = _past_inputs(size, layer) | _memory_inputs(size, layer)
        inputs += [_declared(name, ops.item, shape) for name, shape in shapes.items()]
    given = StepInputs(
        "tokens",
        "positions",
        [(f"past_key_{layer}", f"past_value_{layer}") for layer in range(size.decoder_layers)],
        ops.from_float32("unfilled"),
        [(f"key_{layer}", f"value_{layer}") for layer in range(size.decoder_layers)],
        ops.from_float32("unheard"),
    )
    return ops.graph("step", inputs, _step_outputs(ops, size, step(ops, size, given), suppressed, top))


def _step_outputs(
    ops: GraphOperations, size: Dimensions, found: StepOutputs[Name], suppressed: NDArray[np.float32], top: int
) -> list[ValueInfoProto]:
    single = np.dtype(np.float32)
    ops.result(found.logits, "logits", single)
    best, ids = ops.likeliest("logits", suppressed, top)
    ops.result(best, "top_logprobs", single)
    ops.result(ids, "top_ids", np.dtype(np.int64))
    ops.result(found.attention, "attention", np.dtype(np.float16))
    outputs = [
        _declared("logits", single, ("rows", size.vocabulary)),
        _declared("top_logprobs", single, ("rows", top)),
        _declared("top_ids", np.dtype(np.int64), ("rows", top)),
        _declared("attention", np.dtype(np.float16), ("windows", len(size.alignment_heads), "beams", "positions")),
    ]
    for layer, pair in enumerate(found.present):
        for kind, tensor in zip(("key", "value"), pair, strict=True):
            name = f"present_{kind}_{layer}"
            ops.result(tensor, name, ops.item)
            outputs.append(_declared(name, ops.item, ("rows", size.heads, 1, size.head_width)))
    return outputs


def _past_inputs(size: Dimensions, layer: int) -> dict[str, Shape]:
    shape = ("rows", size.heads, "tokens", size.head_width)
    return {f"past_key_{layer}": shape, f"past_value_{layer}": shape}


def _memory_inputs(size: Dimensions, layer: int) -> dict[str, Shape]:
    return {
        f"key_{layer}": ("windows", size.heads, size.head_width, "positions"),
        f"value_{layer}": ("windows", size.heads, "positions", size.head_width),
    }


def _declared(name: Name, kind: np.dtype[Any], shape: Shape) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(kind), shape)


def _external(name: Name, value: NDArray[Any]) -> TensorProto:
    """A parameter without its numbers, which the runtime is given in memory: the location names no file."""
    declared = TensorProto(name=name, dims=value.shape, data_type=helper.np_dtype_to_tensor_dtype(value.dtype))
    declared.data_location = TensorProto.EXTERNAL
    for key, text in (("location", "memory"), ("offset", "0"), ("length", str(value.nbytes))):
        declared.external_data.add(key=key, value=text)
    return declared
