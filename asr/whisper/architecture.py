"""Whisper's layers, written once for every runtime that is given to them as a set of operations.

Radford et al., Robust Speech Recognition via Large-Scale Weak Supervision, 2022; openai/whisper, model.py.
Letters in shapes: B windows, R rows (the hypotheses of all windows, window by window), H heads, D a head's width,
W the model's width, P audio positions, T earlier tokens that there is room for, V the vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from asr.whisper.weights import Dimensions

X = TypeVar("X")


class Operations(Protocol[X]):
    """What a runtime must be able to do. Parameters go by name, so that it chooses how each is kept and multiplied."""

    def linear(self, x: X, name: str, bias: str | None) -> X:
        """The last axis of x times the transposed matrix `name`, plus the vector `bias`."""
        ...

    def convolution(self, x: X, name: str, stride: int) -> X:
        """One-dimensional, three wide, padded by one: (B, channels, frames)."""
        ...

    def norm(self, x: X, name: str) -> X:
        """Layer normalisation over the last axis, epsilon 1e-5 under the root."""
        ...

    def rows(self, name: str, indices: X) -> X:
        """The rows of the parameter `name` at the indices."""
        ...

    def first_rows(self, name: str, x: X) -> X:
        """As many first rows of the parameter `name` as axis 1 of x is long."""
        ...

    def gelu(self, x: X) -> X:
        """x times the normal distribution's cumulative function (not its tanh approximation)."""
        ...

    def softmax(self, x: X) -> X:
        """Over the last axis."""
        ...

    def add(self, a: X, b: X) -> X:
        """Elementwise, broadcast."""
        ...

    def matmul(self, a: X, b: X) -> X:
        """Over the last two axes."""
        ...

    def reshape(self, x: X, shape: Sequence[int]) -> X:
        """0 keeps an axis's length, -1 takes what is left."""
        ...

    def transpose(self, x: X, order: Sequence[int]) -> X:
        """Axes in that order."""
        ...

    def split(self, x: X, parts: int) -> list[X]:
        """The last axis in equal parts."""
        ...

    def cut_last(self, x: X) -> tuple[X, X]:
        """All but the last entry of the last axis, and the last."""
        ...

    def concat(self, parts: Sequence[X], axis: int) -> X:
        """End to end."""
        ...

    def take(self, x: X, indices: Sequence[int], axis: int) -> X:
        """The entries at the indices along an axis."""
        ...

    def like_batch(self, x: X, memory: X) -> X:
        """Rows regrouped by window: (R, 1, H, D) as (B, R/B, H, D), B being the length of `memory`."""
        ...

    def like_rows(self, x: X, rows: X) -> X:
        """The other way: (B, R/B, W) as (R, 1, W), the shape of `rows`."""
        ...


@dataclass(frozen=True, slots=True)
class StepInputs(Generic[X]):
    """What a step of the decoder is given.

    `tokens` and `positions` are (R, 1) integers; `past` each layer's keys and values of earlier tokens, (R, H, T, D),
    and `unfilled` (R, 1, 1, T) masks what of it is no token of a row; `memory` each layer's keys of the audio,
    (B, H, D, P), and values, (B, H, P, D), and `unheard` (B, 1, 1, P) masks what is no audio of a window. Masks are
    added to scores: 0, or a large negative number.
    """

    tokens: X
    positions: X
    past: list[tuple[X, X]]
    unfilled: X
    memory: list[tuple[X, X]]
    unheard: X


@dataclass(frozen=True, slots=True)
class StepOutputs(Generic[X]):
    """`logits` (R, V); `present` each layer's key and value of this token, (R, H, 1, D); `attention` (B, A, R/B, P):
    where each row looked, for the A alignment heads."""

    logits: X
    present: list[tuple[X, X]]
    attention: X


def encode(ops: Operations[X], size: Dimensions, features: X) -> X:
    """What the encoder makes of log-mel features (B, n_mels, frames): (B, P, W).

    Windows may be shorter than 30 s: two frames make a position.
    """
    x = ops.gelu(ops.convolution(features, "encoder/conv1", 1))
    x = ops.gelu(ops.convolution(x, "encoder/conv2", 2))
    x = ops.transpose(x, (0, 2, 1))
    x = ops.add(x, ops.first_rows("encoder/position_encodings/encodings", x))
    for layer in range(size.encoder_layers):
        name = f"encoder/layer_{layer}"
        query, key, value = ops.split(_projected(ops, x, f"{name}/self_attention"), 3)
        scores = ops.matmul(_heads(ops, size, query), _keys(ops, size, key))
        seen = ops.matmul(ops.softmax(scores), _heads(ops, size, value))
        x = ops.add(x, _linear(ops, _merged(ops, seen), f"{name}/self_attention/linear_1"))
        x = _feed_forward(ops, x, name)
    return ops.norm(x, "encoder/layer_norm")


def remember(ops: Operations[X], size: Dimensions, encoded: X) -> list[tuple[X, X]]:
    """Each decoder layer's keys (B, H, D, P) and values (B, H, P, D) of the audio that was encoded."""
    memory = []
    for layer in range(size.decoder_layers):
        key, value = ops.split(_linear(ops, encoded, f"decoder/layer_{layer}/attention/linear_1"), 2)
        memory.append((_keys(ops, size, key), _heads(ops, size, value)))
    return memory


def step(ops: Operations[X], size: Dimensions, given: StepInputs[X]) -> StepOutputs[X]:
    """One step of the decoder, a token for each row."""
    looked: list[X] = []
    present: list[tuple[X, X]] = []
    x = ops.rows("decoder/embeddings/weight", given.tokens)
    x = ops.add(x, ops.rows("decoder/position_encodings/encodings", given.positions))
    for layer in range(size.decoder_layers):
        name = f"decoder/layer_{layer}"
        x, new = _self_attention(ops, size, x, name, given.past[layer], given.unfilled)
        present.append(new)
        x, weights = _cross_attention(ops, size, x, name, given.memory[layer], given.unheard)
        if heads := [head for at, head in size.alignment_heads if at == layer]:
            looked.append(ops.take(weights, heads, 1))
        x = _feed_forward(ops, x, name)
    x = ops.reshape(ops.norm(x, "decoder/layer_norm"), (-1, size.width))
    return StepOutputs(ops.linear(x, "decoder/embeddings/weight", None), present, ops.concat(looked, 1))


def _self_attention(
    ops: Operations[X], size: Dimensions, x: X, name: str, past: tuple[X, X], unfilled: X
) -> tuple[X, tuple[X, X]]:
    """x and what it found in the tokens so far, itself among them, and its own key and value.

    Earlier tokens and this one are scored apart, so that the past stays where it lies.
    """
    query, key, value = (_heads(ops, size, part) for part in ops.split(_projected(ops, x, f"{name}/self_attention"), 3))
    earlier = ops.add(ops.matmul(query, ops.transpose(past[0], (0, 1, 3, 2))), unfilled)
    itself = ops.matmul(query, ops.transpose(key, (0, 1, 3, 2)))
    before, now = ops.cut_last(ops.softmax(ops.concat([earlier, itself], 3)))
    seen = ops.add(ops.matmul(before, past[1]), ops.matmul(now, value))
    return ops.add(x, _linear(ops, _merged(ops, seen), f"{name}/self_attention/linear_1")), (key, value)


def _cross_attention(
    ops: Operations[X], size: Dimensions, x: X, name: str, memory: tuple[X, X], unheard: X
) -> tuple[X, X]:
    """x and what it found in the audio, and where it looked, (B, H, R/B, P).

    The hypotheses of a window share its keys and values, which are read once for all of them.
    """
    keys, values = memory
    query = ops.reshape(_projected(ops, x, f"{name}/attention"), (0, 0, size.heads, size.head_width))
    query = ops.transpose(ops.like_batch(query, keys), (0, 2, 1, 3))
    weights = ops.softmax(ops.add(ops.matmul(query, keys), unheard))
    seen = ops.like_rows(_merged(ops, ops.matmul(weights, values)), x)
    return ops.add(x, _linear(ops, seen, f"{name}/attention/linear_2")), weights


def _feed_forward(ops: Operations[X], x: X, name: str) -> X:
    hidden = ops.gelu(_projected(ops, x, f"{name}/ffn"))
    return ops.add(x, _linear(ops, hidden, f"{name}/ffn/linear_1"))


def _projected(ops: Operations[X], x: X, name: str) -> X:
    """x normalised, then multiplied by the first matrix of a block."""
    return _linear(ops, ops.norm(x, f"{name}/layer_norm"), f"{name}/linear_0")


def _linear(ops: Operations[X], x: X, name: str) -> X:
    return ops.linear(x, f"{name}/weight", f"{name}/bias")


def _heads(ops: Operations[X], size: Dimensions, x: X) -> X:
    """(B, N, W) as (B, H, N, D)."""
    return ops.transpose(ops.reshape(x, (0, 0, size.heads, size.head_width)), (0, 2, 1, 3))


def _keys(ops: Operations[X], size: Dimensions, x: X) -> X:
    """(B, N, W) as (B, H, D, N), the way round in which scores need them."""
    return ops.transpose(ops.reshape(x, (0, 0, size.heads, size.head_width)), (0, 2, 3, 1))


def _merged(ops: Operations[X], x: X) -> X:
    """(B, H, N, D) as (B, N, W)."""
    return ops.reshape(ops.transpose(x, (0, 2, 1, 3)), (0, 0, -1))
