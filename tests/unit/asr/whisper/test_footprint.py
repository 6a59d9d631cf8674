"""What a Whisper takes, against what its publishers and the graphs say."""

from math import prod

import pytest

from asr.whisper.footprint import PRECISIONS, audio_cache_bytes, footprint, relative_cost, weight_bytes
from asr.whisper.sizes import SIZES, parameters
from tests.benchmarks.large_shape import TURBO, shapes

MIB = 1 << 20


@pytest.mark.parametrize(
    ("model", "published"),
    [
        ("whisper-tiny", 37_760_640),
        ("whisper-base", 72_593_920),
        ("whisper-small", 241_734_912),
        ("whisper-medium", 763_857_920),
        ("whisper-large-v3", 1_543_490_560),
        ("whisper-large-v3-turbo", 808_878_080),
    ],
)
def test_parameters_are_those_that_the_hub_counts(model: str, published: int) -> None:
    """As the safetensors of openai's repositories on the Hugging Face hub."""
    assert parameters(SIZES[model]) == published


def test_parameters_are_those_of_the_layers() -> None:
    """But for the biases of keys, which are there as zeros, one a width and attention block."""
    blocks = TURBO.encoder_layers + 2 * TURBO.decoder_layers
    of_layers = sum(prod(shape) for shape in shapes(TURBO).values())
    assert of_layers - blocks * TURBO.width == parameters(SIZES["whisper-large-v3-turbo"])


def test_the_audio_of_a_window_takes_what_the_roofline_says() -> None:
    """docs/performance.md: a step of 8 windows reads 147 MB of keys and values in bfloat16."""
    assert 8 * audio_cache_bytes(SIZES["whisper-base"], 2) == pytest.approx(147e6, rel=0.01)


def test_weights_are_what_engines_were_measured_to_hold() -> None:
    """docs/performance.md: 76 MB in int8, 291 in float32."""
    base = SIZES["whisper-base"]
    assert weight_bytes(base, "int8") / 1e6 == pytest.approx(76, abs=1.0)
    assert weight_bytes(base, "float32") / 1e6 == pytest.approx(291, abs=1.0)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_each_thread_and_each_window_takes_as_much_again(precision: str) -> None:
    def total(threads: int, windows: int) -> int:
        assert precision in PRECISIONS
        return footprint(SIZES["whisper-base"], precision, threads, windows, bf16=True).total

    assert total(2, 6) - total(2, 5) == 2 * (total(1, 6) - total(1, 5))
    assert total(3, 6) - total(2, 6) == total(2, 6) - total(1, 6) > 0


def test_a_cpu_without_bfloat16_takes_more() -> None:
    with_it, without = (footprint(SIZES["whisper-base"], "int8", 2, 6, bf16=bf16) for bf16 in (True, False))
    assert (without.caches, without.activations) == (2 * with_it.caches, 2 * with_it.activations)


def test_the_measure_of_cost_is_whisper_base_in_int8() -> None:
    base = SIZES["whisper-base"]
    assert relative_cost(base, "int8", base, batch_size=6) == 1.0
    costs = [
        relative_cost(SIZES[f"whisper-{name}"], "int8", base, batch_size=6) for name in ("tiny", "small", "medium")
    ]
    assert costs[0] < 1.0 < costs[1] < costs[2]
    assert all(relative_cost(base, precision, base, batch_size=6) > 1.0 for precision in ("bfloat16", "float32"))
