"""openai/whisper, the reference implementation, on our weights: PyTorch in float32, eagerly, a window at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asr.whisper.weights import Array, Weights

_PAIR = {"weight": "weight", "bias": "bias"}
_NORM = {"gamma": "weight", "beta": "bias"}


def openai_model(weights: Weights) -> Any:
    """A whisper.model.Whisper in float32 on the CPU with these weights. Raises ModelError if one is missing,
    ModuleNotFoundError where openai-whisper is not installed."""
    import torch
    from whisper.model import ModelDimensions, Whisper

    size = weights.dimensions
    model = Whisper(
        ModelDimensions(
            size.n_mels,
            size.audio_positions,
            size.width,
            size.heads,
            size.encoder_layers,
            size.vocabulary,
            size.text_positions,
            size.width,
            size.heads,
            size.decoder_layers,
        )
    )
    model.load_state_dict({name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in _named(weights)})
    heads = np.zeros((size.decoder_layers, size.heads), bool)
    heads[tuple(zip(*size.alignment_heads, strict=True))] = True
    model.register_buffer("alignment_heads", torch.from_numpy(heads).to_sparse(), persistent=False)
    return model.eval()


def _named(weights: Weights) -> Iterator[tuple[str, Array]]:
    """Every parameter by openai's name."""
    size = weights.dimensions
    yield "encoder.positional_embedding", weights["encoder/position_encodings/encodings"]
    yield "decoder.positional_embedding", weights["decoder/position_encodings/encodings"]
    yield "decoder.token_embedding.weight", weights["decoder/embeddings/weight"]
    for number in (1, 2):
        yield from _both(weights, f"encoder/conv{number}", f"encoder.conv{number}", _PAIR)
    for layer in range(size.encoder_layers):
        yield from _block(weights, f"encoder/layer_{layer}", f"encoder.blocks.{layer}")
    for layer in range(size.decoder_layers):
        ours, theirs = f"decoder/layer_{layer}", f"decoder.blocks.{layer}"
        yield from _block(weights, ours, theirs)
        yield from _across(weights, f"{ours}/attention", theirs)
    yield from _both(weights, "encoder/layer_norm", "encoder.ln_post", _NORM)
    yield from _both(weights, "decoder/layer_norm", "decoder.ln", _NORM)


def _block(weights: Weights, ours: str, theirs: str) -> Iterator[tuple[str, Array]]:
    """Self-attention and the feed-forward network of a layer."""
    attention = f"{ours}/self_attention"
    yield from _both(weights, f"{attention}/layer_norm", f"{theirs}.attn_ln", _NORM)
    for kind in ("weight", "bias"):
        query, key, value = np.split(weights[f"{attention}/linear_0/{kind}"], 3)
        yield f"{theirs}.attn.query.{kind}", _unscaled(query, weights)
        yield f"{theirs}.attn.value.{kind}", value
        if kind == "weight":
            yield f"{theirs}.attn.key.weight", key
    yield from _both(weights, f"{attention}/linear_1", f"{theirs}.attn.out", _PAIR)
    yield from _both(weights, f"{ours}/ffn/layer_norm", f"{theirs}.mlp_ln", _NORM)
    yield from _both(weights, f"{ours}/ffn/linear_0", f"{theirs}.mlp.0", _PAIR)
    yield from _both(weights, f"{ours}/ffn/linear_1", f"{theirs}.mlp.2", _PAIR)


def _across(weights: Weights, ours: str, theirs: str) -> Iterator[tuple[str, Array]]:
    """The attention of the decoder's layer to the audio."""
    yield from _both(weights, f"{ours}/layer_norm", f"{theirs}.cross_attn_ln", _NORM)
    for kind in ("weight", "bias"):
        yield f"{theirs}.cross_attn.query.{kind}", _unscaled(weights[f"{ours}/linear_0/{kind}"], weights)
        key, value = np.split(weights[f"{ours}/linear_1/{kind}"], 2)
        yield f"{theirs}.cross_attn.value.{kind}", value
        if kind == "weight":
            yield f"{theirs}.cross_attn.key.weight", key
    yield from _both(weights, f"{ours}/linear_2", f"{theirs}.cross_attn.out", _PAIR)


def _unscaled(query: Array, weights: Weights) -> Array:
    """What makes queries as it was trained: Weights divides it by the root of a head's width."""
    scale: NDArray[np.float32] = np.float32(weights.dimensions.head_width**0.5) * query
    return scale


def _both(weights: Weights, ours: str, theirs: str, kinds: dict[str, str]) -> Iterator[tuple[str, Array]]:
    for kind, its in kinds.items():
        yield f"{theirs}.{its}", weights[f"{ours}/{kind}"]
