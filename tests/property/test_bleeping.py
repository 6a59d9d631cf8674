"""What holds of every redacted copy: what was removed is gone, nothing else is touched, and no sample is lost."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.bleeping import Bleeper, Cover, merged
from asr.files.readers import open_reader
from asr.files.writers import format_like, open_writer
from asr.timebase import to_samples
from asr.types import Channel, Samples, Span
from compliance.bleep import KEYS, PAD_S, Removal, padded
from flows.bleeping import as_recording
from flows.neighbourhoods import near, pieces

pytestmark = pytest.mark.property

N = 6_000
RATES_HZ = st.sampled_from([4_000, 8_000, 11_025, 16_000, 48_000])
EDGES = st.tuples(st.integers(0, N + 500), st.integers(0, N + 500))
SPANS = st.lists(EDGES.map(lambda edges: Span(min(edges), max(edges))), max_size=6)
COVERS = st.sampled_from(["beep", "silence"])
CUTS = st.lists(st.integers(1, N - 1), max_size=4)


def sound(seed: int, n: int = N) -> Samples:
    return np.random.default_rng(seed).uniform(-1.0, 1.0, (2, n)).astype(np.float32)


def bleeped(audio: Samples, spans: list[list[Span]], rate_hz: int, cover: Cover, cuts: list[int]) -> Samples:
    bleeper = Bleeper(spans, rate_hz, cover)
    return np.concatenate([bleeper.hear(block) for block in np.split(audio, sorted(cuts), axis=1)], axis=1)


def inside(spans: list[Span]) -> np.ndarray:
    mask = np.zeros(N, bool)
    for span in spans:
        mask[span.start : span.stop] = True
    return mask


@given(st.integers(0, 99), SPANS, SPANS, RATES_HZ, COVERS, CUTS)
def test_inside_nothing_is_left_and_outside_all(
    seed: int, first: list[Span], second: list[Span], rate_hz: int, cover: Cover, cuts: list[int]
) -> None:
    spans = [first, second]
    copy = bleeped(sound(seed), spans, rate_hz, cover, cuts)
    other = bleeped(sound(seed + 100), spans, rate_hz, cover, [])
    assert copy.shape == (2, N)
    for at in range(2):
        gone = inside(spans[at])
        assert np.array_equal(copy[at, gone], other[at, gone]), "what stands there tells nothing of what was there"
        assert np.array_equal(copy[at, ~gone], sound(seed)[at, ~gone])
        assert cover == "beep" or not copy[at, gone].any()
    assert np.array_equal(bleeped(copy, spans, rate_hz, cover, cuts), copy), "twice is once"
    assert Bleeper(spans, rate_hz, cover).left(copy, 1e-6) == 0


@given(SPANS)
def test_merged_spans_hold_the_same_samples(spans: list[Span]) -> None:
    held = merged(spans)
    assert np.array_equal(inside(list(held)), inside(spans))
    assert all(one.stop < two.start for one, two in pairwise(held))


@pytest.mark.parametrize(
    ("container", "codec"),
    [("WAV", "PCM_16"), ("WAV", "PCM_24"), ("WAV", "PCM_U8"), ("WAV", "ULAW"), ("WAV", "ALAW"), ("WAV", "FLOAT"),
     ("WAVEX", "ULAW"), ("RF64", "PCM_16"), ("FLAC", "PCM_16")],
)  # fmt: skip
@settings(max_examples=10)
@given(seed=st.integers(0, 99), spans=SPANS, cover=COVERS)
def test_a_file_in_a_lossless_codec_keeps_every_other_sample(
    tmp_path_factory: pytest.TempPathFactory, container: str, codec: str, seed: int, spans: list[Span], cover: Cover
) -> None:
    folder = tmp_path_factory.mktemp("copy")
    form = format_like(container, codec, 8_000, "source")
    assert (form.container, form.codec, form.lossless) == (container, codec, True)
    source, copy = folder / f"source.{form.kind}", folder / f"copy.{form.kind}"
    soundfile.write(source, sound(seed).T, 8_000, format=container, subtype=codec)
    bleeper = Bleeper([spans, []], 8_000, cover)
    with open_reader(as_recording(source)) as reader, open_writer(copy, form, 8_000, 2) as write:
        for block in reader.blocks:
            write(bleeper.hear(block))
    with open_reader(as_recording(source)) as reader:
        before = np.concatenate(list(reader.blocks), axis=1)
    with open_reader(as_recording(copy)) as reader:
        after = np.concatenate(list(reader.blocks), axis=1)
    assert after.shape == before.shape
    assert np.array_equal(after[0, ~inside(spans)], before[0, ~inside(spans)])
    assert np.array_equal(after[1], before[1])
    assert Bleeper([spans, []], 8_000, cover).left(after, 1e-2) == 0


TIMES = st.floats(0.0, 20.0).map(lambda time_s: round(time_s, 2))


@st.composite
def speech(draw: st.DrawFn) -> list[tuple[float, float]]:
    edges = sorted(set(draw(st.lists(TIMES, max_size=12))))
    return list(zip(edges[::2], edges[1::2], strict=False))


@given(TIMES, st.floats(0.05, 3.0), speech())
def test_padding_covers_the_words_and_a_little_more(
    start_s: float, length_s: float, bursts: list[tuple[float, float]]
) -> None:
    end_s = start_s + length_s
    first_s, last_s = padded(start_s, end_s, bursts)
    assert max(0.0, start_s - PAD_S - 0.2) - 1e-9 <= first_s <= max(0.0, start_s - 0.1) + 1e-9
    assert end_s + 0.1 - 1e-9 <= last_s <= end_s + PAD_S + 0.2 + 1e-9


@given(TIMES, st.floats(0.05, 3.0), st.floats(0.5, 3.0), speech())
def test_what_is_heard_around_a_place_holds_it_and_cuts_no_word_beside_it(
    start_s: float, length_s: float, context_s: float, words: list[tuple[float, float]]
) -> None:
    end_s = start_s + length_s
    [(first_s, last_s)] = near([Removal(Channel.AGENT, start_s, end_s, "CREDIT_CARD")], words, context_s)
    assert start_s - context_s <= first_s <= start_s
    assert end_s <= last_s <= end_s + context_s
    beside = [(a, b) for a, b in words if b <= start_s or a >= end_s]
    assert not any(a < first_s < b or a < last_s < b for a, b in beside)


@pytest.mark.parametrize(("cause", "expected"), [("US_SSN", (3.0, 8.0)), ("PERSON", (4.0, 7.0)), (KEYS, (4.0, 7.0))])
def test_less_is_heard_beside_what_is_over_in_a_word(cause: str, expected: tuple[float, float]) -> None:
    assert near([Removal(Channel.AGENT, 5.0, 6.0, cause)], [], 2.0) == [expected]


@given(SPANS, SPANS, st.sampled_from([8_000, 16_000]), st.sampled_from([None, 0.1]))
def test_what_is_heard_again_is_speech_and_was_not_removed(
    removed: list[Span], bursts: list[Span], rate_hz: int, context_s: float | None
) -> None:
    from flows.bleeping import Copy

    form = format_like("WAV", "PCM_16", rate_hz, "source")
    held = tuple(merged(Span(span.start, min(span.stop, N)) for span in removed))
    copy = Copy(Path("copy.wav"), form, rate_hz, N, "beep", (held,))
    wanted = None if context_s is None else [(0.0, 0.2 + context_s)]
    chunks = pieces(Channel.AGENT, wanted, merged(bursts), copy, 0)
    factor = 16_000 // rate_hz
    for span in (span for chunk in chunks for span in chunk.spans):
        assert 0 <= span.start < span.stop <= N * factor
        assert context_s is None or span.stop <= to_samples(0.2 + context_s)
        assert all(span.stop <= gone.start * factor or span.start >= gone.stop * factor for gone in held)
