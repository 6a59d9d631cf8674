"""Whisper's parameters, read from the formats in which they are published, under one set of names.

The names and the fused layouts are CTranslate2's: queries, keys and values of self-attention are rows of one
matrix, keys and values of cross-attention rows of another.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asr.errors import ModelError

Array = NDArray[np.float32]

_HEAD_WIDTH = 64
"""Every published Whisper has heads of this width (openai/whisper, model.py)."""

_CT2_TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}
"""CTranslate2's DataType enumeration, as far as NumPy has the types."""


@dataclass(frozen=True, slots=True)
class Dimensions:
    """The size of a Whisper, as openai/whisper's ModelDimensions, and the heads whose attention follows the words.

    `alignment_heads` are (decoder layer, head) pairs.
    """

    n_mels: int
    audio_positions: int
    text_positions: int
    width: int
    encoder_layers: int
    decoder_layers: int
    vocabulary: int
    alignment_heads: tuple[tuple[int, int], ...]

    @property
    def heads(self) -> int:
        """Attention heads in each layer."""
        return self.width // _HEAD_WIDTH

    @property
    def head_width(self) -> int:
        """Features of one head."""
        return _HEAD_WIDTH


@dataclass(frozen=True, slots=True)
class Weights:
    """All parameters of one model by CTranslate2's names, read when asked for."""

    dimensions: Dimensions
    read: Mapping[str, Callable[[], Array]]

    def __getitem__(self, name: str) -> Array:
        """One parameter as float32. Raises ModelError if the model has none of that name.

        What makes queries is divided by the root of a head's width here, once, instead of every score.
        """
        if name not in self.read:
            raise ModelError(f"The model has no parameter {name}", "Use the files of a Whisper model")
        array = self.read[name]()
        if "attention/linear_0/" in name:
            array[: self.dimensions.width] /= self.dimensions.head_width**0.5
        return array


def quantised(matrix: Array) -> tuple[NDArray[np.int8], Array]:
    """A matrix as int8, and the scale of each of its rows, (rows, 1): symmetric, the largest value becoming 127."""
    scale = np.maximum(np.abs(matrix).max(axis=1, keepdims=True) / 127, np.float32(1e-8))
    return np.round(matrix / scale).astype(np.int8), scale


def load_weights(folder: Path) -> Weights:
    """The weights of a model's folder: CTranslate2's model.bin, else model.safetensors as on the hub.

    Raises ModelError if there is neither, or if a file is not a whole Whisper.
    """
    binary, tensors = folder / "model.bin", folder / "model.safetensors"
    try:
        if binary.is_file():
            return _weights(folder, _read_ctranslate2(binary))
        if tensors.is_file():
            return _weights(folder, _read_safetensors(tensors))
    except (OSError, ValueError, TypeError, KeyError, struct.error, IndexError) as error:
        raise ModelError(
            f"{folder} does not hold a whole Whisper model: {error!r}", "callwright models verify"
        ) from error
    raise ModelError(f"{folder} has neither model.bin nor model.safetensors", "Name the folder of a Whisper model")


def _weights(folder: Path, read: dict[str, Callable[[], Array]]) -> Weights:
    vocabulary, width = read["decoder/embeddings/weight"]().shape
    decoder_layers = _count(read, "decoder")
    dimensions = Dimensions(
        n_mels=read["encoder/conv1/weight"]().shape[1],
        audio_positions=len(read["encoder/position_encodings/encodings"]()),
        text_positions=len(read["decoder/position_encodings/encodings"]()),
        width=width,
        encoder_layers=_count(read, "encoder"),
        decoder_layers=decoder_layers,
        vocabulary=vocabulary,
        alignment_heads=_alignment_heads(folder, decoder_layers, width // _HEAD_WIDTH),
    )
    return Weights(dimensions, read)


def _count(names: Iterable[str], side: str) -> int:
    layers = (re.match(rf"{side}/layer_(\d+)/", name) for name in names)
    return 1 + max(int(found[1]) for found in layers if found)


def _alignment_heads(folder: Path, layers: int, heads: int) -> tuple[tuple[int, int], ...]:
    """The published heads, else every head of the upper half of the decoder, openai/whisper's own default."""
    for name in ("config.json", "generation_config.json"):
        path = folder / name
        declared = json.loads(path.read_text()) if path.is_file() else {}
        if not isinstance(declared, dict):
            raise TypeError(f"{name} holds no table")
        if found := declared.get("alignment_heads"):
            return tuple(_alignment_head(pair, layers, heads) for pair in found)
    return tuple((layer, head) for layer in range(layers // 2, layers) for head in range(heads))


def _alignment_head(pair: Sequence[int], layers: int, heads: int) -> tuple[int, int]:
    layer, head = (int(number) for number in pair)
    if not (0 <= layer < layers and 0 <= head < heads):
        raise ValueError(f"alignment head {layer}, {head} of {layers} layers with {heads} heads")
    return layer, head


def _read_ctranslate2(path: Path) -> dict[str, Callable[[], Array]]:
    """CTranslate2's binary format, version 6 (ctranslate2/specs/model_spec.py): names, shapes, bytes, aliases."""
    memory = np.memmap(path, np.uint8, "r")
    at = 0

    def number(form: str) -> int:
        nonlocal at
        size = struct.calcsize(form)
        (value,) = struct.unpack(form, memory[at : at + size].tobytes())
        at += size
        return int(value)

    def text() -> str:
        nonlocal at
        size = number("<H")
        value = memory[at : at + size - 1].tobytes().decode()
        at += size
        return value

    version, spec, _revision = number("<I"), text(), number("<I")
    if version < 5 or spec != "WhisperSpec":
        raise ModelError(f"{path} is not a Whisper of CTranslate2's format 5 or 6", "Convert the model again")
    found: dict[str, Callable[[], Array]] = {}
    for _ in range(number("<I")):
        name = text()
        shape = tuple(number("<I") for _ in range(number("<B")))
        kind, size = number("<B"), number("<I")
        if kind not in (0, 4) and name.endswith("/weight"):
            raise ModelError(f"{path} holds quantised weights", "Use a float16 or float32 conversion")
        if shape:
            found[name] = partial(_as_float32, memory[at : at + size].view(_CT2_TYPES[kind]), shape)
        at += size
    return found


def _as_float32(raw: NDArray[Any], shape: tuple[int, ...]) -> Array:
    array: Array = raw.reshape(shape).astype(np.float32)
    return array


def _read_safetensors(path: Path) -> dict[str, Callable[[], Array]]:
    """The checkpoint that the hub publishes (transformers' names)."""
    from safetensors import SafetensorError, safe_open

    try:
        tensors: Any = safe_open(path, "numpy")
    except SafetensorError as error:
        raise ValueError(f"{path.name} is not a safetensors file") from error
    known = set(tensors.keys())

    def tensor(name: str) -> Array:
        if name.endswith("k_proj.bias"):
            # Whisper's keys have no bias.
            return np.zeros(len(tensors.get_tensor(name.replace("bias", "weight"))), np.float32)
        array: Array = tensors.get_tensor(name).astype(np.float32)
        return array

    def joined(names: tuple[str, ...]) -> Callable[[], Array]:
        if missing := {name for name in names if not name.endswith("k_proj.bias")} - known:
            raise KeyError(*sorted(missing))
        return lambda: np.concatenate([tensor(name) for name in names])

    return {ours: joined(theirs) for ours, theirs in _hub_names(known)}


def _hub_names(known: set[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Our name of each parameter, and the hub's of the tensors that it is joined from, end to end."""
    for side in ("encoder", "decoder"):
        hub = f"model.{side}"
        yield f"{side}/position_encodings/encodings", (f"{hub}.embed_positions.weight",)
        yield from _pair(f"{side}/layer_norm", f"{hub}.layer_norm", ("gamma", "beta"))
        layers = 1 + max(int(found[1]) for name in known if (found := re.match(rf"{hub}\.layers\.(\d+)\.", name)))
        for number in range(layers):
            yield from _hub_layer(side, f"{side}/layer_{number}", f"{hub}.layers.{number}")
    for number in (1, 2):
        yield from _pair(f"encoder/conv{number}", f"model.encoder.conv{number}", ("weight", "bias"))
    yield "decoder/embeddings/weight", ("model.decoder.embed_tokens.weight",)


def _hub_layer(side: str, ours: str, hub: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    block, theirs = f"{ours}/self_attention", f"{hub}.self_attn"
    yield from _pair(f"{block}/layer_norm", f"{theirs}_layer_norm", ("gamma", "beta"))
    for kind in ("weight", "bias"):
        yield f"{block}/linear_0/{kind}", tuple(f"{theirs}.{part}_proj.{kind}" for part in "qkv")
    yield from _pair(f"{block}/linear_1", f"{theirs}.out_proj", ("weight", "bias"))
    if side == "decoder":
        block, theirs = f"{ours}/attention", f"{hub}.encoder_attn"
        yield from _pair(f"{block}/layer_norm", f"{theirs}_layer_norm", ("gamma", "beta"))
        yield from _pair(f"{block}/linear_0", f"{theirs}.q_proj", ("weight", "bias"))
        for kind in ("weight", "bias"):
            yield f"{block}/linear_1/{kind}", tuple(f"{theirs}.{part}_proj.{kind}" for part in "kv")
        yield from _pair(f"{block}/linear_2", f"{theirs}.out_proj", ("weight", "bias"))
    yield from _pair(f"{ours}/ffn/layer_norm", f"{hub}.final_layer_norm", ("gamma", "beta"))
    yield from _pair(f"{ours}/ffn/linear_0", f"{hub}.fc1", ("weight", "bias"))
    yield from _pair(f"{ours}/ffn/linear_1", f"{hub}.fc2", ("weight", "bias"))


def _pair(ours: str, hub: str, kinds: tuple[str, str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """A matrix or a norm: the hub calls the two parts weight and bias."""
    for kind, theirs in zip(kinds, ("weight", "bias"), strict=True):
        yield f"{ours}/{kind}", (f"{hub}.{theirs}",)
