"""How fast a language model reads a question and writes an answer, from its shape.

Reading is bound by multiplications, all tokens of a chunk at once; writing by the bytes that each token has read anew.
"""

from __future__ import annotations

from llm.footprint import Shape, cache_bytes

READ_OPERATIONS = 60e9
"""Multiplications and additions a second of one core that reads by llama.cpp, SmolLM2-135M in Q4_1 (docs/plan.md)."""

WRITE_BYTES = 6e9
"""Bytes of weights, keys and values a second of one core that writes, likewise."""


def read_operations(shape: Shape, tokens: int) -> float:
    """Multiplications and additions for a token of a question of so many: each weight of the layers, and attention.

    A token attends to half of the question in the mean. The last one alone is scored over the vocabulary.
    """
    weights = shape.parameters - shape.vocabulary * shape.width * (1 if shape.tied else 2)
    attention = 2 * shape.layers * shape.heads * shape.head_width * tokens / 2
    return 2 * (weights + attention + shape.vocabulary * shape.width / tokens)


def write_bytes(shape: Shape, weights: int, context_tokens: int, kv_cache: str = "f16") -> float:
    """Bytes that are read for a token of an answer: all weights but those of other tokens' embeddings, and the context.

    `weights` are the bytes of all. Scores are read from the embeddings where these are tied.
    """
    unread = 0 if shape.tied else weights * shape.vocabulary * shape.width / shape.parameters
    return weights - unread + cache_bytes(shape, context_tokens, 1, kv_cache)
