"""How fast a language model is, against a worked example that others published."""

from dataclasses import replace

import pytest

from llm.footprint import KNOWN, weight_bytes
from llm.pace import Pace, read_operations, write_bytes

LLAMA = KNOWN["llama-2-7b"]
A10 = Pace(125e12, 125e12, 600e9)


def test_reading_and_writing_at_a_gpus_peaks() -> None:
    """Baseten, A guide to LLM inference and performance: Llama 2 7B in float16 on an A10, 350 tokens in 39 ms, then
    23 ms a token; all of 7 billion weights counted, and no context."""
    assert 350 / A10.read(LLAMA, 350) == pytest.approx(0.039, rel=0.07)
    assert 1 / A10.written(LLAMA, weight_bytes(LLAMA, "f16"), 1) == pytest.approx(0.023, rel=0.06)


def test_attention_grows_with_the_question() -> None:
    """Kaplan et al., Scaling Laws for Neural Language Models, 2020: 2 N + 2 layers x context x width a token."""
    short, long = (read_operations(LLAMA, tokens) for tokens in (100_000, 200_000))
    assert long - short == pytest.approx(2 * LLAMA.layers * 100_000 * LLAMA.width, rel=1e-3)


def test_a_context_costs_what_is_slower_its_bytes_or_its_operations() -> None:
    weights = weight_bytes(LLAMA, "q8_0")
    for shape, mib in ((LLAMA, 2_048), (KNOWN["mistral-7b-v0.3"], 512)):
        longer_s = 1 / A10.written(shape, weights, 4_097) - 1 / A10.written(shape, weights, 1)
        assert longer_s == pytest.approx((mib << 20) / 600e9), "fewer heads of keys, fewer bytes"
    slow = replace(A10, attention=1e9)
    longer_s = 1 / slow.written(LLAMA, weights, 4_097) - 1 / slow.written(LLAMA, weights, 1)
    assert longer_s == pytest.approx(4 * 32 * 4_096 * 4_096 / 1e9)


def test_scores_are_read_from_embeddings_that_are_tied() -> None:
    assert write_bytes(KNOWN["smollm2-135m-instruct"], 98_000_000) == 98_000_000
    assert write_bytes(LLAMA, 1_000_000) == pytest.approx(980_550, abs=500), "131 of 6,738 million are not"


def test_many_at_once_share_the_weights_until_multiplications_bind() -> None:
    weights = weight_bytes(LLAMA, "f16")
    one, eight = (A10.written(LLAMA, weights, 512, batch) for batch in (1, 8))
    assert 6 * one < eight < 8 * one
    assert A10.written(LLAMA, weights, 1, 8_192) == A10.read(LLAMA, 1)
