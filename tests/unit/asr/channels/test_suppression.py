"""Taking a leak out of probabilities, samples and words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.channels.crosstalk import LEAD, TAPS, Leak
from asr.channels.suppression import is_leak, without_echoes
from asr.cutting import LeakFrom, cut_chunks
from asr.decode import identify
from asr.files.options import DecodeOptions
from asr.types import Channel, Chunk, Span, Word


def leak(level_db: float, delay_ms: int) -> Leak:
    response = np.zeros(TAPS, np.float32)
    response[LEAD + 8 * delay_ms] = 10 ** (level_db / 20)
    return Leak(level_db, float(delay_ms), response)


def test_windows_that_the_leak_explains_are_no_speech() -> None:
    other = np.full(100, 1e-8, np.float32)
    other[20:40] = 0.01
    power = np.full(100, 1e-8, np.float32)
    power[20:41] = 1e-4  # the leak
    power[30:33] = 1e-3  # somebody speaks into it
    power[60:70] = 1e-4  # and by himself, as quietly as the leak was
    assert np.flatnonzero(is_leak(power, other, leak(-20, 20))).tolist() == [*range(19, 30), *range(33, 44)]


def test_silence_leaks_nothing() -> None:
    assert not is_leak(np.full(10, 1e-7, np.float32), np.zeros(10, np.float32), leak(-6, 0)).any()


@pytest.mark.parametrize("block_s", [0.11, 1.3, 30.0])
def test_chunks_are_cut_without_the_leak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block_s: float) -> None:
    monkeypatch.setattr("asr.files.readers._BLOCK_S", block_s)
    rng = np.random.default_rng(6)
    own = 0.1 * rng.standard_normal((6 * 8_000, 2))
    leaky = own.copy()
    leaky[:, 1] += 0.25 * np.pad(own[:, 0], (160, 0))[: len(own)]
    chunks = [[Chunk(Channel.AGENT, (Span(0, 96_000),))], [Chunk(Channel.CUSTOMER, (Span(0, 96_000),))]]
    found = {}
    for name, samples, leaks in (("own", own, {}), ("leaky", leaky, {1: LeakFrom(leak(20 * np.log10(0.25), 20), 0)})):
        soundfile.write(tmp_path / f"{name}.wav", samples, 8_000, subtype="FLOAT")
        recording = identify(tmp_path / f"{name}.wav")
        found[name] = [cut for _, _, cut in cut_chunks(recording, chunks, DecodeOptions(), leaks)]
    for clean, cut in zip(found["own"], found["leaky"], strict=True):
        # Where noise begins and ends without warning the resampler rings.
        assert np.abs(clean - cut)[800:-800].max() < 1e-3


def test_a_word_that_repeats_the_other_sides_is_dropped_where_it_is_weaker() -> None:
    said = [Word("Hello,", 1.0, 1.4, 0.9), Word("yes.", 3.0, 3.3, 0.9), Word("bill", 5.0, 5.4, 0.9)]
    echoed = [
        Word("hello", 1.1, 1.4, 0.4),  # an echo
        Word("yes", 3.1, 3.4, 0.9),  # said by both at once
        Word("pill", 5.05, 5.4, 0.4),  # heard otherwise: who knows
        Word("hello", 7.0, 7.3, 0.9),  # long after
    ]
    power = np.full(300, 0.01, np.float32)
    weak = power.copy()
    weak[:80] = 1e-4
    words = without_echoes(
        {Channel.AGENT: said, Channel.CUSTOMER: echoed},
        {Channel.AGENT: power, Channel.CUSTOMER: weak},
        {Channel.AGENT: None, Channel.CUSTOMER: leak(-20, 20)},
    )
    assert words == {Channel.AGENT: tuple(said), Channel.CUSTOMER: tuple(echoed[1:])}


def test_a_mixed_recording_keeps_its_words() -> None:
    words = (Word("hello", 1.0, 1.4, 0.9),)
    assert without_echoes({Channel.MIXED: words}, {Channel.MIXED: np.zeros(9, np.float32)}, {}) == {
        Channel.MIXED: words
    }
