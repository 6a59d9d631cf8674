"""How much a Whisper of some size multiplies and reads: what its time is held against."""

from __future__ import annotations

from collections.abc import Collection

from asr.whisper.weights import Dimensions

_BF16_BYTES = 2


def window_products(size: Dimensions, positions: int, in_int8: Collection[str]) -> tuple[int, int]:
    """Multiplications that a window of so many positions takes in the encoder and in what the decoder remembers of it:
    those of matrices that are named among `in_int8`, a card's ranges, and all others with attention."""
    width = size.width
    shapes = {
        f"encoder/layer_{layer}/{name}/weight": columns * rows
        for layer in range(size.encoder_layers)
        for name, columns, rows in (
            ("self_attention/linear_0", width, 3 * width),
            ("self_attention/linear_1", width, width),
            ("ffn/linear_0", width, 4 * width),
            ("ffn/linear_1", 4 * width, width),
        )
    }
    shapes |= {f"decoder/layer_{at}/attention/linear_1/weight": 2 * width**2 for at in range(size.decoder_layers)}
    rounded = sum(positions * shape for name, shape in shapes.items() if name in in_int8)
    others = sum(positions * shape for name, shape in shapes.items() if name not in in_int8)
    attention = size.encoder_layers * 2 * positions**2 * width
    convolutions = 3 * width * (2 * positions * size.n_mels + positions * width)
    return rounded, others + attention + convolutions


def step_bytes(
    size: Dimensions, positions: int, windows: int, weight_bytes: int = 1, item_bytes: int = _BF16_BYTES
) -> tuple[int, int]:
    """Bytes that a step of the decoder over some windows reads: of keys and values of the audio, which each has of its
    own, `item_bytes` each, and of weights, `weight_bytes` each, once for all."""
    heard = windows * size.decoder_layers * 2 * positions * size.width * item_bytes
    weights = size.decoder_layers * 14 * size.width**2 + size.vocabulary * size.width
    return heard, weight_bytes * weights
