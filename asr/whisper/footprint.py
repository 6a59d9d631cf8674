"""What a Whisper takes of a machine, from its dimensions: memory of the engine openvino, and work for each second.

All is counted but _PROCESS_BYTES, which was fitted; docs/plan.md sets what this says beside what was measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from asr.whisper.sizes import embedding_parameters, parameters
from asr.whisper.weights import Dimensions
from asr.whisper.work import step_bytes, window_products

Precision = Literal["int8", "bfloat16", "float32"]
PRECISIONS: tuple[Precision, ...] = ("int8", "bfloat16", "float32")

_MIB = 1 << 20

_PROCESS_BYTES = 300 * _MIB
"""Python, its libraries, OpenVINO's kernels and what glibc's heap keeps free: what was left over of the memory of five
loaded models, tiny.en and base (docs/plan.md)."""

_SCORES_KEPT = 3
"""Matrices of attention scores that an encoder's layer holds at once: scores, their softmax, and a copy in the order
that the product wants."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes of one process with a loaded model while it transcribes full batches."""

    weights: int
    activations: int
    """Of all threads together."""
    caches: int
    """Keys and values of the audio of all windows in hand; those of the tokens are a hundredth of it."""
    process: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.activations + self.caches + self.process


def footprint(size: Dimensions, precision: Precision, threads: int, batch_size: int, *, bf16: bool) -> Footprint:
    """The most that an engine takes with `threads` threads, `batch_size` windows of 30 s each.

    `bf16` says whether the CPU multiplies bfloat16, as AMD's from Zen 4 on and Intel's from Sapphire Rapids on do;
    without, keys, values and scores are float32.
    """
    item = 2 if bf16 and precision != "float32" else 4
    return Footprint(
        weights=weight_bytes(size, precision) + _compiled_bytes(size, precision, item),
        activations=threads * _activation_bytes(size, item),
        caches=threads * batch_size * audio_cache_bytes(size, item),
        process=_PROCESS_BYTES,
    )


def weight_bytes(size: Dimensions, precision: Precision) -> int:
    """The parameters as the runtime is given them (Engine.weight_bytes): float32, which bfloat16 is made from as it
    loads; int8 with a float32 scale a row, vectors float32, convolutions and positions float16."""
    if precision != "int8":
        return 4 * parameters(size)
    width = size.width
    matrices = 12 * size.encoder_layers * width**2 + 16 * size.decoder_layers * width**2 + embedding_parameters(size)
    rows = width * (9 * size.encoder_layers + 13 * size.decoder_layers) + size.vocabulary
    halves = 3 * width * (size.n_mels + width) + width * (size.audio_positions + size.text_positions)
    return matrices + 4 * rows + 2 * halves + 4 * (parameters(size) - matrices - halves)


def audio_cache_bytes(size: Dimensions, item_bytes: int) -> int:
    """Keys and values of one window's audio in all decoder layers: 2 x layers x positions x heads x a head's width."""
    return 2 * size.decoder_layers * size.audio_positions * size.heads * size.head_width * item_bytes


def _compiled_bytes(size: Dimensions, precision: Precision, item_bytes: int) -> int:
    """The copy that OpenVINO packs for its kernels, of all but the embeddings, which it reads where they are."""
    packed = 1 if precision == "int8" else item_bytes
    return packed * (parameters(size) - embedding_parameters(size))


def _activation_bytes(size: Dimensions, item_bytes: int) -> int:
    """Of one thread's encoder in a layer: scores of all heads, and what the feed-forward block widens."""
    scores = size.heads * size.audio_positions**2
    widened = size.audio_positions * 4 * size.width
    return item_bytes * (_SCORES_KEPT * scores + 2 * widened)


_REST_S, _ENCODER_S, _DECODER_S = 8.0, 20.1, 28.9
"""Thread seconds that Whisper base in int8 took for 24 calls: front end, spectrogram and alignment; encoder; decoder
(docs/performance.md, Real telephone audio)."""

_READING = 0.54
"""Share of a decoder's step that reading its bytes takes (docs/performance.md, How near the machine's peaks)."""

_FLOAT32_SLOWER = 2.0
"""A core's bfloat16 instruction does two multiplications where float32's does one."""


def relative_cost(size: Dimensions, precision: Precision, base: Dimensions, *, batch_size: int) -> float:
    """Thread time for the same audio, as a multiple of what the model `base` takes in int8.

    The encoder is bound by its multiplications, the decoder by the bytes that a step reads, its weights once and the
    keys and values of all windows; what comes before and after both is the same for every model. A smaller decoder
    saves of a step the reading alone; that a larger one costs no more than it reads is not counted on.
    """
    encoder = _encoder_work(size) / _encoder_work(base) * (_FLOAT32_SLOWER if precision == "float32" else 1.0)
    reads = _step_bytes(size, precision, batch_size) / _step_bytes(base, "int8", batch_size)
    decoder = max(reads, 1 - _READING + _READING * reads)
    total_s = _REST_S + _ENCODER_S * encoder + _DECODER_S * decoder
    return total_s / (_REST_S + _ENCODER_S + _DECODER_S)


def _encoder_work(size: Dimensions) -> int:
    """Multiplications for a window of 30 s."""
    return sum(window_products(size, size.audio_positions, ()))


def _step_bytes(size: Dimensions, precision: Precision, batch_size: int) -> int:
    weight, item = {"int8": (1, 2), "bfloat16": (2, 2), "float32": (4, 4)}[precision]
    return sum(step_bytes(size, size.audio_positions, batch_size, weight, item))
