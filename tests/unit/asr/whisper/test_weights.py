"""The same Whisper out of both published formats."""

from __future__ import annotations

import struct
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


def test_the_multilingual_base_is_larger_and_knows_more(whisper_base_dir: Path) -> None:
    size = load_weights(whisper_base_dir).dimensions
    assert (size.n_mels, size.audio_positions, size.text_positions) == (80, 1500, 448)
    assert (size.width, size.heads, size.encoder_layers, size.decoder_layers) == (512, 8, 6, 6)
    assert size.vocabulary == 51865
    assert all(layer < 6 and head < 8 for layer, head in size.alignment_heads)


def test_every_tensor_of_a_checkpoint_is_in_its_place(tmp_path: Path) -> None:
    """Each matrix that attends is queries, keys and values, or keys and values, from top to bottom."""
    tensors = _checkpoint()
    save_file(tensors, tmp_path / "model.safetensors")
    weights = load_weights(tmp_path)
    used = 0
    for side, blocks in (("encoder", ("self_attn",)), ("decoder", ("self_attn", "encoder_attn"))):
        for layer in range(LAYERS):
            for block in blocks:
                ours = f"{side}/layer_{layer}/{'self_attention' if block == 'self_attn' else 'attention'}"
                theirs = f"model.{side}.layers.{layer}.{block}"
                for kind in ("weight", "bias"):
                    parts = {part: tensors.get(f"{theirs}.{part}_proj.{kind}") for part in ("q", "k", "v", "out")}
                    used += sum(part is not None for part in parts.values())
                    if kind == "bias":
                        parts["k"] = np.zeros(WIDTH, np.float32)
                    first = ("q", "k", "v") if block == "self_attn" else ("q",)
                    rows = np.concatenate([parts[part] / (8 if part == "q" else 1) for part in first])
                    assert np.array_equal(weights[f"{ours}/linear_0/{kind}"], rows)
                    if block == "encoder_attn":
                        rows = np.concatenate([parts["k"], parts["v"]])
                        assert np.array_equal(weights[f"{ours}/linear_1/{kind}"], rows)
                    last = f"{ours}/linear_{1 if block == 'self_attn' else 2}/{kind}"
                    assert np.array_equal(weights[last], parts["out"])
    plain = {
        "encoder/conv1/weight": "model.encoder.conv1.weight",
        "encoder/conv2/bias": "model.encoder.conv2.bias",
        "encoder/position_encodings/encodings": "model.encoder.embed_positions.weight",
        "decoder/position_encodings/encodings": "model.decoder.embed_positions.weight",
        "decoder/embeddings/weight": "model.decoder.embed_tokens.weight",
        "decoder/layer_norm/beta": "model.decoder.layer_norm.bias",
        "decoder/layer_1/attention/layer_norm/gamma": "model.decoder.layers.1.encoder_attn_layer_norm.weight",
        "decoder/layer_0/self_attention/layer_norm/beta": "model.decoder.layers.0.self_attn_layer_norm.bias",
        "encoder/layer_1/ffn/linear_0/weight": "model.encoder.layers.1.fc1.weight",
        "encoder/layer_1/ffn/linear_1/bias": "model.encoder.layers.1.fc2.bias",
    }
    for ours, theirs in plain.items():
        assert np.array_equal(weights[ours], tensors[theirs])
    assert used == sum("_proj." in name for name in tensors)


def test_reading_a_parameter_twice_gives_the_same(whisper_dir: Path) -> None:
    """Queries are divided once, not each time."""
    weights = load_weights(whisper_dir)
    name = "decoder/layer_0/self_attention/linear_0/weight"
    assert np.array_equal(weights[name], weights[name])


def test_the_heads_that_a_folder_declares_are_taken(tmp_path: Path) -> None:
    save_file(_checkpoint(), tmp_path / "model.safetensors")
    (tmp_path / "generation_config.json").write_text('{"alignment_heads": [[0, 1], [1, 0]]}')
    assert load_weights(tmp_path).dimensions.alignment_heads == ((0, 1), (1, 0))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"no model",
        b"\xff" * 5_000,
        struct.pack("<IH16sII", 6, 16, b"TransformerSpec\0", 1, 0),
        struct.pack("<IH12sII", 6, 12, b"WhisperSpec\0", 3, 0),
        struct.pack("<IH12sII", 4, 12, b"WhisperSpec\0", 3, 0),
    ],
    ids=["empty", "text", "noise", "another model", "without parameters", "an old format"],
)
def test_a_file_that_is_no_whisper_is_refused_and_its_folder_named(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "model.bin").write_bytes(raw)
    with pytest.raises(ModelError) as caught:
        load_weights(tmp_path)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("lost", ["embed_tokens.weight", "decoder.layers.0.fc1.bias", "encoder.layers.1.self_attn.k"])
def test_a_checkpoint_that_lacks_a_tensor_is_refused_and_its_folder_named(tmp_path: Path, lost: str) -> None:
    save_file({name: t for name, t in _checkpoint().items() if lost not in name}, tmp_path / "model.safetensors")
    with pytest.raises(ModelError) as caught:
        load_weights(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_a_file_cut_anywhere_in_its_numbers_is_refused(tmp_path: Path, whisper_dir: Path) -> None:
    raw = (whisper_dir / "model.bin").read_bytes()
    for lost in (100, 1_000_000, len(raw) // 2):
        (tmp_path / "model.bin").write_bytes(raw[:-lost])
        with pytest.raises(ModelError, match="does not hold a whole Whisper"):
            load_weights(tmp_path)


@pytest.mark.parametrize("text", ["[]", '{"alignment_heads": 5}', '{"alignment_heads": [[9, 9]]}'])
def test_nonsense_in_a_configuration_is_refused(tmp_path: Path, text: str) -> None:
    save_file(_checkpoint(), tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ModelError):
        load_weights(tmp_path)
