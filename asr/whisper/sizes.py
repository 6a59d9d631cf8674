"""The published sizes of Whisper, for what is to be known of a model that is not on this machine."""

from __future__ import annotations

from collections.abc import Mapping

from asr.whisper.weights import Dimensions


def _size(width: int, encoder: int, decoder: int, vocabulary: int = 51_865, mels: int = 80) -> Dimensions:
    return Dimensions(mels, 1_500, 448, width, encoder, decoder, vocabulary, ())


SIZES: Mapping[str, Dimensions] = {
    "whisper-tiny": _size(384, 4, 4),
    "whisper-tiny.en": _size(384, 4, 4, 51_864),
    "whisper-base": _size(512, 6, 6),
    "whisper-base.en": _size(512, 6, 6, 51_864),
    "whisper-small": _size(768, 12, 12),
    "whisper-small.en": _size(768, 12, 12, 51_864),
    "whisper-medium": _size(1_024, 24, 24),
    "whisper-large-v3": _size(1_280, 32, 32, 51_866, 128),
    "whisper-large-v3-turbo": _size(1_280, 32, 4, 51_866, 128),
    "whisper-distil-large-v3": _size(1_280, 32, 2, 51_866, 128),
}
"""openai/whisper's ModelDimensions and distil-whisper's config.json, without the heads that follow the words."""


def encoder_parameters(size: Dimensions) -> int:
    """Numbers that the encoder learned or that are kept with it: convolutions, positions, layers, the last norm."""
    width = size.width
    convolutions = 3 * width * (size.n_mels + width) + 2 * width
    # Attention 4 W^2, of which keys have no bias, feed-forward 8 W^2, two norms.
    layer = 12 * width**2 + 12 * width
    return convolutions + size.audio_positions * width + size.encoder_layers * layer + 2 * width


def embedding_parameters(size: Dimensions) -> int:
    """Of the matrix that is both what tokens mean and what their scores are read from."""
    return size.vocabulary * size.width


def decoder_parameters(size: Dimensions) -> int:
    """Embeddings, positions, layers that look at tokens and at the audio, the last norm."""
    width = size.width
    layer = 16 * width**2 + 17 * width
    return embedding_parameters(size) + size.text_positions * width + size.decoder_layers * layer + 2 * width


def parameters(size: Dimensions) -> int:
    """All of a model's parameters, those that the hub counts."""
    return encoder_parameters(size) + decoder_parameters(size)
