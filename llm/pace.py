"""How fast a language model reads a question and writes an answer, from its shape.

Reading is bound by multiplications, many tokens at once; writing by the weights that each token has read anew, and by
its attention to all before it.
"""

from __future__ import annotations

from dataclasses import dataclass

from llm.footprint import Shape, cache_bytes


def attention_operations(shape: Shape, tokens: float) -> float:
    """Multiplications and additions of one token that attends to so many: with their keys, and with their values."""
    return 4 * shape.layers * shape.heads * shape.head_width * tokens


def read_operations(shape: Shape, tokens: int) -> float:
    """Multiplications and additions for a token of a question of so many.

    A token attends to half of the question in the mean. The last one alone is scored over the vocabulary.
    """
    embeddings = shape.vocabulary * shape.width
    layers = shape.parameters - embeddings * (1 if shape.tied else 2)
    return 2 * (layers + embeddings / tokens) + attention_operations(shape, tokens / 2)


def write_bytes(shape: Shape, weights: int) -> float:
    """Bytes of weights that are read for a token of an answer, of so many in all: not those of other tokens'
    embeddings, unless scores are read from them."""
    unread = 0 if shape.tied else weights * shape.vocabulary * shape.width / shape.parameters
    return weights - unread


@dataclass(frozen=True, slots=True)
class Pace:
    """What is done in a second: multiplications and additions of many tokens at once, and of one token's attention, and
    bytes of memory that are read."""

    operations: float
    attention: float
    bytes: float

    def read(self, shape: Shape, tokens: int) -> float:
        """Tokens a second of a question of so many."""
        return self.operations / read_operations(shape, tokens)

    def written(self, shape: Shape, weights: int, context_tokens: int, batch: int = 1, kv_cache: str = "f16") -> float:
        """Tokens a second of all answers that are written at once, each after a context of so many.

        Weights are read once for all of them. No more are written than could be read.
        """
        attended_s = max(
            cache_bytes(shape, context_tokens, 1, kv_cache) / self.bytes,
            attention_operations(shape, context_tokens) / self.attention,
        )
        step_s = write_bytes(shape, weights) / self.bytes + batch * attended_s
        return min(batch / step_s, self.read(shape, context_tokens))


CORE = Pace(operations=38e9, attention=6e9, bytes=10e9)
"""One core by llama.cpp: SmolLM2-135M in Q4_1 on AMD Zen (docs/plan.md)."""
