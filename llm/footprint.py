"""What a language model takes of a machine's memory, from its shape: weights, keys and values, activations.

Shapes come from a table of known models, from transformers' config.json, or from the header of a GGUF file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asr.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Shape:
    """A decoder of Llama's kind: RMS norms, rotary positions, a gated feed-forward block.

    `kv_heads` are as many as `heads` (multi-head attention), fewer (grouped-query, GQA) or one (multi-query, MQA).
    `tied` says that the scores are read from the embeddings, `biased` that queries, keys and values have biases.
    """

    layers: int
    width: int
    heads: int
    kv_heads: int
    head_width: int
    widened: int
    vocabulary: int
    tied: bool = False
    biased: bool = False

    @property
    def parameters(self) -> int:
        """How many numbers the model learned."""
        queries, keys = self.heads * self.head_width, self.kv_heads * self.head_width
        attention = self.width * (2 * queries + 2 * keys) + (queries + 2 * keys if self.biased else 0)
        layer = attention + 3 * self.width * self.widened + 2 * self.width
        embeddings = self.vocabulary * self.width * (1 if self.tied else 2)
        return embeddings + self.layers * layer + self.width


KNOWN: Mapping[str, Shape] = {
    "smollm2-135m-instruct": Shape(30, 576, 9, 3, 64, 1_536, 49_152, tied=True),
    "llama-3.2-1b": Shape(16, 2_048, 32, 8, 64, 8_192, 128_256, tied=True),
    "qwen2.5-1.5b": Shape(28, 1_536, 12, 2, 128, 8_960, 151_936, tied=True, biased=True),
    "gemma-2b": Shape(18, 2_048, 8, 1, 256, 16_384, 256_000, tied=True),
    "llama-2-7b": Shape(32, 4_096, 32, 32, 128, 11_008, 32_000),
    "mistral-7b-v0.3": Shape(32, 4_096, 32, 8, 128, 14_336, 32_768),
    "qwen2.5-7b": Shape(28, 3_584, 28, 4, 128, 18_944, 152_064, biased=True),
    "llama-3.1-8b": Shape(32, 4_096, 32, 8, 128, 14_336, 128_256),
    "llama-3.1-70b": Shape(80, 8_192, 64, 8, 128, 28_672, 128_256),
}
"""From the config.json that each publisher gives with the weights."""

WEIGHT_BITS: Mapping[str, float] = {"q4_k_m": 4.8944, "q8_0": 8.5008, "f16": 16.0}
"""A parameter's, scales included: llama.cpp, tools/quantize/README.md, as measured on Llama 3.1 8B."""

CACHE_BITS: Mapping[str, float] = {"f16": 16.0, "q8_0": 8.5, "q4_0": 4.5}
"""A key's or value's: 32 of them share a scale of two bytes (ggml, ggml-common.h)."""

_CHUNK_TOKENS = 512
"""Tokens of a prompt that llama.cpp reads at once (n_ubatch)."""


def weight_bytes(shape: Shape, precision: str) -> int:
    """The weights in one of WEIGHT_BITS."""
    return round(shape.parameters * WEIGHT_BITS[precision] / 8)


def cache_bytes(shape: Shape, context_tokens: int, batch: int, precision: str = "f16") -> int:
    """Keys and values of `batch` conversations of so many tokens each: 2 x layers x KV heads x head width x tokens.

    NVIDIA, Mastering LLM Techniques: Inference Optimization; with fewer KV heads than heads Ainslie et al., GQA, 2023.
    """
    numbers = 2 * shape.layers * shape.kv_heads * shape.head_width * context_tokens * batch
    return round(numbers * CACHE_BITS[precision] / 8)


def activation_bytes(shape: Shape, context_tokens: int) -> int:
    """Of a prompt's chunk, as llama.cpp holds them: in float32 both halves of the feed-forward block and eight of the
    widths that a layer passes on, and the mask of attention over all of the context in float16.

    With flash attention, which it uses where it can, no scores are held; those of the vocabulary are the last token's.
    """
    return _CHUNK_TOKENS * (4 * (2 * shape.widened + 8 * shape.width) + 2 * context_tokens)


def read_config(path: Path) -> Shape:
    """The shape that a config.json of transformers gives. Raises ConfigError if it is none, or of another kind."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        heads, width = int(told["num_attention_heads"]), int(told["hidden_size"])
        return Shape(
            layers=int(told["num_hidden_layers"]),
            width=width,
            heads=heads,
            kv_heads=int(told.get("num_key_value_heads") or heads),
            head_width=int(told.get("head_dim") or width // heads),
            widened=int(told["intermediate_size"]),
            vocabulary=int(told["vocab_size"]),
            tied=bool(told.get("tie_word_embeddings", False)),
            biased=bool(told.get("attention_bias", told.get("model_type") == "qwen2")),
        )
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}", "Name a config.json") from error
    except (ValueError, KeyError, TypeError, ZeroDivisionError) as error:
        raise ConfigError(f"{path} tells of no decoder of Llama's kind: {error!r}", "Name another file") from error


def read_gguf(path: Path) -> tuple[Shape, int]:
    """The shape that a GGUF file's header gives, and the bytes of its tensors. Raises ConfigError if it is none."""
    from gguf import GGUFReader

    try:
        reader = GGUFReader(path)
        kind = _field(reader, "general.architecture")
        heads, width = (int(_field(reader, f"{kind}.{key}")) for key in ("attention.head_count", "embedding_length"))
        shapes = {tensor.name: tensor.shape for tensor in reader.tensors}
        shape = Shape(
            layers=int(_field(reader, f"{kind}.block_count")),
            width=width,
            heads=heads,
            kv_heads=int(_field(reader, f"{kind}.attention.head_count_kv", heads)),
            head_width=int(_field(reader, f"{kind}.attention.key_length", width // heads)),
            widened=int(_field(reader, f"{kind}.feed_forward_length")),
            vocabulary=int(shapes["token_embd.weight"][1]),
            tied="output.weight" not in shapes,
            biased="blk.0.attn_q.bias" in shapes,
        )
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}", "Name a GGUF file") from error
    except (ValueError, KeyError, TypeError, IndexError, ZeroDivisionError) as error:
        raise ConfigError(f"{path} is no GGUF file of a decoder of Llama's kind", "Name another file") from error
    return shape, sum(int(tensor.n_bytes) for tensor in reader.tensors)


def _field(reader: Any, key: str, default: Any = None) -> Any:
    """A value of the header. Raises KeyError if it is not there and has no default."""
    field = reader.get_field(key)
    if field is None:
        if default is None:
            raise KeyError(key)
        return default
    return field.contents()
