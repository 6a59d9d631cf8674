"""How fast a language model reads a question and writes an answer, from its shape.

Reading is bound by multiplications, all tokens of a chunk at once; writing by the bytes that each token has read anew.
"""

from __future__ import annotations

from dataclasses import dataclass

from llm.footprint import Shape, cache_bytes

READ_OPERATIONS = 38e9
"""Multiplications and additions a second of one core that reads by llama.cpp, SmolLM2-135M in Q4_1 (docs/plan.md)."""

WRITE_BYTES = 6.3e9
"""Bytes of weights, keys and values a second of one core that writes, likewise."""


def read_operations(shape: Shape, tokens: int) -> float:
    """Multiplications and additions for a token of a question of so many: each weight of the layers, and attention.

    A token attends to half of the question in the mean. The last one alone is scored over the vocabulary.
    """
    weights = shape.parameters - shape.vocabulary * shape.width * (1 if shape.tied else 2)
    attention = 2 * shape.layers * shape.heads * shape.head_width * tokens / 2
    return 2 * (weights + attention + shape.vocabulary * shape.width / tokens)


def write_bytes(shape: Shape, weights: int, context_tokens: int, kv_cache: str = "f16", batch: int = 1) -> float:
    """Bytes that are read for a token of each of so many answers: the weights once for all, and every one's context.

    `weights` are the bytes of all. Of the embeddings no more is read than the scores take, where they are tied.
    """
    unread = 0 if shape.tied else weights * shape.vocabulary * shape.width / shape.parameters
    return weights - unread + cache_bytes(shape, context_tokens, batch, kv_cache)


@dataclass(frozen=True, slots=True)
class Pace:
    """Multiplications and additions, and bytes of memory, in a second."""

    operations: float
    bytes: float

    def read(self, shape: Shape, tokens: int) -> float:
        """Tokens a second of a question of so many."""
        return self.operations / read_operations(shape, tokens)

    def written(self, shape: Shape, weights: int, context_tokens: int, batch: int = 1, kv_cache: str = "f16") -> float:
        """Tokens a second of all answers that are written at once, each after a context of so many.

        No more than could be read: many at once are bound by multiplications again.
        """
        by_memory = batch * self.bytes / write_bytes(shape, weights, context_tokens, kv_cache, batch)
        return min(by_memory, self.read(shape, context_tokens))
