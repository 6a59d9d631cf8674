"""What a language model takes, against worked examples that others published."""

import json
from pathlib import Path

import gguf
import numpy as np
import pytest

from asr.errors import ConfigError
from llm.footprint import KNOWN, Shape, activation_bytes, cache_bytes, read_config, read_gguf, weight_bytes

GIB = 1 << 30

LOGGED = ((2_048, 16.64), (4_096, 18.64), (8_192, 22.64))


@pytest.mark.parametrize(
    ("model", "published"),
    [
        ("llama-2-7b", 6_738_415_616),
        ("llama-3.2-1b", 1_235_814_400),
        ("llama-3.1-8b", 8_030_261_248),
        ("llama-3.1-70b", 70_553_706_496),
        ("qwen2.5-1.5b", 1_543_714_304),
        ("qwen2.5-7b", 7_615_616_512),
        ("mistral-7b-v0.3", 7_248_023_552),
        ("gemma-2b", 2_506_172_416),
        ("smollm2-135m-instruct", 134_515_008),
    ],
)
def test_parameters_are_those_that_the_hub_counts(model: str, published: int) -> None:
    """As the safetensors of the publishers' repositories on the Hugging Face hub."""
    assert KNOWN[model].parameters == published


def test_every_head_has_keys_of_its_own() -> None:
    """NVIDIA, Mastering LLM Techniques: Inference Optimization: Llama 2 7B, 16 bits, 4,096 tokens: ~2 GB."""
    assert cache_bytes(KNOWN["llama-2-7b"], 4_096, 1) == 2 * GIB


@pytest.mark.parametrize(
    ("model", "tokens", "gib"),
    [
        ("llama-3.1-8b", 1_024, 0.125),
        ("llama-3.1-8b", 16_000, 1.95),
        ("llama-3.1-8b", 128_000, 15.62),
        ("llama-3.1-70b", 16_000, 4.88),
        ("llama-3.1-70b", 128_000, 39.06),
    ],
)
def test_heads_in_groups_share_keys(model: str, tokens: int, gib: float) -> None:
    """Hugging Face, Llama 3.1: inference memory requirements (huggingface.co/blog/llama31), KV cache in FP16."""
    assert cache_bytes(KNOWN[model], tokens, 1) / GIB == pytest.approx(gib, abs=0.006)


def test_llama_3_takes_a_quarter_of_llama_2() -> None:
    assert cache_bytes(KNOWN["llama-3.1-8b"], 4_096, 1) == GIB // 2


def test_one_head_of_keys_for_all() -> None:
    """Multi-query: Shazeer, Fast Transformer Decoding, 2019."""
    gemma = KNOWN["gemma-2b"]
    assert gemma.kv_heads == 1
    assert cache_bytes(gemma, 4_096, 1) == 2 * 18 * 256 * 4_096 * 2


def test_conversations_add_up_and_precision_counts() -> None:
    llama = KNOWN["llama-3.1-8b"]
    assert cache_bytes(llama, 4_096, 8) == 4 * GIB
    assert cache_bytes(llama, 4_096, 1, "q8_0") == GIB // 2 * 34 // 64
    assert cache_bytes(llama, 4_096, 1, "q4_0") == GIB // 2 * 18 // 64


def test_weights() -> None:
    """llama.cpp, tools/quantize/README.md: Llama 3.1 8B, Q4_K_M 4.58 GiB, Q8_0 7.95, F16 14.96."""
    llama = KNOWN["llama-3.1-8b"]
    found = [round(weight_bytes(llama, precision) / GIB, 2) for precision in ("q4_k_m", "q8_0", "f16")]
    assert found == [4.58, 7.95, 14.96]


@pytest.mark.parametrize(("tokens", "mib"), LOGGED)
def test_activations_are_what_llama_cpp_says_that_it_takes(tokens: int, mib: float) -> None:
    """Its log, "CPU compute buffer size", for SmolLM2-135M-Instruct (xllamacpp 2026.10.11549)."""
    assert activation_bytes(KNOWN["smollm2-135m-instruct"], tokens) / (1 << 20) == pytest.approx(mib, rel=0.05)


def test_a_config_file_tells_the_shape(tmp_path: Path) -> None:
    told = {
        "hidden_size": 4_096,
        "intermediate_size": 14_336,
        "num_attention_heads": 32,
        "num_hidden_layers": 32,
        "num_key_value_heads": 8,
        "vocab_size": 128_256,
        "model_type": "llama",
    }
    path = tmp_path / "config.json"
    path.write_text(json.dumps(told))
    assert read_config(path) == KNOWN["llama-3.1-8b"]
    path.write_text(json.dumps({key: value for key, value in told.items() if key != "num_key_value_heads"}))
    assert read_config(path).kv_heads == 32, "heads without a word of groups have keys of their own"


@pytest.mark.parametrize("told", ["", "[]", '{"hidden_size": 8}', '{"hidden_size": 8, "num_attention_heads": 0}'])
def test_what_is_no_config_is_refused(tmp_path: Path, told: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(told)
    with pytest.raises(ConfigError, match=r"config\.json"):
        read_config(path)


def test_a_gguf_file_tells_the_shape_and_its_weights(tmp_path: Path) -> None:
    path = tmp_path / "small.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(2)
    writer.add_embedding_length(64)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_feed_forward_length(128)
    writer.add_tensor("token_embd.weight", np.zeros((100, 64), np.float16))
    writer.add_tensor("blk.0.attn_q.weight", np.zeros((64, 64), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    shape, weights = read_gguf(path)
    assert shape == Shape(2, 64, 4, 2, 16, 128, 100, tied=True)
    assert weights == 100 * 64 * 2 + 64 * 64 * 4


def test_what_is_no_gguf_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.gguf"
    for body in (b"", b"GGUF", b"not a model at all, but long enough to be read as one would be"):
        path.write_bytes(body)
        with pytest.raises(ConfigError, match=r"broken\.gguf"):
            read_gguf(path)
