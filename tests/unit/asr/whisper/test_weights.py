"""The same Whisper out of both published formats."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from asr.errors import ModelError
from asr.whisper.weights import load_weights

WIDTH, LAYERS, VOCABULARY = 128, 2, 100


def _checkpoint() -> dict[str, np.ndarray]:
    """A tiny Whisper with transformers' names."""
    rng = np.random.default_rng(3)

    def drawn(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape).astype(np.float32)

    tensors = {
        "model.encoder.conv1.weight": drawn(WIDTH, 80, 3),
        "model.encoder.conv1.bias": drawn(WIDTH),
        "model.encoder.conv2.weight": drawn(WIDTH, WIDTH, 3),
        "model.encoder.conv2.bias": drawn(WIDTH),
        "model.encoder.embed_positions.weight": drawn(1500, WIDTH),
        "model.decoder.embed_positions.weight": drawn(448, WIDTH),
        "model.decoder.embed_tokens.weight": drawn(VOCABULARY, WIDTH),
    }
    for side in ("encoder", "decoder"):
        for kind in ("weight", "bias"):
            tensors[f"model.{side}.layer_norm.{kind}"] = drawn(WIDTH)
        for layer in range(LAYERS):
            name = f"model.{side}.layers.{layer}"
            blocks = ["self_attn"] if side == "encoder" else ["self_attn", "encoder_attn"]
            for block in blocks:
                for part in ("q", "k", "v", "out"):
                    tensors[f"{name}.{block}.{part}_proj.weight"] = drawn(WIDTH, WIDTH)
                    if part != "k":
                        tensors[f"{name}.{block}.{part}_proj.bias"] = drawn(WIDTH)
            for part, rows, columns in (("fc1", 4 * WIDTH, WIDTH), ("fc2", WIDTH, 4 * WIDTH)):
                tensors[f"{name}.{part}.weight"] = drawn(rows, columns)
                tensors[f"{name}.{part}.bias"] = drawn(rows)
            for norm in (*(f"{block}_layer_norm" for block in blocks), "final_layer_norm"):
                for kind in ("weight", "bias"):
                    tensors[f"{name}.{norm}.{kind}"] = drawn(WIDTH)
    return tensors


def test_ctranslate2s_format_gives_the_published_size(whisper_dir: Path) -> None:
    size = load_weights(whisper_dir).dimensions
    assert (size.n_mels, size.audio_positions, size.text_positions) == (80, 1500, 448)
    assert (size.width, size.heads, size.encoder_layers, size.decoder_layers) == (384, 6, 4, 4)
    assert size.vocabulary == 51864
    assert (1, 0) in size.alignment_heads


def test_a_checkpoint_of_the_hub_has_its_parts_joined(tmp_path: Path) -> None:
    tensors = _checkpoint()
    save_file(tensors, tmp_path / "model.safetensors")
    weights = load_weights(tmp_path)
    size = weights.dimensions
    assert (size.encoder_layers, size.decoder_layers, size.width, size.vocabulary) == (2, 2, WIDTH, VOCABULARY)
    assert size.alignment_heads == ((1, 0), (1, 1))  # the upper half, as nothing declares them
    own = "decoder/layer_1/self_attention/linear_0"
    theirs = "model.decoder.layers.1.self_attn"
    joined = np.concatenate([tensors[f"{theirs}.{part}_proj.weight"] for part in "qkv"])
    joined[:WIDTH] /= 8  # queries are scaled once, here
    assert np.allclose(weights[f"{own}/weight"], joined)
    assert np.array_equal(weights[f"{own}/bias"][WIDTH : 2 * WIDTH], np.zeros(WIDTH))
    assert np.array_equal(
        weights["encoder/layer_0/ffn/layer_norm/gamma"], tensors["model.encoder.layers.0.final_layer_norm.weight"]
    )
    for name in weights.read:
        assert weights[name].dtype == np.float32


def test_what_is_no_whole_whisper_is_refused(tmp_path: Path, whisper_dir: Path) -> None:
    with pytest.raises(ModelError, match=r"neither model\.bin nor model\.safetensors"):
        load_weights(tmp_path)
    (tmp_path / "model.bin").write_bytes((whisper_dir / "model.bin").read_bytes()[:100_000])
    with pytest.raises(ModelError, match="does not hold a whole Whisper"):
        load_weights(tmp_path)
    (tmp_path / "model.bin").unlink()
    tensors = _checkpoint()
    del tensors["model.decoder.embed_tokens.weight"]
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(ModelError):
        load_weights(tmp_path)
