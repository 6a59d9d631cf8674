"""Leaks and copies between two channels, on the sample calls and on calls of noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from asr.channels.crosstalk import LEAD, TAPS, LeakMeter, PairMeter

SAMPLES = Path(__file__).parents[4] / "sample_audio"
PHONE = Path(__file__).parents[5] / "shared" / "data" / "phone"
BLOCK = 30 * 8_000

Both = NDArray[np.float32]


def call(name: str) -> Both:
    samples, _ = soundfile.read(SAMPLES / f"{name}.wav", dtype="float32")
    return np.ascontiguousarray(samples.T)


def met(both: Both, block: int = BLOCK) -> PairMeter:
    meter = PairMeter()
    for start in range(0, both.shape[1], block):
        meter.hear(both[:, start : start + block])
    return meter


def later(samples: Both, n: int) -> Both:
    return np.pad(samples, (0, -n))[-n:] if n < 0 else np.pad(samples, (n, 0))[: len(samples)]


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.wav")), ids=lambda path: path.stem)
def test_a_sound_call_has_no_leak_and_two_sides(path: Path) -> None:
    meter = met(call(path.stem))
    assert meter.leaks() == (None, None)
    assert meter.likeness().share < 0.1


@pytest.mark.skipif(not PHONE.is_dir(), reason="the telephone calls are not here")
def test_telephone_calls_have_no_leak() -> None:
    for path in sorted(PHONE.glob("*.wav")):
        samples, _ = soundfile.read(path, dtype="float32")
        meter = met(np.ascontiguousarray(samples.T))
        assert (path.name, meter.leaks()) == (path.name, (None, None))
        assert meter.likeness().share < 0.1


@pytest.mark.parametrize(("level_db", "delay_ms"), [(-20, 0), (-20, 40), (-12, 20), (-6, 55), (-28, 5)])
@pytest.mark.parametrize("into", [0, 1])
def test_a_leak_is_found_with_its_level_and_delay(level_db: float, delay_ms: int, into: int) -> None:
    both = call("bank")
    both[into] += 10 ** (level_db / 20) * later(both[1 - into], 8 * delay_ms)
    leaks = met(both).leaks()
    assert leaks[1 - into] is None
    found = leaks[into]
    assert found is not None
    assert found.level_db == pytest.approx(level_db, abs=0.5)
    assert found.delay_ms == pytest.approx(delay_ms, abs=0.2)


def test_leaks_both_ways_through_a_filter_are_learned() -> None:
    """Subtracting what the response foretells leaves little of the leak."""
    own = call("order")
    room = np.random.default_rng(1).standard_normal(80) * np.exp(-np.arange(80) / 15)
    room *= 0.2 / np.sqrt(np.sum(room**2))
    leaked = np.stack([np.convolve(later(own[1 - at], 100), room)[: own.shape[1]] for at in (0, 1)])
    for at, leak in enumerate(met((own + leaked).astype(np.float32)).leaks()):
        assert leak is not None
        foretold = np.convolve(own[1 - at], leak.response)[LEAD : LEAD + own.shape[1]]
        assert np.sum((leaked[at] - foretold) ** 2) < 0.02 * np.sum(leaked[at] ** 2)


def test_a_tone_on_both_channels_is_no_leak() -> None:
    """Ringing and hum are heard on both sides of many calls."""
    both = call("clinic")
    at_s = np.arange(both.shape[1]) / 8_000
    both += (0.02 * np.sin(2 * np.pi * 440 * at_s) + 0.02 * np.sin(2 * np.pi * 480 * at_s)).astype(np.float32)
    assert met(both).leaks() == (None, None)


def test_blocks_of_another_length_find_the_same() -> None:
    both = call("complaint")
    both[1] += 0.1 * later(both[0], 160)
    whole, parts = (met(both, block).leaks()[1] for block in (both.shape[1], 7_777))
    assert whole is not None
    assert parts is not None
    assert parts.level_db == pytest.approx(whole.level_db, abs=0.5)
    assert parts.delay_ms == whole.delay_ms


def test_too_little_and_silence_tell_nothing() -> None:
    assert LeakMeter().leak() is None
    silent = met(np.zeros((2, BLOCK), np.float32))
    assert silent.leaks() == (None, None)
    assert silent.likeness().share == 0.0
    one_sided = call("bank")
    one_sided[1] = 0
    assert met(one_sided).leaks() == (None, None)


@pytest.mark.parametrize("gain_db", [0.0, -10.0, 6.0])
@pytest.mark.parametrize("late", [0, 100, -37])
def test_copies_are_alike_whatever_their_gain_and_delay(gain_db: float, late: int) -> None:
    one = call("car_repair").sum(axis=0)
    noise = 0.0005 * np.random.default_rng(2).standard_normal((2, len(one)))
    both = (np.stack([one, 10 ** (gain_db / 20) * later(one, late)]) + noise).astype(np.float32)
    found = met(both).likeness()
    assert found.share > 0.85
    assert found.gain_db == pytest.approx(gain_db, abs=0.5)
    assert found.delay_ms == pytest.approx(late / 8, abs=0.1)


def test_a_response_is_as_long_as_it_says() -> None:
    both = call("bank")
    both[1] += 0.1 * both[0]
    leak = met(both).leaks()[1]
    assert leak is not None
    assert leak.response.shape == (TAPS,)
    assert leak.response.dtype == np.float32
